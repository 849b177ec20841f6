//! S034 `consecutive-runs`.

use layerwise_syntax::{Instruction, Keyword};

use super::layers::is_shipped;
use crate::actions::merge_run::MergeRun;
use crate::actions::{Cx, Refactoring};
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
cache entry: an edit of either command runs both again.

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

/// Flags in any order.
fn flags(instruction: &Instruction) -> Vec<&str> {
    let mut flags: Vec<&str> = instruction.flags().iter().map(|flag| flag.value.as_str()).collect();
    flags.sort_unstable();
    flags
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let single = |number: usize| {
        let facts = &cx.facts.instructions[number];
        let instruction = cx.file.instruction(number).1;
        instruction.kind() == Some(Keyword::Run)
            && instruction.heredocs().is_empty()
            && facts.commands.len() == 1
            && !facts.unclear
    };
    let actions = Cx { file: cx.file, evaluation: cx.eval, context: cx.context, rebuilds: None };
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]).filter(|(number, _, _)| *number > 0) {
        let (before, instruction) = (cx.file.instruction(number - 1).1, cx.file.instruction(number).1);
        let stage = cx.file.stage_of(number).map(|stage| stage.index);
        if !single(number)
            || !single(number - 1)
            || !is_shipped(cx, stage)
            || flags(before) != flags(instruction)
        {
            continue;
        }
        let line = cx.file.line(number - 1);
        let message = format!("This RUN and that of line {line} can be one: it saves a layer.");
        let range = cx.file.absolute(number, instruction.keyword().range.clone());
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
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S034", "FROM debian\nRUN groupadd a\nRUN useradd b\n"),
            "FROM debian\nRUN groupadd a && \\\n    useradd b\n"
        );
    }
}
