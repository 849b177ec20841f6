//! Recorded answers of an engine, with which cases are compared where there is none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::build::dockerfile;
use super::case::{Case, Node};
use super::compare::{Judged, Truth, judge};
use super::ours::{Config, KnownImages, Ours, plan};
use super::run::{SERVED, WWW};
use super::tree::Tree;

/// What an engine did with cases: `{"engine": "docker 28.5 containerd", "cases": {"name": {"steps": {"3": "ran"}}}}`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Answers {
    /// The engine as plans name it.
    pub engine: String,
    /// By the names of the cases.
    pub cases: BTreeMap<String, Answer>,
}

/// What an engine did with one case.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Answer {
    /// The images that each build found, by reference; empty for a case that makes none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<BTreeMap<String, Config>>,
    /// What it did with the steps of the last build, by line from 1; `null` where it knew a step and had no need of it.
    pub steps: Truth,
}

impl Answers {
    /// Reads a file of answers.
    pub fn read(path: &Path) -> Result<Answers, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Writes a file of answers, one case per line.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let said = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let engine = serde_json::to_string(&self.engine).map_err(|e| said(&e))?;
        let mut lines = Vec::new();
        for (id, answer) in &self.cases {
            let answer = serde_json::to_string(answer).map_err(|e| said(&e))?;
            lines.push(format!("  {}: {answer}", serde_json::Value::from(id.as_str())));
        }
        let text = format!("{{\n \"engine\": {engine},\n \"cases\": {{\n{}\n }}\n}}\n", lines.join(",\n"));
        fs::write(path, text).map_err(|e| said(&e))
    }
}

/// Compares the plan of a case with a recorded answer of `engine`; `root` is a folder that the case may fill.
pub fn replay(case: &Case, answer: &Answer, engine: &str, root: &Path) -> Result<Judged, String> {
    let mut tree = Tree::new(root.to_owned())?;
    // Nobody serves anything here, and the plan asks nobody.
    let served = |path: &str| path.starts_with(SERVED);
    for (path, node) in case.files.iter().filter(|(path, _)| !served(path)) {
        tree.write(path, node)?;
    }
    let mut options = case.build.clone();
    let mut text = case.dockerfile.text();
    let mut builds = Vec::new();
    for number in 0..=case.edits.len() {
        if let Some(edit) = number.checked_sub(1).and_then(|n| case.edits.get(n)) {
            let mut edit = edit.clone();
            edit.write.retain(|path, _| !served(path));
            text = edit.dockerfile(&text)?;
            options = edit.build(&options)?;
            tree.apply(&edit)?;
        }
        let written = text.replace(WWW, "http://127.0.0.1:1");
        tree.write(&dockerfile(&options), &Node::Content(written))?;
        let images = answer.images.get(number).cloned().unwrap_or_default();
        builds.push(Ours::read(tree.root(), &options, &KnownImages(images), engine)?);
    }
    let after = builds.pop().ok_or("no build")?;
    Ok(judge(&case.id, &after, &plan(&builds, &after), &answer.steps))
}
