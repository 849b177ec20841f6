//! Why a step runs again, down to the root, and what would keep it cached.

use std::collections::HashSet;

use layerwise_model::engine::Feature;
use layerwise_model::eval::{Command, Source};
use layerwise_model::graph::is_http;
use layerwise_model::images::WellKnown;
use layerwise_model::{Options, evaluate};
use layerwise_syntax::Keyword;

use crate::actions::reorder_copy::ReorderCopy;
use crate::actions::{Cx, Offer, Refactoring};

use super::{Cause, Plan, Side, State, Step};

/// One link of the chain from a step to the root cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The line of the step, from 1.
    pub line: usize,
    /// Its nearest cause; `None` if the plan names none (a cold build).
    pub because: Option<Cause>,
}

impl Plan {
    /// The step whose instruction contains a line (from 1).
    pub fn at_line(&self, line: usize) -> Option<&Step> {
        let index = self.steps.partition_point(|s| s.line <= line).checked_sub(1)?;
        self.steps.get(index).filter(|s| line <= s.end_line)
    }

    /// From a step to the root cause: the step itself first, then the step that makes it run, and so on. Empty for a step
    /// that is not rebuilt and does not depend.
    pub fn chain(&self, step: &Step) -> Vec<Link> {
        self.first_links(step, usize::MAX)
    }

    /// The first links of [`Plan::chain`], at most as many as are asked for: all chains of a file together have the square
    /// of its length.
    pub fn first_links(&self, step: &Step, most: usize) -> Vec<Link> {
        let mut links = Vec::new();
        let mut seen = HashSet::new();
        let mut current = step;
        loop {
            if !current.runs() || links.len() >= most {
                return links;
            }
            let because = root_most(current);
            seen.insert(current.line);
            links.push(Link { line: current.line, because: because.cloned() });
            let Some(Cause::Line(line)) = because else { return links };
            if seen.contains(line) {
                return links;
            }
            match self.at_line(*line) {
                Some(next) if next.runs() => current = next,
                // The setting that changed it, which is no step.
                _ => return links,
            }
        }
    }
}

impl Plan {
    /// Of which steps, by their number, the first `most` links of [`Plan::chain`] are the same in another plan, with all
    /// that the steps in them say: whoever puts the chains into words can keep those words. It may say no of one that is
    /// the same.
    pub fn same_chains(&self, other: &Plan, most: usize) -> Vec<bool> {
        let same = |step: &Step| other.steps.get(step.number) == Some(step);
        // How many links from a step on are the same; all of them: the greatest number.
        let mut links: Vec<usize> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let others = step.because.iter().filter_map(|cause| match cause {
                Cause::Line(line) if *line != step.line => Some(*line),
                _ => None,
            });
            let further = others.map(|line| match self.at_line(line).filter(|at| same(at)) {
                None => 0,
                Some(at) if !at.runs() => usize::MAX,
                // A cause stands above, but for what nobody wrote.
                Some(at) => links.get(at.number).map_or(1, |links| links.saturating_add(1)),
            });
            links.push(if same(step) { further.min().unwrap_or(usize::MAX) } else { 0 });
        }
        links.into_iter().map(|links| links >= most).collect()
    }
}

impl Step {
    /// Whether it runs, or may run.
    pub fn runs(&self) -> bool {
        matches!(self.state, State::Rebuilt | State::Depends)
    }
}

/// Of several causes the one that is nearest to the root: a file or argument, then the step's own edit, then another line.
fn root_most(step: &Step) -> Option<&Cause> {
    let rank = |cause: &&Cause| match cause {
        Cause::File(_) | Cause::BuildArg(_) | Cause::Target(_) | Cause::NotInCache => 0,
        Cause::Image(_) | Cause::Remote(_) => 1,
        Cause::Line(line) if *line == step.line => 2,
        Cause::Line(_) => 3,
    };
    step.because.iter().min_by_key(rank)
}

