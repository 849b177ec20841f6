//! Cases of the reference material (`../shared/cases/cache_cases.json`, `random_builds.json`) in the format of this tool, so that
//! what was recorded of one engine can be built again with another.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::case::{Case, Edit, Node, Properties, Text};
use super::compare::{Did, Truth};

/// A recorded case.
#[derive(Deserialize)]
pub struct Recorded {
    /// Its name.
    pub id: String,
    files: BTreeMap<String, String>,
    dockerfile: String,
    edit: BTreeMap<String, Value>,
    #[serde(default)]
    before_options: BTreeMap<String, Value>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    line: usize,
    kind: String,
    cached: Option<bool>,
}

impl Recorded {
    /// The case, and what the recorded builder did. An error is something that this tool cannot do: extended attributes, what a
    /// server outside of the folder had.
    pub fn case(&self) -> Result<(Case, Truth), String> {
        let mut case = Case {
            id: self.id.clone(),
            files: self
                .files
                .iter()
                .map(|(path, text)| (path.clone(), Node::Content(text.clone())))
                .collect(),
            dockerfile: Text::Whole(self.dockerfile.clone()),
            ..Case::default()
        };
        if self.dockerfile.contains("127.0.0.1:") {
            return Err("it needs the servers that it was recorded with".to_owned());
        }
        for (name, value) in &self.before_options {
            match name.as_str() {
                "args0" => case.build.args = words(value),
                "secrets0" => case.build.secrets = words(value),
                "target0" => case.build.target = value.as_str().map(str::to_owned),
                other => return Err(format!("`{other}` before the edit")),
            }
        }
        let reverted = self.edit.get("revert") == Some(&Value::Bool(true));
        let mut edit = Edit { build: json!({}), ..Edit::default() };
        // What is removed goes first, and a link can take its place.
        let mut changes: Vec<(&String, &Value)> = self.edit.iter().collect();
        changes.sort_by_key(|(name, _)| *name != "write");
        for (name, value) in changes {
            match name.as_str() {
                "dockerfile" => edit.dockerfile = value.as_str().map(|t| Text::Whole(t.to_owned())),
                "write" | "write2" => {
                    for (path, text) in value.as_object().into_iter().flatten() {
                        let node = text.as_str().map(|text| Node::Content(text.to_owned()));
                        edit.write.insert(path.clone(), node);
                    }
                }
                "mv" => edit.moves = pairs(value).map(|(a, b)| (a, text(b))).collect(),
                "symlink" => {
                    for (path, target) in pairs(value) {
                        let link = Some(text(target));
                        edit.write
                            .insert(path, Some(Node::Other(Properties { link, ..Properties::default() })));
                    }
                }
                "chmod" => {
                    edit.chmod = pairs(value)
                        .map(|(path, mode)| (path, format!("{:o}", mode.as_u64().unwrap_or_default())))
                        .collect();
                }
                "mkdir" => {
                    for path in value.as_array().into_iter().flatten() {
                        let node = Node::Other(Properties { dir: true, ..Properties::default() });
                        edit.write.insert(text(path), Some(node));
                    }
                }
                "touch" => edit.touch = value.as_array().into_iter().flatten().map(text).collect(),
                "args" | "secrets" | "target" => edit.build[name] = value.clone(),
                "revert" => {}
                other => return Err(format!("the edit `{other}`")),
            }
        }
        // The reverted edit is none.
        case.edits.push(if reverted { Edit::default() } else { edit });
        let did = |cached| if cached { Did::Cached } else { Did::Ran };
        let steps = self.steps.iter().filter(|step| step.kind == "step");
        Ok((case, steps.map(|step| (step.line, step.cached.map(did))).collect()))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn words(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn pairs(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    value.as_array().into_iter().flatten().map(|pair| (text(&pair[0]), &pair[1]))
}
