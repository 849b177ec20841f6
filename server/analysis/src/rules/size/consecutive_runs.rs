//! S034 `consecutive-runs`.

use layerwise_syntax::{Instruction, Keyword};

use super::layers::is_shipped;
use crate::actions::merge_run::MergeRun;
use crate::actions::{Cx, Refactoring};
use crate::cost::run;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "consecutive-runs",
        code: "S034",
        severity: Severity::Hint,
        equivalents: &["DL3059"],
        // A layer alone costs next to nothing, and a merged RUN runs again as a whole; `cleanup-in-later-layer` is for
        // where merging frees something.
        default: false,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a RUN of one command right below another with the same flags, in the stages that the image is made of.

## Why it matters

Each RUN makes a layer, and what a later one deletes or changes stays in the one below. Merged, they make one layer and one
cache entry: an edit of either command runs both again. Where the upper one takes long and the lower one is edited on its own,
that costs more than a layer does, so nothing is said there; `merge-would-hurt-cache` tells which those are.

## Example

```dockerfile
FROM debian:12
RUN groupadd app
RUN useradd -g app app
```

## Use instead

```dockerfile
FROM debian:12
RUN groupadd app && useradd -g app app
```
";

/// How many fixes are made: each looks at the RUNs around it.
const MAX_FIXES: usize = 20;

/// From how many seconds on a RUN is left alone by the edits of the one below it.
const EXPENSIVE: f64 = 5.0;

/// Flags in any order.
fn flags(instruction: &Instruction) -> Vec<&str> {
    let mut flags: Vec<&str> = instruction.flags().iter().map(|flag| flag.value.as_str()).collect();
    flags.sort_unstable();
    flags
}

/// A RUN of one command right below another with the same flags, in a stage of the image.
pub(in crate::rules) struct Pair {
    /// The lower one.
    pub(in crate::rules) number: usize,
    /// About how many seconds an edit of the lower one would take in addition if both were one: those of the upper one.
    /// `None` where that is little, or the lower one works on what the upper one has made, so that a merge saves space.
    pub(in crate::rules) again: Option<f64>,
}

/// All such pairs.
pub(in crate::rules) fn pairs<'a>(cx: &'a FileCx<'_>) -> impl Iterator<Item = Pair> + use<'a> {
    let single = move |number: usize| {
        let facts = &cx.facts.instructions[number];
        let instruction = cx.file.instruction(number).1;
        instruction.kind() == Some(Keyword::Run)
            && instruction.heredocs().is_empty()
            && facts.commands.len() == 1
            && !facts.unclear
    };
    let runs = cx.file.of_kind(&[Keyword::Run]).filter(|(number, _, _)| *number > 0);
    runs.filter_map(move |(number, _, instruction)| {
        let before = cx.file.instruction(number - 1).1;
        let stage = cx.file.stage_of(number).map(|stage| stage.index);
        let is_pair = single(number)
            && single(number - 1)
            && is_shipped(cx, stage)
            && flags(before) == flags(instruction);
        is_pair.then(|| Pair { number, again: again(cx, number) })
    })
}

fn again(cx: &FileCx<'_>, number: usize) -> Option<f64> {
    let (above, below) = (&cx.facts.instructions[number - 1], &cx.facts.instructions[number]);
    let (upper, lower) = (above.commands.first()?, below.commands.first()?);
    // It deletes or rewrites what lies in the layer above.
    let same_files =
        matches!(
            lower.name.as_str(),
            "rm" | "rmdir" | "find" | "mv" | "chown" | "chmod" | "chgrp" | "strip" | "apt-mark" | "localedef"
        ) || ["clean", "autoclean", "autoremove", "purge", "remove", "del", "cache", "prune", "cleanup"]
            .iter()
            .any(|verb| lower.has(verb));
    if same_files {
        return None;
    }
    let mut words = vec![upper.name.as_str()];
    words.extend(upper.args.iter().map(|arg| arg.text.as_str()));
    let seconds = run::work(&words, &run::Unknown).seconds;
    (seconds >= EXPENSIVE).then_some(seconds)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let actions = Cx { file: cx.file, evaluation: cx.eval, context: cx.context, rebuilds: None };
    for Pair { number, .. } in pairs(cx).filter(|pair| pair.again.is_none()) {
        let line = cx.file.line(number - 1);
        let message = format!("This RUN and that of line {line} can be one: it saves a layer.");
        let range = cx.file.absolute(number, cx.file.instruction(number).1.keyword().range.clone());
        let mut finding = Finding::new(range, message).see(cx.file.range(number - 1), "The RUN above");
        if out.len() < MAX_FIXES {
            let both = cx.file.range(number - 1).start..cx.file.range(number).end;
            finding.fixes.extend(merged(&actions, both));
        }
        out.push(finding);
    }
}

/// The merge of the RUNs of a range, where the refactoring `merge-run` has one.
pub(super) fn merged(cx: &Cx<'_>, range: std::ops::Range<usize>) -> Option<Fix> {
    let offer = MergeRun.offers(cx, range).into_iter().next()?;
    let edits = MergeRun.edits(cx, &offer)?;
    Some(Fix { title: offer.title, applicability: offer.applicability, edits })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn runs_in_a_row() {
        check(
            "S034",
            "\
FROM debian AS build
RUN a
RUN b
FROM debian
RUN a
# b
RUN b
^^^ that of line 5
RUN --mount=type=secret,id=a c
RUN --mount=type=secret,id=a d
^^^ that of line 8
RUN x && y
RUN z
",
        );
        assert_eq!(lines("S034", "RUN /a.sh\nRUN /b.sh\n"), [2]);
        assert_eq!(lines("S034", "RUN a\nRUN b; c\n"), [0; 0]);
        // A merge would install anew with each edit of the line below, unless that belongs to the install.
        assert_eq!(lines("S034", "FROM a\nRUN npm ci\nRUN npm run build\n"), [0; 0]);
        assert_eq!(lines("S034", "FROM a\nRUN npm ci\nRUN npm cache clean --force\n"), [3]);
        assert_eq!(lines("S034", "FROM a\nRUN useradd x\nRUN npm ci\n"), [3]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S034", "FROM debian\nRUN groupadd a\nRUN useradd b\n"),
            "FROM debian\nRUN groupadd a && \\\n    useradd b\n"
        );
    }
}
