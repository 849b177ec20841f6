//! "What if this build argument changes?": the steps whose own definition it is part of.

use std::collections::{BTreeMap, BTreeSet};

use layerwise_model::eval::{Command, Evaluation, evaluate};
use layerwise_model::graph::{Contexts, Graph, Input, graph};
use layerwise_model::images::Images;
use layerwise_model::selection::Key;
use layerwise_model::{File, Options};

/// How many arguments are tried; each costs an evaluation.
const MAX_ARGUMENTS: usize = 64;

/// A value that no build is given.
const OTHER: &str = "layerwise-other";

/// A platform that few builds are for.
const OTHER_PLATFORM: &str = "linux/s390x";

/// A build argument and what it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Its name.
    pub name: String,
    /// The first lines (from 1) of the steps whose own key is another one when it has another value, in order. The steps
    /// that only stand on these are not among them.
    pub lines: Vec<usize>,
}

/// What each build argument that the file declares touches, by name; at most 64 arguments, and none that no valid build
/// can have another value of.
pub fn touched_by_arguments(file: &File, options: &Options, images: &dyn Images) -> Vec<Touched> {
    let now = evaluate(file, options, images);
    // What a copy selects is told apart by its path: no context has to be read.
    let before = graph(file, &now, options, Contexts::default());
    let mut names: BTreeSet<&str> = now.global_names.iter().map(String::as_str).collect();
    for step in &now.steps {
        if let Command::Arg(values) = &step.command {
            names.extend(values.iter().map(|(name, _)| name.as_str()));
        }
    }
    let mut found = Vec::new();
    for name in names.into_iter().take(MAX_ARGUMENTS) {
        let mut options = options.clone();
        let mut flags = now.stages.iter().filter_map(|stage| stage.platform_flag.as_ref());
        let platform = flags.any(|flag| flag.matched.iter().any(|used| used == name));
        let other = if platform { OTHER_PLATFORM } else { OTHER };
        options.build_args.insert(name.to_owned(), other.to_owned());
        let then = evaluate(file, &options, images);
        if then.error.is_some() || then.target.is_none() {
            continue;
        }
        let after = graph(file, &then, &options, Contexts::default());
        let lines = touched(&before, &now, &after, &then);
        found.push(Touched {
            name: name.to_owned(),
            lines: lines.into_iter().map(|n| file.line(n)).collect(),
        });
    }
    found
}

/// The instructions whose own key differs, or that only one of the two builds.
fn touched(before: &Graph, now: &Evaluation, after: &Graph, then: &Evaluation) -> BTreeSet<usize> {
    let keys = |graph: &Graph, eval: &Evaluation| -> BTreeMap<(usize, usize), Vec<Key>> {
        let plain = graph.of_instruction.iter().map(|(n, v)| ((*n, 0), *v));
        // The triggers of a stage count as its FROM, which an instruction of that stage's own does not.
        let triggers = graph.of_trigger.iter().filter_map(|(&(stage, position), v)| {
            let origin = eval.stages.get(stage)?.trigger_origins.get(position).copied().flatten()?;
            Some(((origin, stage + 1), *v))
        });
        plain.chain(triggers).map(|(at, vertex)| (at, own_key(graph, vertex))).collect()
    };
    let (old, new) = (keys(before, now), keys(after, then));
    let all = old.keys().chain(new.keys());
    all.filter(|at| old.get(at) != new.get(at)).map(|(number, _)| *number).collect()
}

/// The key of a vertex without the keys of what it stands on.
fn own_key(graph: &Graph, vertex: usize) -> Vec<Key> {
    let vertex = &graph.vertices[vertex];
    let mut keys = vec![vertex.digest];
    for input in &vertex.inputs {
        match input {
            Input::Content(key) | Input::Files(_, key) => keys.push(*key),
            Input::Result(_) => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use layerwise_model::images::WellKnown;
    use layerwise_syntax::Parsed;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &[usize])]) {
        let file = File::new(Parsed::new(text));
        let found = touched_by_arguments(&file, &Options::default(), &WellKnown);
        let found: Vec<(&str, &[usize])> = found.iter().map(|t| (&*t.name, &*t.lines)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_argument_is_in_the_environment_of_every_later_run() {
        check("FROM alpine\nRUN a\nARG V\nRUN b\nCOPY . .\nRUN c\n", &[("V", &[4, 6])]);
    }

    #[test]
    fn an_argument_that_env_overrides_touches_nothing() {
        check("FROM alpine\nARG V=1\nENV V=2\nRUN a\n", &[("V", &[])]);
    }

    #[test]
    fn global_arguments_touch_the_bases_that_use_them() {
        check("ARG TAG=3.20\nARG UNUSED\nFROM alpine:${TAG}\nRUN a\n", &[("TAG", &[3]), ("UNUSED", &[])]);
    }

    #[test]
    fn a_copy_is_touched_if_its_words_use_it() {
        check("FROM scratch\nARG D=a\nCOPY $D /x\nCOPY b /x\n", &[("D", &[3])]);
    }

    #[test]
    fn a_platform_gets_another_platform() {
        check("ARG P=linux/amd64\nFROM --platform=$P alpine\nRUN a\n", &[("P", &[2, 3])]);
    }
}
