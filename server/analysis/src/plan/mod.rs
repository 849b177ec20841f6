//! What the next build runs again: two builds compared vertex by vertex, as BuildKit's cache would.
//!
//! The build before is what the cache holds. A step is cached if its key is in it, rebuilt if it cannot be, and depends on
//! something else where its own definition is unchanged but an input is keyed by content that nobody knows yet.

use layerwise_model::eval::{Command, Evaluation};
use layerwise_model::graph::{Graph, Kind, Origin};
use layerwise_model::{Context, File, Options};
use layerwise_syntax::Keyword;

use crate::cost::{ImageEstimate, Price};

mod arguments;
mod causes;
mod compare;
mod edges;
mod known;
mod reach;
mod simulate;
mod why;

pub use arguments::{Touched, touched_by_arguments};
pub(crate) use compare::Match;
pub use edges::{Edge, Edges, Read, contexts, edges};
pub use known::{Contents, Known, Moved};
pub use reach::{FileReach, Unread, reach_of_files, unread_files};
pub use simulate::{affected_by, rebuilt_when, with_changed};
pub use why::{Link, what_would_keep};

/// One side of a comparison: a build that was or could be.
#[derive(Clone, Copy, Debug)]
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
    /// It ran before, but the cache that is there does not hold its result.
    NotInCache,
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
        self.steps.iter().for_each(|step| summary.add(step.state));
        summary
    }
}

impl Summary {
    /// Counts one more step in this state.
    pub fn add(&mut self, state: State) {
        *match state {
            State::Cached => &mut self.cached,
            State::Rebuilt => &mut self.rebuilt,
            State::Depends => &mut self.depends,
            State::Metadata => &mut self.metadata,
            State::NotBuilt => &mut self.not_built,
        } += 1;
    }
}

/// What a plan is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Cache<'a> {
    /// The builds that ran.
    pub known: &'a Known,
    /// What of them is in the cache.
    pub contents: Contents,
    /// What may have moved since then.
    pub moved: &'a Moved,
    /// The build that causes are told by: the last one. `None` if only its keys are known.
    pub before: Option<&'a Side<'a>>,
}

/// Compares a build with the one before; without one, everything runs.
pub fn plan(before: Option<&Side<'_>>, after: &Side<'_>) -> Plan {
    let known = before.map_or_else(Known::default, |b| Known::of(b.graph, b.eval));
    plan_in(&Cache { known: &known, contents: Contents::Local, moved: &Moved::default(), before }, after)
}

/// Compares a build with what the cache holds.
pub fn plan_in(cache: &Cache<'_>, after: &Side<'_>) -> Plan {
    let matches = compare::compare(cache.known, cache.contents, cache.moved, after.graph, after.eval);
    let before = cache.before.filter(|_| cache.contents != Contents::Nothing);
    let keys_only = !cache.known.is_empty() && cache.contents != Contents::Nothing;
    let explain = causes::Explain::new(before, after, &matches, keys_only);
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
        Match::New | Match::Gone => State::Rebuilt,
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
