//! What the engine did, step by step, against what the plan says.

use std::collections::BTreeMap;

use layerwise_analysis::plan::{Cause, Plan, State};
use layerwise_model::eval::{Base, Command};
use layerwise_syntax::Keyword;
use layerwise_syntax::image_ref::ImageRef;

use serde::{Deserialize, Serialize};

use super::build::Vertex;
use super::ours::Ours;

/// What the engine did with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Did {
    /// It ran.
    Ran,
    /// Its result came from the cache.
    Cached,
}

impl Did {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Did::Ran => "ran",
            Did::Cached => "cached",
        }
    }
}

/// What the engine did with the steps of a Dockerfile, by line from 1; `None` for a vertex that the engine had and never
/// came to.
pub type Truth = BTreeMap<usize, Option<Did>>;

/// A comparison of one build.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Steps that both spoke of.
    pub steps: usize,
    /// Steps that the plan is right about.
    pub right: usize,
    /// Steps of `right` for which it said `depends`.
    pub depends: usize,
    /// The disagreements.
    pub wrong: Vec<String>,
}

impl Judged {
    /// Adds another comparison.
    pub fn add(&mut self, other: Judged) {
        self.steps += other.steps;
        self.right += other.right;
        self.depends += other.depends;
        self.wrong.extend(other.wrong);
    }
}

/// The steps of a build by line. A vertex's name says its stage and position (`[build 3/7] RUN make`), and that is what counts:
/// two steps can have one text. Equal vertices are one vertex with one name; the others are found by the graph.
pub fn truth(ours: &Ours, vertices: &[Vertex]) -> Truth {
    let mut by_number: BTreeMap<usize, Option<Did>> = BTreeMap::new();
    let alone = ours.file.stages().len() == 1;
    for (index, stage) in ours.file.stages().iter().enumerate() {
        // A lone stage loses its name, except where mounts count as stages beside it.
        let name = (!alone).then(|| stage.name.clone().unwrap_or_else(|| format!("stage-{index}")));
        let eval = &ours.eval.stages[index];
        if eval.replaced {
            continue;
        }
        // A base that a named context gives is loaded by another vertex, which has no position.
        let mut position = usize::from(matches!(eval.base, Base::Image(_)) && !is_given(ours, index));
        let makes = |command: &Command| match command {
            Command::Run(_) | Command::Copy(_) => true,
            Command::Workdir(path) => layerwise_model::gopath::path_clean(path) != "/",
            _ => false,
        };
        position += eval.triggers.iter().filter(|step| makes(&step.command)).count();
        for number in stage.body.clone() {
            if !makes(&ours.eval.step(number).command) {
                continue;
            }
            position += 1;
            // A download has the name of its ADD, and reads nothing.
            let named = vertices.iter().filter(|v| is_at(&v.name, name.as_deref(), position));
            if let Some(vertex) = named.max_by_key(|v| v.inputs) {
                let did = match (vertex.started, vertex.cached) {
                    (false, _) => None,
                    (true, true) => Some(Did::Cached),
                    (true, false) => Some(Did::Ran),
                };
                by_number.insert(number, did);
            }
        }
    }
    let found: Vec<(usize, Option<Did>)> = by_number.iter().map(|(n, did)| (*n, *did)).collect();
    for (number, did) in found {
        for twin in ours.twins(number) {
            by_number.entry(twin).or_insert(did);
        }
    }
    by_number.into_iter().map(|(number, did)| (ours.file.line(number), did)).collect()
}

/// Whether the base of a stage is given by a named context.
fn is_given(ours: &Ours, stage: usize) -> bool {
    let normalized = |name: &str| ImageRef::parse(name).map(|r| r.normalized()).ok();
    let base = &ours.eval.stages[stage].base_name.value;
    ours.options.contexts.keys().any(|name| name == base || normalized(name) == normalized(base))
}

/// Whether a vertex's name is that of a stage's step: `[stage 2/5] ...`, padded, perhaps with a platform before the stage; `None` for
/// any stage. The merge of a linked copy has the copy's name after `LINK`, and is no step of its own.
fn is_at(name: &str, stage: Option<&str>, position: usize) -> bool {
    let Some((head, tail)) = name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return false;
    };
    if tail.starts_with("LINK ") {
        return false;
    }
    let mut words = head.split_whitespace().rev();
    let number = words.next().and_then(|word| word.split_once('/')).and_then(|(n, _)| n.parse().ok());
    let named = words.next().filter(|word| !word.contains('/')).unwrap_or_default();
    number == Some(position) && stage.is_none_or(|stage| stage == named)
}

/// Compares. `depends` is right only where another step or something off this machine decides.
pub fn judge(id: &str, ours: &Ours, plan: &Plan, truth: &Truth) -> Judged {
    let mut judged = Judged::default();
    for step in &plan.steps {
        let keyword = ours.file.instruction(step.number).1.kind();
        if matches!(keyword, Some(Keyword::From) | None) {
            continue;
        }
        let did = truth.get(&step.line);
        let right = match (did, step.state) {
            // The engine knew the vertex and had no need to look at it.
            (Some(None), _) => continue,
            (Some(Some(Did::Ran)), State::Rebuilt) | (Some(Some(Did::Cached)), State::Cached) => true,
            (Some(Some(_)), State::Depends) => {
                let elsewhere = |cause: &Cause| match cause {
                    Cause::Line(line) => *line != step.line,
                    Cause::Image(_) | Cause::Remote(_) => true,
                    _ => false,
                };
                let right = step.because.iter().any(elsewhere);
                judged.depends += usize::from(right);
                right
            }
            (None, State::Metadata | State::NotBuilt) => true,
            _ => false,
        };
        judged.steps += 1;
        judged.right += usize::from(right);
        if !right {
            let engine = match did {
                Some(Some(did)) => did.as_str(),
                _ => "had no such step",
            };
            judged.wrong.push(format!(
                "{id}: line {}: `{:.70}`: the engine {engine}, the plan says {} {:?}",
                step.line,
                step.instruction,
                step.state.as_str(),
                step.because
            ));
        }
    }
    judged
}
