//! What the next build runs again: two builds compared vertex by vertex, as BuildKit's cache would.
//!
//! The build before is what the cache holds. A step is cached if its key is in it, rebuilt if it cannot be, and depends on
//! something else where its own definition is unchanged but an input is keyed by content that nobody knows yet.

use std::collections::HashMap;

use layerwise_model::eval::{Command, Evaluation};
use layerwise_model::graph::{Graph, Input, Kind, Origin};
use layerwise_model::selection::Key;
use layerwise_model::{Context, File, Options};
use layerwise_syntax::Keyword;

use crate::cost::{ImageEstimate, Price};

mod causes;
mod simulate;

pub use simulate::{rebuilt_when, with_changed};

/// One side of a comparison: a build that was or could be.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The Dockerfile.
    pub file: &'a File,
    /// Its evaluation for these options.
    pub eval: &'a Evaluation,
    /// Its build graph.
    pub graph: &'a Graph,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
    /// Target, platform and build arguments.
    pub options: &'a Options,
}

/// What happens to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Its key is in the cache: it does not run, provided the build before is in the cache.
    Cached,
    /// Its key changes: it runs.
    Rebuilt,
    /// Its definition is unchanged, but an input is keyed by content that is not known before the build.
    Depends,
    /// It changes the image's configuration only; nothing runs.
    Metadata,
    /// The target does not reach it, or it makes no vertex (FROM of a stage, `WORKDIR /`).
    NotBuilt,
}

impl State {
    /// The name in JSON: `cached`, `rebuilt`, `depends`, `metadata`, `not-built`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Cached => "cached",
            State::Rebuilt => "rebuilt",
            State::Depends => "depends",
            State::Metadata => "metadata",
            State::NotBuilt => "not-built",
        }
    }
}

/// Why a step runs, or what decides whether it does: the nearest cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A line of the Dockerfile (from 1): the step's own if it was edited, else the step or setting that changed.
    Line(usize),
    /// A file of the context.
    File(String),
    /// A build argument.
    BuildArg(String),
    /// A base image.
    Image(String),
    /// Something on the network.
    Remote(String),
    /// The target.
    Target(String),
}

/// One instruction of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The instruction's number.
    pub number: usize,
    /// Its first line, from 1.
    pub line: usize,
    /// Its last line, from 1.
    pub end_line: usize,
    /// Its stage: the name, or `stage-0` and so on; `None` before the first FROM.
    pub stage: Option<String>,
    /// Its text, joined to one line.
    pub instruction: String,
    /// What happens to it.
    pub state: State,
    /// Why.
    pub because: Vec<Cause>,
    /// Sources that are not in the context: the step will fail.
    pub missing: Vec<String>,
    /// For ONBUILD: what happens where it is triggered.
    pub triggers: Vec<Trigger>,
    /// What it costs when it runs. Nothing is known until [`crate::cost::price`] was asked.
    pub price: Price,
}

/// An ONBUILD trigger where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The line of the FROM that triggers it, from 1.
    pub line: usize,
    /// The stage that it runs in.
    pub stage: String,
    /// What happens to it.
    pub state: State,
    /// Why.
    pub because: Vec<Cause>,
}

/// A plan: one step per instruction, in file order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What the steps that are rebuilt cost together. Nothing is known until [`crate::cost::price`] was asked.
    pub price: Price,
    /// The same for each stage, by its number; empty until [`crate::cost::price`] was asked.
    pub stage_prices: Vec<Price>,
    /// How big the image comes out. Nothing is known until [`crate::cost::price`] was asked.
    pub image: Option<ImageEstimate>,
}

/// How many steps are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the states.
pub struct Summary {
    pub cached: usize,
    pub rebuilt: usize,
    pub depends: usize,
    pub metadata: usize,
    pub not_built: usize,
}

impl Plan {
    /// How many steps are in each state.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for step in &self.steps {
            *match step.state {
                State::Cached => &mut summary.cached,
                State::Rebuilt => &mut summary.rebuilt,
                State::Depends => &mut summary.depends,
                State::Metadata => &mut summary.metadata,
                State::NotBuilt => &mut summary.not_built,
            } += 1;
        }
        summary
    }
}

/// How a vertex of the new build relates to those of the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It has the key of this one.
    Same(usize),
    /// It has the key of one of these if some content comes out the same.
    Maybe(Vec<usize>),
    /// It has no key of the old build.
    New,
}

/// Whether two inputs are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Equal {
    Yes,
    Unknown,
    No,
}