/// What would keep a step cached in this edit and in others like it, in whole sentences with this file's own names and
/// lines; empty for a step that does not run.
pub fn what_would_keep(plan: &Plan, after: &Side<'_>, step: &Step) -> Vec<String> {
    let chain = plan.chain(step);
    let Some(root) = chain.last() else { return Vec::new() };
    let mut said = Vec::new();
    let own = root.line == step.line;
    match &root.because {
        None => {}
        Some(Cause::NotInCache) => said.push(
            "An exported cache with mode=max, which holds the layers of all stages, would keep it."
                .to_owned(),
        ),
        Some(Cause::Target(_)) => {}
        Some(Cause::File(file)) => {
            if own {
                said.push(format!(
                    "It stays cached only while {file} is as it was. If the image does not need {file}, name it in \
                     .dockerignore, or copy less than `{}` does.",
                    short(&step.instruction)
                ));
            } else if let Some(offer) = reordering(after, step) {
                said.push(format!("The refactoring {} keeps it cached: {}.", offer.id, offer.title));
            } else if let Some(selecting) = plan.at_line(root.line).filter(|s| is_below(after, step, s.line))
            {
                said.push(format!(
                    "If it does not read {file}, it stays cached above line {}, below a COPY of only what it reads.",
                    selecting.line
                ));
            }
        }
        Some(Cause::BuildArg(name)) => match uses(after, step, name) {
            true => said.push(format!("It uses {name}; the same value keeps it cached.")),
            false => said.push(format!(
                "It does not use {name}: RUN steps above the line that declares `ARG {name}` stay cached."
            )),
        },
        Some(Cause::Image(reference)) => said.push(format!(
            "A digest (`{}@sha256:...`) keeps the base image the same when the tag moves.",
            reference.strip_prefix("docker.io/library/").unwrap_or(reference)
        )),
        Some(Cause::Remote(url)) if is_http(url) => {
            said.push(format!("`ADD --checksum=sha256:...` pins what {url} serves."));
        }
        Some(Cause::Remote(url)) => said.push(format!("A commit after `#` pins {url}.")),
        Some(Cause::Line(line)) => line_advice(plan, after, step, *line, &mut said),
    }
    if step.state == State::Depends
        && let Some(Cause::Line(line)) = step.because.first()
        && *line != step.line
    {
        said.insert(0, format!("It stays cached if the files from line {line} come out the same."));
    }
    said
}

/// The refactoring that puts a step above the COPY of sources that it does not read.
fn reordering(after: &Side<'_>, step: &Step) -> Option<Offer> {
    let options = Options { all_stages: true, ..after.options.clone() };
    let evaluation = evaluate(after.file, &options, &WellKnown);
    let cx = Cx { file: after.file, evaluation: &evaluation, context: after.context, rebuilds: None };
    let place = after.file.range(step.number);
    let inside = |offer: &Offer| offer.range.start <= place.start && place.start < offer.range.end;
    ReorderCopy.offers(&cx, place.clone()).into_iter().find(inside)
}

fn line_advice(plan: &Plan, after: &Side<'_>, step: &Step, line: usize, said: &mut Vec<String>) {
    if line == step.line {
        said.push(
            "It was edited itself: only a build that ran it in this form, on the same layers, would have it."
                .to_owned(),
        );
        return;
    }
    let setting = plan.at_line(line).map(|s| after.file.instruction(s.number).1.kind());
    match setting.flatten() {
        Some(Keyword::Env | Keyword::Arg) => {
            let names = variables(plan, after, line);
            let used = names.iter().any(|n| uses(after, step, n));
            if !used && !names.is_empty() {
                said.push(format!(
                    "It does not name {}: above line {line} it stays cached.",
                    names.join(" or ")
                ));
            }
        }
        Some(Keyword::User | Keyword::Workdir | Keyword::Shell) => {
            said.push(format!("Above line {line} it stays cached, if it can do without that setting."));
        }
        _ if plan.at_line(line).is_some_and(Step::runs) => {
            if is_context_copy(after, step) && is_below(after, step, line) {
                let link = if links(after) { "with `--link`, or " } else { "" };
                said.push(format!(
                    "It copies files that did not change: {link}above line {line}, it stays cached."
                ));
            } else if is_below(after, step, line) {
                said.push(format!("If it does not need what line {line} does, above it it stays cached."));
            }
        }
        _ => {}
    }
}

fn variables(plan: &Plan, after: &Side<'_>, line: usize) -> Vec<String> {
    let Some(step) = plan.at_line(line) else { return Vec::new() };
    match &after.eval.step(step.number).command {
        Command::Env(pairs) => pairs.iter().map(|(name, _)| name.clone()).collect(),
        Command::Arg(values) => values.iter().map(|(name, _)| name.clone()).collect(),
        _ => Vec::new(),
    }
}

/// Whether the text of a step names a variable. A program may read its environment all the same.
fn uses(after: &Side<'_>, step: &Step, name: &str) -> bool {
    let text = after.file.instruction(step.number).1.source();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_name) && !text[at + name.len()..].starts_with(is_name))
}

fn is_context_copy(after: &Side<'_>, step: &Step) -> bool {
    matches!(&after.eval.step(step.number).command, Command::Copy(copy) if copy.from == Source::Context && !copy.link)
}

