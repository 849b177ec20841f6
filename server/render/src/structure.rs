//! How a build hangs together: its stages, and what every step reads. What the pictures draw, and what the plan's JSON says
//! beside the states.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use layerwise_analysis::cost::Figure;
use layerwise_analysis::plan::{
    Edge, Edges, Plan, Read, Side, State, Summary, Touched, edges, reach_of_files, stage_name,
};
use layerwise_model::eval::{Base, Command, Source};
use layerwise_model::graph::{is_git, is_http};
use layerwise_syntax::Keyword;
use layerwise_syntax::mount::MountKind;
use serde_json::{Value, json};

use crate::figures::{figure_json, price_json};

/// The version of the graph's JSON form; it changes when a field changes its meaning.
pub const GRAPH_VERSION: u32 = 1;

/// How many files are listed.
const MAX_FILES: usize = 200;

/// Stages and steps of one build, in file order.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// The stages.
    pub stages: Vec<Stage>,
    /// One step per instruction.
    pub steps: Vec<Step>,
    /// The patterns of the ignore file in force; those that bring files back begin with `!`.
    pub ignore: Vec<String>,
    /// The build arguments that the file declares and the lines that each touches.
    pub build_args: Vec<Touched>,
    /// The files of the build context that most steps depend on, those first; at most 200.
    pub files: Vec<FileRow>,
}

/// A file of the build context.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Its path in the context.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The lines (from 1) of the steps that select it.
    pub lines: Vec<usize>,
    /// The numbers of the steps that run when it changes, and of those that may.
    pub rebuilds: Vec<usize>,
    /// Of these, those that run for certain.
    pub certain: Vec<usize>,
}

/// A build stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its name, or `stage-0` and so on.
    pub name: String,
    /// The line of its FROM, from 1.
    pub line: usize,
    /// What it starts from.
    pub base: StageBase,
    /// Whether the target reaches it.
    pub built: bool,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageBase {
    /// An image, as the Dockerfile calls it with its variables expanded.
    Image(String),
    /// An earlier stage, by its number.
    Stage(usize),
    /// Nothing.
    Scratch,
    /// A named context.
    Context(String),
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its first line, from 1.
    pub line: usize,
    /// Its last line, from 1.
    pub end_line: usize,
    /// The number of its stage; `None` before the first FROM.
    pub stage: Option<usize>,
    /// Its keyword in lower case.
    pub kind: String,
    /// Its text, joined to one line.
    pub text: String,
    /// What it reads.
    pub edges: Edges,
    /// The paths that it names in the build context, variables expanded; for a FROM, those that its ONBUILD triggers name.
    pub sources: Vec<String>,
    /// How many files it selects there and their bytes; `None` where it selects nothing there, or the context is unknown.
    pub files: Option<(usize, u64)>,
}

impl Structure {
    /// The structure of a build; `build_args` stays empty, since it takes an evaluation for each.
    pub fn of(side: &Side<'_>) -> Structure {
        let mut edges: BTreeMap<usize, Edges> = edges(side);
        let reach = reach_of_files(side);
        let mut counts: HashMap<usize, (usize, u64)> = HashMap::new();
        for file in &reach {
            for number in &file.selected_by {
                let (count, bytes) = counts.entry(*number).or_default();
                (*count, *bytes) = (*count + 1, *bytes + file.bytes);
            }
        }
        let stages = side.file.stages().iter().map(|stage| {
            let eval = &side.eval.stages[stage.index];
            let base = match &eval.base {
                Base::Scratch => StageBase::Scratch,
                Base::Stage(index) => StageBase::Stage(*index),
                Base::Named(name) => StageBase::Context(name.clone()),
                Base::Image(_) | Base::Invalid(_) => StageBase::Image(eval.base_name.value.clone()),
            };
            Stage {
                name: stage_name(side.file, stage.index),
                line: side.file.line(stage.from),
                base,
                built: eval.reachable,
            }
        });
        let steps = side.file.all().map(|(number, placed, instruction)| {
            let mut sources = sources(&side.eval.step(number).command);
            if let Some(stage) = side.file.stage_of(number).filter(|stage| stage.from == number) {
                let triggers = side.eval.stages[stage.index].triggers.iter();
                sources.extend(triggers.flat_map(|step| self::sources(&step.command)));
            }
            let counted = || counts.get(&number).copied().unwrap_or_default();
            let from = instruction.kind() == Some(Keyword::From);
            let files = (side.context.is_some() && !sources.is_empty() && !from).then(counted);
            Step {
                line: placed.line + 1,
                end_line: placed.line + placed.lines,
                stage: side.file.stage_of(number).map(|s| s.index),
                kind: instruction.keyword().value.to_lowercase(),
                text: instruction.logical().text().trim().to_owned(),
                edges: edges.remove(&number).unwrap_or_default(),
                sources,
                files,
            }
        });
        let ignore = side.context.map(|context| {
            let one = |p: &layerwise_model::dockerignore::Pattern| {
                format!("{}{}", if p.is_negated() { "!" } else { "" }, p.text())
            };
            context.ignore.patterns().iter().map(one).collect()
        });
        Structure {
            stages: stages.collect(),
            steps: steps.collect(),
            ignore: ignore.unwrap_or_default(),
            build_args: Vec::new(),
            files: reach
                .into_iter()
                .take(MAX_FILES)
                .map(|file| FileRow {
                    lines: file.selected_by.iter().map(|n| side.file.line(*n)).collect(),
                    path: file.path,
                    bytes: file.bytes,
                    certain: file
                        .steps
                        .iter()
                        .filter(|(_, s)| *s == State::Rebuilt)
                        .map(|(n, _)| *n)
                        .collect(),
                    rebuilds: file.steps.iter().map(|(n, _)| *n).collect(),
                })
                .collect(),
        }
    }