/// Compares a build with the one before; without one, everything runs.
pub fn plan(before: Option<&Side<'_>>, after: &Side<'_>) -> Plan {
    let matches = match before {
        Some(before) => compare(before.graph, after.graph),
        None => vec![Match::New; after.graph.vertices.len()],
    };
    let explain = causes::Explain::new(before, after, &matches);
    let steps = after.file.all().map(|(number, placed, instruction)| {
        let stage = after.file.stage_of(number);
        let reachable = stage.is_none_or(|s| after.eval.stages[s.index].reachable);
        let vertex = after.graph.of_instruction.get(&number).copied();
        let state = match vertex.filter(|_| reachable) {
            Some(vertex) => state_of(&matches[vertex]),
            None => match instruction.kind() {
                Some(Keyword::From | Keyword::Workdir | Keyword::Run | Keyword::Copy | Keyword::Add)
                | None => State::NotBuilt,
                Some(_) => State::Metadata,
            },
        };
        let because = match vertex.filter(|_| reachable) {
            Some(vertex) => explain.vertex(vertex, number),
            None => Vec::new(),
        };
        Step {
            number,
            line: placed.line + 1,
            end_line: placed.line + placed.lines,
            stage: stage.map(|s| stage_name(after.file, s.index)),
            instruction: instruction.logical().text().trim().to_owned(),
            state,
            because,
            missing: after.graph.missing.get(&number).cloned().unwrap_or_default(),
            triggers: triggers(after, number, &matches, &explain),
            price: Price::default(),
        }
    });
    Plan { steps: steps.collect(), ..Plan::default() }
}

/// The name of a stage, or what BuildKit calls one without.
pub fn stage_name(file: &File, index: usize) -> String {
    file.stages()[index].name.clone().unwrap_or_else(|| format!("stage-{index}"))
}

fn state_of(found: &Match) -> State {
    match found {
        Match::Same(_) => State::Cached,
        Match::Maybe(_) => State::Depends,
        Match::New => State::Rebuilt,
    }
}

fn triggers(
    after: &Side<'_>,
    number: usize,
    matches: &[Match],
    explain: &causes::Explain<'_>,
) -> Vec<Trigger> {
    let mut found = Vec::new();
    if after.file.instruction(number).1.kind() != Some(Keyword::Onbuild) {
        return found;
    }
    for (index, stage) in after.eval.stages.iter().enumerate() {
        for (position, origin) in stage.trigger_origins.iter().enumerate() {
            if *origin != Some(number) {
                continue;
            }
            let from = after.file.stages()[index].from;
            let vertex = after.graph.of_trigger.get(&(index, position)).copied();
            let (state, because) = match vertex {
                _ if !stage.reachable => (State::NotBuilt, Vec::new()),
                Some(vertex) => (state_of(&matches[vertex]), explain.vertex(vertex, from)),
                None if matches!(stage.triggers[position].command, Command::Workdir(_)) => {
                    (State::NotBuilt, Vec::new())
                }
                None => (State::Metadata, Vec::new()),
            };
            found.push(Trigger {
                line: after.file.line(from),
                stage: stage_name(after.file, index),
                state,
                because,
            });
        }
    }
    found
}

/// Matches the vertices of `after` with those of `before`, inputs first.
pub(crate) fn compare(before: &Graph, after: &Graph) -> Vec<Match> {
    let mut by_digest: HashMap<Key, Vec<usize>> = HashMap::new();
    for (index, vertex) in before.vertices.iter().enumerate() {
        by_digest.entry(vertex.digest).or_default().push(index);
    }
    let mut matches: Vec<Match> = Vec::with_capacity(after.vertices.len());
    for vertex in &after.vertices {
        let mut maybe = Vec::new();
        let mut same = None;
        for &candidate in by_digest.get(&vertex.digest).into_iter().flatten() {
            let old = &before.vertices[candidate].inputs;
            if old.len() != vertex.inputs.len() {
                continue;
            }
            let equal = vertex.inputs.iter().zip(old).map(|(new, old)| equal(new, old, &matches));
            match equal.max_by_key(|e| *e as u8).unwrap_or(Equal::Yes) {
                Equal::Yes => {
                    same = Some(candidate);
                    break;
                }
                Equal::Unknown => maybe.push(candidate),
                Equal::No => {}
            }
        }
        matches.push(match same {
            Some(same) => Match::Same(same),
            None if maybe.is_empty() => Match::New,
            None => Match::Maybe(maybe),
        });
    }
    matches
}

fn equal(new: &Input, old: &Input, matches: &[Match]) -> Equal {
    match (new, old) {
        (Input::Result(new), Input::Result(old)) => match &matches[*new] {
            Match::Same(same) if same == old => Equal::Yes,
            Match::Maybe(maybe) if maybe.contains(old) => Equal::Unknown,
            _ => Equal::No,
        },
        (Input::Files(new, new_files), Input::Files(old, old_files)) => match &matches[*new] {
            Match::Same(same) if same == old && new_files == old_files => Equal::Yes,
            // Other files, or files that are made again: they may come out with the same content.
            _ => Equal::Unknown,
        },
        (Input::Content(new), Input::Content(old)) if new == old => Equal::Yes,
        (Input::Content(_), Input::Content(_)) => Equal::No,
        (Input::Content(_), Input::Files(..)) | (Input::Files(..), Input::Content(_)) => Equal::Unknown,
        _ => Equal::No,
    }
}

/// The line (from 1) that a step is shown at.
pub(crate) fn line_of(file: &File, origin: Origin) -> usize {
    match origin {
        Origin::Instruction(number) => file.line(number),
        Origin::Trigger(stage, _) => file.line(file.stages()[stage].from),
    }
}

/// The cause that a vertex off this machine is.
pub(crate) fn remote_cause(kind: &Kind) -> Option<Cause> {
    match kind {
        Kind::Image(reference) => Some(Cause::Image(reference.clone())),
        Kind::Http(url) | Kind::Git(url) => Some(Cause::Remote(url.clone())),
        _ => None,
    }
}
