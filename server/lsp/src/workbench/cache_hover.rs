//! What is said about an instruction: what happens to it and why, what its cache key is made of, what it copies.

use std::cell::OnceCell;
use std::fmt::Write as _;

use layerwise_analysis::cost::Figure;
use layerwise_analysis::plan::{self, Cause, Plan, State, Step};
use layerwise_model::eval::{Base, Command, Copy, Run, Source};
use layerwise_model::graph::{Input, Kind, Origin};
use layerwise_render::figures;
use layerwise_syntax::Keyword;

use super::build::Build;
use super::files::{self, Files};
use super::markdown::{code, plain};
use super::planned::Planned;

/// How many causes, variables or mounts are named before the rest is counted.
const MAX_NAMED: usize = 8;

/// How long a chain of causes may be.
const MAX_CHAIN: usize = 12;

/// How many links of a chain are looked at: the step's own, those that are shown, and whether there is one more.
pub(crate) const LINKS: usize = MAX_CHAIN + 2;

/// A state in words, for a hint at the end of a line; `None` for one that needs none.
pub(crate) fn label(state: State) -> Option<&'static str> {
    match state {
        State::Rebuilt => Some("rebuilds"),
        State::Depends => Some("may rebuild"),
        State::Cached | State::Metadata | State::NotBuilt => None,
    }
}

/// A cause as Markdown, for a step of the plan.
pub(crate) fn cause(cause: &Cause, step: &Step, plan: &Plan) -> String {
    match cause {
        Cause::Line(line) if *line == step.line => "this instruction was edited".to_owned(),
        Cause::Line(line) => {
            let other = step_at(plan, *line);
            let text = other.map_or(String::new(), |other| format!(" ({})", code(&other.instruction)));
            let runs = other.is_some_and(|s| matches!(s.state, State::Rebuilt | State::Depends));
            // The layer below in the same stage, or below the stage.
            let below = other.is_some_and(|s| s.state == State::Depends && s.stage == step.stage);
            match step.state {
                State::Depends if below => format!("if line {line}{text} runs again"),
                State::Depends => format!("if line {line}{text} comes out different"),
                _ if runs => format!("line {line}{text} runs again"),
                _ => format!("line {line}{text} changes it"),
            }
        }
        Cause::File(file) => format!("{} changes", code(file)),
        Cause::BuildArg(name) => format!("build argument {} changes", code(name)),
        Cause::Image(image) if step.state == State::Depends => format!("if {} is another image", code(image)),
        Cause::Image(image) => format!("another base image: {}", code(image)),
        Cause::Remote(url) => format!("if {} serves something else", code(url)),
        Cause::Target(name) => format!("only target {} builds it", code(name)),
        Cause::NotInCache => "its result is not in the cache".to_owned(),
    }
}

/// The reasons of the steps of a plan. A link is in the chains of all steps below it, and put into words once.
pub(crate) struct Reasons<'a> {
    plan: &'a Plan,
    /// The link of each step in the chains of others.
    links: Vec<OnceCell<String>>,
}

impl Reasons<'_> {
    pub(crate) fn new(plan: &Plan) -> Reasons<'_> {
        Reasons { plan, links: vec![OnceCell::new(); plan.steps.len()] }
    }

    /// Why a step runs: its causes, and the chain from there to the root. It is made of the step, of the first [`LINKS`]
    /// links of its chain and of the steps that are named in them.
    pub(crate) fn why(&self, step: &Step) -> String {
        let plan = self.plan;
        let mut text = String::new();
        for cause_of in step.because.iter().take(MAX_NAMED) {
            let _ = writeln!(text, "* {}", cause(cause_of, step, plan));
        }
        let more = step.because.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            let _ = writeln!(text, "* and {more} more");
        }
        let chain = plan.first_links(step, LINKS);
        for link in chain.iter().skip(1).take(MAX_CHAIN) {
            if let (Some(because), Some(at)) = (&link.because, plan.at_line(link.line))
                && let Some(said) = self.links.get(at.number)
            {
                text += said.get_or_init(|| format!("* line {}: {}\n", link.line, cause(because, at, plan)));
            }
        }
        if chain.len() > MAX_CHAIN + 1 {
            text.push_str("* and so on, line by line\n");
        }
        text
    }
}

fn step_at(plan: &Plan, line: usize) -> Option<&Step> {
    // Steps are in file order, and no two begin on one line.
    plan.steps.binary_search_by_key(&line, |step| step.line).ok().and_then(|at| plan.steps.get(at))
}