    /// Adds to the JSON form of a plan of the same build: `kind`, `inputs`, `result`, `sources` and `files` of the steps,
    /// `stages`, `build_args` and `ignore`. What is there already stays.
    pub fn add_to(&self, json: &mut Value, plan: &Plan) {
        if let Some(steps) = json.get_mut("steps").and_then(Value::as_array_mut) {
            for (value, step) in steps.iter_mut().zip(&self.steps) {
                add(value, self.step_json(step));
            }
        }
        let mut summaries = vec![Summary::default(); self.stages.len()];
        for (planned, step) in plan.steps.iter().zip(&self.steps) {
            if let Some(summary) = step.stage.and_then(|s| summaries.get_mut(s)) {
                count(summary, planned.state);
            }
        }
        let mut stages = self.stages_json();
        for ((index, value), summary) in stages.iter_mut().enumerate().zip(&summaries) {
            value["summary"] = summary_json(summary);
            value["price"] = price_json(&plan.stage_prices.get(index).copied().unwrap_or_default());
        }
        add(
            json,
            json!({
                "stages": stages,
                "files": self.files_json(Some(plan)),
                "build_args": self.arguments_json(),
                "ignore": self.ignore,
            }),
        );
    }

    /// The steps of each stage, by their numbers; `None` for those before the first FROM, if there are any.
    pub(crate) fn lanes(&self) -> Vec<(Option<usize>, Range<usize>)> {
        let mut lanes: Vec<(Option<usize>, Range<usize>)> = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            match lanes.last_mut() {
                Some((stage, range)) if *stage == step.stage => range.end = number + 1,
                _ => lanes.push((step.stage, number..number + 1)),
            }
        }
        lanes
    }

    /// The stage that holds the instruction at a line (from 1).
    pub(crate) fn stage_at(&self, line: usize) -> Option<usize> {
        let step = self.steps.binary_search_by_key(&line, |s| s.line).ok()?;
        self.steps[step].stage
    }

    /// The edges from stage to stage, by line: what is read, the step that reads it, and whether by content. A stage that
    /// stands on another one has one edge, from the last step to the FROM.
    pub(crate) fn crossings(&self) -> Vec<(usize, usize, bool)> {
        let mut found = Vec::new();
        let mut ends: Vec<Option<usize>> = vec![None; self.stages.len()];
        for step in &self.steps {
            if let Some(end) = step.stage.and_then(|s| ends.get_mut(s)) {
                *end = Some(step.line);
            }
        }
        for stage in &self.stages {
            if let StageBase::Stage(base) = stage.base
                && let Some(line) = ends.get(base).copied().flatten()
            {
                found.push((line, stage.line, false));
            }
        }
        for step in &self.steps {
            for edge in &step.edges.inputs {
                if let (Read::Line(line), true) = (&edge.from, edge.by_content)
                    && self.stage_at(*line) != step.stage
                {
                    found.push((*line, step.line, true));
                }
            }
        }
        found
    }

    /// The column that each stage is drawn in, from 0: right of all that it reads from.
    pub(crate) fn columns(&self) -> Vec<usize> {
        let mut columns = vec![0; self.stages.len()];
        let mut needs: Vec<(usize, usize)> = self
            .crossings()
            .into_iter()
            .filter_map(|(from, to, _)| Some((self.stage_at(to)?, self.stage_at(from)?)))
            .collect();
        // A stage reads only from those above it.
        needs.sort_unstable();
        for (stage, source) in needs {
            columns[stage] = columns[stage].max(columns[source] + 1);
        }
        columns
    }

    /// The fields of a step that the structure knows.
    fn step_json(&self, step: &Step) -> Value {
        let mut value = json!({ "kind": step.kind, "inputs": edges_json(&step.edges.inputs) });
        if !step.edges.result.is_empty() {
            value["result"] = edges_json(&step.edges.result);
        }
        if !step.sources.is_empty() {
            value["sources"] = json!(step.sources);
        }
        value["files"] = match step.files {
            Some((count, bytes)) => json!({ "count": count, "bytes": bytes, "ignored": null }),
            None => Value::Null,
        };
        value
    }

    pub(crate) fn stages_json(&self) -> Vec<Value> {
        let stages = self.stages.iter().enumerate().map(|(index, stage)| {
            let base = match &stage.base {
                StageBase::Image(image) => json!({ "image": image }),
                StageBase::Stage(index) => {
                    json!({ "stage": self.stages.get(*index).map(|s| &s.name), "index": index })
                }
                StageBase::Scratch => json!({ "scratch": true }),
                StageBase::Context(name) => json!({ "context": name }),
            };
            json!({ "name": stage.name, "index": index, "line": stage.line, "base": base, "built": stage.built })
        });
        stages.collect()
    }

    /// The files, with the seconds of the steps that run for certain where a plan knows them.
    fn files_json(&self, plan: Option<&Plan>) -> Vec<Value> {
        let one = |file: &FileRow| {
            let steps = file.certain.iter().filter_map(|n| plan?.steps.get(*n));
            let seconds: Vec<Option<Figure>> = steps.map(|step| step.price.seconds).collect();
            let seconds = Figure::sum(seconds).filter(|_| plan.is_some());
            json!({
                "path": file.path,
                "bytes": file.bytes,
                "lines": file.lines,
                "rebuilds": file.rebuilds.len(),
                "seconds": figure_json(seconds),
            })
        };
        self.files.iter().map(one).collect()
    }

    fn arguments_json(&self) -> Vec<Value> {
        self.build_args.iter().map(|arg| json!({ "name": arg.name, "lines": arg.lines })).collect()
    }

    /// The data of the page for the build graph alone: a plan without states.
    pub fn to_json(&self, about: &crate::plan::About) -> Value {
        let steps = self.steps.iter().map(|step| {
            let stage = step.stage.and_then(|s| self.stages.get(s)).map(|s| &s.name);
            let mut value = json!({
                "line": step.line, "end_line": step.end_line, "stage": stage, "instruction": step.text,
                "state": null, "because": [], "missing": [],
            });
            add(&mut value, self.step_json(step));
            value
        });
        json!({
            "version": GRAPH_VERSION,
            "dockerfile": about.dockerfile,
            "context": about.context,
            "target": about.target,
            "engine": about.engine,
            "steps": steps.collect::<Vec<_>>(),
            "stages": self.stages_json(),
            "files": self.files_json(None),
            "build_args": self.arguments_json(),
            "ignore": self.ignore,
        })
    }
}