/// Whether the engine makes a vertex of its own of `COPY --link`.
fn links(after: &Side<'_>) -> bool {
    let engine = &after.options.engine;
    engine.merges && Feature::Link.known(engine, after.file.syntax())
}

/// Whether the line is above the step in the same stage.
fn is_below(after: &Side<'_>, step: &Step, line: usize) -> bool {
    let Some(stage) = after.file.stage_of(step.number) else { return false };
    after.file.line(stage.from) <= line && line < step.line
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use layerwise_model::graph::{Contexts, graph};
    use layerwise_model::images::WellKnown;
    use layerwise_model::{File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::plan::plan;

    fn between(before: &str, after: &str, check: impl FnOnce(&Plan, &Side<'_>)) {
        let options = Options::default();
        let build = |text: &str| {
            let file = File::new(Parsed::new(text));
            let eval = evaluate(&file, &options, &WellKnown);
            let graph = graph(&file, &eval, &options, Contexts::default());
            (file, eval, graph)
        };
        let (b, a) = (build(before), build(after));
        let old = Side { file: &b.0, eval: &b.1, graph: &b.2, context: None, options: &options };
        let new = Side { file: &a.0, eval: &a.1, graph: &a.2, context: None, options: &options };
        check(&plan(Some(&old), &new), &new);
    }

    fn lines(plan: &Plan, line: usize) -> Vec<usize> {
        let step = plan.at_line(line).expect("a step");
        plan.chain(step).iter().map(|l| l.line).collect()
    }

    #[test]
    fn a_chain_leads_to_the_root() {
        between(
            "FROM debian:12 AS b\nRUN a\nRUN b\nFROM debian:12\nCOPY --from=b /x /x\nRUN c\n",
            "FROM debian:12 AS b\nRUN a1\nRUN b\nFROM debian:12\nCOPY --from=b /x /x\nRUN c\n",
            |plan, side| {
                assert_eq!(lines(plan, 6), [6, 5, 3, 2]);
                assert_eq!(lines(plan, 2), [2]);
                assert!(lines(plan, 1).is_empty());
                let step = plan.at_line(5).expect("the COPY");
                assert!(what_would_keep(plan, side, step)[0].contains("come out the same"));
                let step = plan.at_line(2).expect("the RUN");
                assert!(what_would_keep(plan, side, step)[0].contains("edited itself"));
            },
        );
    }

    #[test]
    fn advice_about_a_copy_is_for_the_steps_below_it() {
        let options = Options::default();
        let mut context = layerwise_model::Context::default();
        let content = layerwise_model::Content::Hash([1; 32]);
        let entry = layerwise_model::EntryKind::File;
        let entry = layerwise_model::Entry { kind: entry, mode: 0o644, size: 1, content, link: None };
        context.entries.insert("src/a.c", entry);
        let text = "FROM debian:12 AS b\nCOPY . .\nRUN make\nFROM debian:12\nCOPY --from=b /x /x\n";
        let file = File::new(Parsed::new(text));
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts { main: Some(&context), named: None });
        let side =
            Side { file: &file, eval: &eval, graph: &graph, context: Some(&context), options: &options };
        let plan = crate::plan::affected_by(&side, &["src/a.c".to_owned()]).expect("a plan");
        let kept = |line| what_would_keep(&plan, &side, plan.at_line(line).expect("a step"));
        assert!(kept(3)[0].contains("above line 2"), "{:?}", kept(3));
        assert_eq!(kept(5), ["It stays cached if the files from line 3 come out the same."]);
    }

    #[test]
    fn a_setting_ends_a_chain() {
        between(
            "FROM debian:12\nENV A=1\nRUN a\nRUN echo $A\n",
            "FROM debian:12\nENV A=2\nRUN a\nRUN echo $A\n",
            |plan, side| {
                assert_eq!(lines(plan, 3), [3]);
                let kept = |line| what_would_keep(plan, side, plan.at_line(line).expect("a step"));
                assert_eq!(kept(3), ["It does not name A: above line 2 it stays cached."]);
                assert_eq!(kept(4), Vec::<String>::new());
            },
        );
    }

    #[test]
    fn a_line_belongs_to_its_instruction() {
        between("FROM a\n", "# c\nFROM debian:12\n\nRUN a \\\n  b\n", |plan, _| {
            assert!(plan.at_line(1).is_none());
            assert_eq!(plan.at_line(5).map(|s| s.line), Some(4));
            assert!(plan.at_line(3).is_none());
            assert!(plan.at_line(9).is_none());
        });
    }
}