/// What a hover over an instruction's keyword says. `ignored` counts what a source selects and the ignore file takes away.
pub(crate) fn hover(
    planned: &Planned,
    number: usize,
    ignored: &dyn Fn(&str) -> Option<files::Ignored>,
) -> Option<String> {
    let step = planned.plan.steps.get(number)?;
    let build = &planned.after;
    let mut text = format!("**{}**", headline(step, planned));
    let price = figures::price(&step.price);
    if !price.is_empty() && step.state != State::NotBuilt {
        let _ = write!(text, ": {price}{}", if step.runs() { "" } else { " when it runs" });
    }
    text.push('\n');
    let why = Reasons::new(&planned.plan).why(step);
    if !why.is_empty() {
        let _ = write!(text, "\n{why}");
    }
    for sentence in plan::what_would_keep(&planned.plan, &build.side(), step).iter().take(MAX_NAMED) {
        let _ = write!(text, "\n{}\n", plain(sentence));
    }
    for trigger in &step.triggers {
        let what = match trigger.state {
            State::Rebuilt => "runs again",
            State::Depends => "may run again",
            State::Cached => "is cached",
            State::Metadata => "changes configuration only",
            State::NotBuilt => "is not built",
        };
        let _ = write!(
            text,
            "\nTriggered at line {} (stage {}) it {what}.\n",
            trigger.line,
            code(&trigger.stage)
        );
    }
    for missing in step.missing.iter().take(MAX_NAMED) {
        let _ = write!(text, "\n{} is not in the build context: this step will fail.\n", code(missing));
    }
    let key = key(build, number);
    if !key.is_empty() {
        text.push_str("\nIts cache key:\n\n");
        key.iter().for_each(|line| {
            let _ = writeln!(text, "* {line}");
        });
    }
    if let Some(found) = files::of_step(build, number) {
        text.push_str(&selected(&found, build, ignored));
    }
    Some(text)
}

fn headline(step: &Step, planned: &Planned) -> String {
    let since = planned.baseline.since();
    match step.state {
        State::Cached => format!("Cached {since}"),
        State::Rebuilt => format!("Rebuilds {since}"),
        State::Depends => format!("May rebuild {since}"),
        State::Metadata => "Changes the image's configuration only: nothing runs".to_owned(),
        State::NotBuilt => {
            let stage = planned.after.file.stage_of(step.number);
            let reached =
                stage.and_then(|s| planned.after.eval.stages.get(s.index)).is_none_or(|s| s.reachable);
            if reached { "Nothing to build here" } else { "Not built: the target does not need this stage" }
                .to_owned()
        }
    }
}

/// What the key of an instruction's vertex is made of.
fn key(build: &Build, number: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (_, instruction) = build.file.instruction(number);
    let step = build.eval.step(number);
    let vertex = build.graph.of_instruction.get(&number).and_then(|v| build.graph.vertices.get(*v));
    let Some(vertex) = vertex else {
        lines.extend(carried(instruction.kind()));
        return lines;
    };
    if let Some(Input::Result(below)) = vertex.inputs.first()
        && let Some(below) = build.graph.vertices.get(*below)
    {
        let name = match (&below.kind, below.origin) {
            (Kind::Image(reference), _) => format!("the base image {}", code(reference)),
            (_, Origin::Instruction(number)) => format!("the layer of line {}", build.file.line(number)),
            (_, Origin::Trigger(..)) => "the layer of an ONBUILD trigger".to_owned(),
        };
        lines.push(format!("on top of {name}"));
    }
    match &step.command {
        Command::Run(run) => run_key(run, step, &mut lines),
        Command::Copy(copy) => copy_key(copy, build, &mut lines),
        Command::Workdir(path) => {
            lines.push(format!("directory {}", code(path)));
            lines.extend((!step.state.user.is_empty()).then(|| format!("user {}", code(&step.state.user))));
        }
        _ => {
            if let Kind::Image(reference) = &vertex.kind {
                lines.push(format!("the image behind {}", code(reference)));
            }
            let stage = build.file.stage_of(number).and_then(|s| build.eval.stages.get(s.index));
            if let Some(stage) = stage.filter(|s| matches!(s.base, Base::Image(_) | Base::Named(_))) {
                lines.push(format!("platform {}", code(&stage.platform.format_all())));
            }
        }
    }
    lines
}

/// What an instruction without a vertex does to the keys of others.
fn carried(keyword: Option<Keyword>) -> Option<String> {
    let text = match keyword? {
        Keyword::Env => {
            "in the key of each later RUN of the stage; of a COPY only where it uses the variable"
        }
        Keyword::Arg => "in the key of each later RUN of the stage, used or not, once it has a value",
        Keyword::User => "in the key of each later RUN and WORKDIR of the stage",
        Keyword::Shell => "in the key of each later RUN in shell form",
        _ => return None,
    };
    Some(text.to_owned())
}