/// Adds the fields of `more` that `value` does not have.
fn add(value: &mut Value, more: Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        for (key, field) in more {
            value.entry(key).or_insert(field);
        }
    }
}

fn count(summary: &mut Summary, state: State) {
    *match state {
        State::Cached => &mut summary.cached,
        State::Rebuilt => &mut summary.rebuilt,
        State::Depends => &mut summary.depends,
        State::Metadata => &mut summary.metadata,
        State::NotBuilt => &mut summary.not_built,
    } += 1;
}

fn summary_json(summary: &Summary) -> Value {
    json!({
        "cached": summary.cached,
        "rebuilt": summary.rebuilt,
        "depends": summary.depends,
        "metadata": summary.metadata,
        "not_built": summary.not_built,
    })
}

fn edges_json(edges: &[Edge]) -> Value {
    edges.iter().map(edge_json).collect()
}

pub(crate) fn edge_json(edge: &Edge) -> Value {
    let mut value = match &edge.from {
        Read::Line(line) => json!({ "line": line }),
        Read::Context(None) => json!({ "context": true }),
        Read::Context(Some(name)) => json!({ "context": name }),
        Read::Image(reference) => json!({ "image": reference }),
        Read::Remote(url) => json!({ "remote": url }),
    };
    value["by"] = if edge.by_content { "content" } else { "key" }.into();
    value
}