fn run_key(run: &Run, step: &layerwise_model::eval::Step, lines: &mut Vec<String>) {
    lines.push(format!("command {}", code(&run.argv.join(" "))));
    if let Some((name, content)) = &run.script {
        lines.push(format!("script {} of {} bytes", code(name), content.len()));
    }
    let state = &step.state;
    let mut variables: Vec<String> =
        state.env.iter().take(MAX_NAMED).map(|(name, value)| code(&format!("{name}={value}"))).collect();
    let more = state.env.len().saturating_sub(variables.len());
    if more > 0 {
        variables.push(format!("{more} more"));
    }
    if !variables.is_empty() {
        lines.push(format!("environment, in this order: {}", variables.join(", ")));
    }
    if !state.env_known {
        lines.push("what the base image adds to the environment".to_owned());
    }
    lines.extend((!state.dir.is_empty()).then(|| format!("working directory {}", code(&state.dir))));
    lines.extend((!state.user.is_empty()).then(|| format!("user {}", code(&state.user))));
    for (name, value) in [("network", &run.network), ("security", &run.security)] {
        lines.extend((!value.is_empty()).then(|| format!("{name} {}", code(value))));
    }
    for (mount, source) in run.mounts.iter().take(MAX_NAMED) {
        let from = match source {
            Source::Stage(_) | Source::Image(_) | Source::Named(_) => format!(" from {}", code(&mount.from)),
            _ => String::new(),
        };
        let target =
            if mount.target.is_empty() { String::new() } else { format!(" at {}", code(&mount.target)) };
        lines.push(format!("{} mount{target}{from}", mount.kind.as_str()));
    }
}

fn copy_key(copy: &Copy, build: &Build, lines: &mut Vec<String>) {
    let from = match &copy.from {
        Source::Context => "the build context".to_owned(),
        Source::Stage(index) => {
            format!("stage {}", code(&layerwise_analysis::plan::stage_name(&build.file, *index)))
        }
        Source::Image(reference) => format!("the image {}", code(reference)),
        Source::Named(name) => format!("the context {}", code(name)),
        Source::Scratch => "an empty file system".to_owned(),
        Source::Invalid(name) => format!("{}, which is not there", code(name)),
    };
    let mut names: Vec<String> = copy.sources.iter().take(MAX_NAMED).map(|source| code(source)).collect();
    let more = copy.sources.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    if !names.is_empty() {
        lines.push(format!("the content of {} in {from}, and the last part of its name", names.join(", ")));
    }
    for (name, content) in copy.inline.iter().take(MAX_NAMED) {
        lines.push(format!("the text {} of {} bytes", code(name), content.len()));
    }
    lines.push(format!("destination {}", code(&copy.dest_path)));
    for (name, value) in [("owner", &copy.chown), ("mode", &copy.chmod), ("checksum", &copy.checksum)] {
        lines.extend((!value.is_empty()).then(|| format!("{name} {}", code(value))));
    }
    for exclude in copy.excludes.iter().take(MAX_NAMED) {
        lines.push(format!("without {}", code(exclude)));
    }
    if copy.link {
        lines.push("nothing below it: with --link it does not depend on the layers above".to_owned());
    }
}

fn selected(found: &Files, build: &Build, ignored: &dyn Fn(&str) -> Option<files::Ignored>) -> String {
    let files = if found.count == 1 { "1 file" } else { &format!("{} files", found.count) };
    let mut text = format!(
        "\nSelects {files}, {}, of the build context.",
        figures::bytes(Figure::measured(found.bytes as f64))
    );
    let out: Vec<files::Ignored> = found.sources.iter().filter_map(|source| ignored(source)).collect();
    let count: usize = out.iter().map(|o| o.count).sum();
    if count > 0 {
        let file = build.context.as_ref().and_then(|c| c.ignore_file.as_deref()).unwrap_or(".dockerignore");
        let mut names: Vec<String> =
            out.iter().flat_map(|o| &o.names).take(MAX_NAMED).map(|name| code(name)).collect();
        if count > names.len() {
            names.push(format!("{} more", count - names.len()));
        }
        let more = if out.iter().any(|o| o.more) { ", at least" } else { "" };
        let _ = write!(text, " {} takes away{more}: {}.", code(file), names.join(", "));
    }
    text.push('\n');
    text
}