/// The paths that a command names in the build context.
fn sources(command: &Command) -> Vec<String> {
    match command {
        Command::Copy(copy) if copy.from == Source::Context => {
            copy.sources.iter().filter(|s| !(copy.add && (is_http(s) || is_git(s)))).cloned().collect()
        }
        Command::Run(run) => run
            .mounts
            .iter()
            .filter(|(mount, source)| mount.kind == MountKind::Bind && *source == Source::Context)
            .map(|(mount, _)| mount.source.clone())
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use layerwise_analysis::plan::{plan, touched_by_arguments, with_changed};
    use layerwise_model::graph::{Contexts, graph};
    use layerwise_model::images::WellKnown;
    use layerwise_model::{Content, Context, Entry, EntryKind, File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::plan::{About, to_json};

    /// A context of files, one byte each.
    fn context(files: &[&str]) -> Context {
        let mut context = Context::default();
        for (number, file) in files.iter().enumerate() {
            let content = Content::Unread(number as u64);
            let entry = Entry { kind: EntryKind::File, mode: 0o644, size: 1, content, link: None };
            context.entries.insert(file, entry);
        }
        context
    }

    /// The plan of a Dockerfile after `changed` changed, in a context of `files`.
    pub(crate) fn planned(text: &str, files: &[&str], changed: &[&str]) -> (Plan, Structure) {
        let file = File::new(Parsed::new(text));
        let options = Options::default();
        let eval = evaluate(&file, &options, &WellKnown);
        let old = context(files);
        let new = with_changed(&old, &changed.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
        let graph = |context| graph(&file, &eval, &options, Contexts { main: Some(context), named: None });
        let (old_graph, new_graph) = (graph(&old), graph(&new));
        let before =
            Side { file: &file, eval: &eval, graph: &old_graph, context: Some(&old), options: &options };
        let after = Side { graph: &new_graph, context: Some(&new), ..before };
        let mut structure = Structure::of(&after);
        structure.build_args = touched_by_arguments(&file, &options, &WellKnown);
        (plan(Some(&before), &after), structure)
    }

    pub(crate) fn about() -> About {
        About {
            dockerfile: "Dockerfile".to_owned(),
            context: Some(".".to_owned()),
            target: None,
            engine: "buildkit".to_owned(),
            before: "HEAD".to_owned(),
            ..About::default()
        }
    }

    /// A Dockerfile with all kinds of edges, and its context.
    pub(crate) const EXAMPLE: &str = "\
ARG TAG=22
FROM node:${TAG} AS build
WORKDIR /app
COPY package.json ./
RUN npm ci
COPY . .
RUN npm run build
FROM build AS test
RUN npm test
FROM nginx
COPY --from=build /app/dist /srv
RUN --mount=target=/c,source=conf x
CMD nginx
";

    pub(crate) const FILES: [&str; 4] = ["package.json", "src/a.ts", "src/b.ts", "conf/x"];

    #[test]
    fn the_plan_gets_stages_inputs_and_files() {
        let (plan, structure) = planned(EXAMPLE, &FILES, &["src/a.ts"]);
        let mut json = to_json(&plan, &about());
        structure.add_to(&mut json, &plan);
        assert_eq!(json["steps"][5]["kind"], "copy");
        assert_eq!(
            json["steps"][5]["inputs"],
            json!([{ "line": 5, "by": "key" }, { "context": true, "by": "content" }])
        );
        assert_eq!(json["steps"][5]["sources"], json!(["."]));
        assert_eq!(json["steps"][5]["files"], json!({ "count": 4, "bytes": 4, "ignored": null }));
        assert_eq!(json["steps"][3]["files"]["count"], 1);
        assert_eq!(json["steps"][4]["files"], Value::Null);
        assert_eq!(json["steps"][10]["inputs"][1], json!({ "line": 7, "by": "content" }));
        assert_eq!(
            json["stages"][0],
            json!({
                "name": "build", "index": 0, "line": 2, "base": { "image": "node:22" }, "built": true,
                "summary": { "cached": 4, "rebuilt": 2, "depends": 0, "metadata": 0, "not_built": 0 },
                "price": { "seconds": null, "bytes": null },
            })
        );
        assert_eq!(json["stages"][1]["base"], json!({ "stage": "build", "index": 0 }));
        assert_eq!(json["stages"][1]["built"], false);
        assert_eq!(json["build_args"], json!([{ "name": "TAG", "lines": [2] }]));
        assert_eq!(
            json["files"][0],
            json!({ "path": "package.json", "bytes": 1, "lines": [4, 6], "rebuilds": 6, "seconds": null })
        );
        assert_eq!(json["steps"][5]["state"], "rebuilt", "what was there stays");
    }
}
