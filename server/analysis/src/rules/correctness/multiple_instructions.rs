//! E017 `multiple-cmd`, E018 `multiple-entrypoint`, E019 `multiple-healthcheck`: one check of BuildKit.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static CMD: Rule = Rule {
    meta: Meta {
        name: "multiple-cmd",
        code: "E017",
        severity: Severity::Warning,
        buildkit: Some("MultipleInstructionsDisallowed"),
        equivalents: &["MultipleInstructionsDisallowed", "DL4003"],
        doc: CMD_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(Keyword::Cmd, cx, out)),
};

pub(super) static ENTRYPOINT: Rule = Rule {
    meta: Meta {
        name: "multiple-entrypoint",
        code: "E018",
        severity: Severity::Warning,
        buildkit: Some("MultipleInstructionsDisallowed"),
        equivalents: &["MultipleInstructionsDisallowed", "DL4004"],
        doc: ENTRYPOINT_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(Keyword::Entrypoint, cx, out)),
};

pub(super) static HEALTHCHECK: Rule = Rule {
    meta: Meta {
        name: "multiple-healthcheck",
        code: "E019",
        severity: Severity::Warning,
        buildkit: Some("MultipleInstructionsDisallowed"),
        equivalents: &["MultipleInstructionsDisallowed", "DL3012"],
        doc: HEALTHCHECK_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(Keyword::Healthcheck, cx, out)),
};

const CMD_DOC: &str = "\
## What it does

Finds a CMD that a later CMD of the same stage replaces.

## Why it matters

Only the last CMD counts; the earlier one looks as if it would run, and does nothing.

## Example

```dockerfile
FROM alpine:3.20
CMD [\"one\"]
CMD [\"two\"]
```

## Use instead

```dockerfile
FROM alpine:3.20
CMD [\"two\"]
```
";

const ENTRYPOINT_DOC: &str = "\
## What it does

Finds an ENTRYPOINT that a later ENTRYPOINT of the same stage replaces.

## Why it matters

Only the last ENTRYPOINT counts; the earlier one looks as if it would run, and does nothing.

## Example

```dockerfile
FROM alpine:3.20
ENTRYPOINT [\"one\"]
ENTRYPOINT [\"two\"]
```

## Use instead

```dockerfile
FROM alpine:3.20
ENTRYPOINT [\"two\"]
```
";

const HEALTHCHECK_DOC: &str = "\
## What it does

Finds a HEALTHCHECK that a later HEALTHCHECK of the same stage replaces.

## Why it matters

Only the last HEALTHCHECK counts; the earlier one looks as if it would be asked, and never is.

## Example

```dockerfile
FROM alpine:3.20
HEALTHCHECK CMD [\"one\"]
HEALTHCHECK CMD [\"two\"]
```

## Use instead

```dockerfile
FROM alpine:3.20
HEALTHCHECK CMD [\"two\"]
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateUsedOnce`): reported at the earlier instruction.
fn check(kind: Keyword, cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut of_kind = cx
            .file
            .instructions(stage.body.clone())
            .filter(|(_, _, i)| i.kind() == Some(kind) && i.is_valid());
        let Some((mut earlier, ..)) = of_kind.next() else { continue };
        let place = |number: usize| cx.file.absolute(number, head(cx.file.instruction(number).1));
        for (later, ..) in of_kind {
            let line = cx.file.line(later);
            let message = format!(
                "This {kind} has no effect: only the last one of a stage counts, and line {line} has another; delete one of them."
            );
            let mut finding = Finding::new(place(earlier), message)
                .unneeded()
                .see(place(later), format!("This {kind} replaces it"));
            let (placed, instruction) = cx.file.instruction(earlier);
            // What stands between the lines of an instruction goes with it; a comment there may be worth keeping.
            if instruction.comments().is_empty() {
                let fix = Fix::replace(format!("Delete this {kind}"), placed.range(), "").safe();
                finding = finding.fix(fix);
            }
            out.push(finding);
            earlier = later;
        }
    }
    // Triggers come first in the stage where they run, and there is nothing to delete.
    for (stage, evaluated) in crate::rules::built_stages(cx.eval) {
        let mut count = evaluated.trigger_instructions.iter().filter(|i| i.kind() == Some(kind)).count();
        let stage = &cx.file.stages()[stage];
        let mut below = cx
            .file
            .instructions(stage.body.clone())
            .filter(|(_, _, i)| i.kind() == Some(kind) && i.is_valid());
        if below.next().is_none() {
            count = count.saturating_sub(1);
        }
        let range = cx.file.absolute(stage.from, head(cx.file.instruction(stage.from).1));
        for _ in 0..count {
            let message =
                format!("The {kind} that an ONBUILD runs here has no effect: a later one replaces it.");
            out.push(Finding::new(range.clone(), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn replaced() {
        check(
            "E017",
            "\
FROM a AS b
CMD one
^^^^^^^ line 4 has another
RUN x
CMD two
^^^^^^^ line 6 has another
ENTRYPOINT x
cmd three
FROM b
CMD four
",
        );
        assert_eq!(lines("E018", "FROM a\nENTRYPOINT x\nCMD x\nENTRYPOINT y\n"), [2]);
        assert_eq!(lines("E019", "FROM a\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n"), [2]);
        assert_eq!(fixed("E017", "FROM a\nCMD a \\\n b\nCMD c\nCMD d"), "FROM a\nCMD d");
    }

    #[test]
    fn triggers() {
        assert_eq!(lines("E017", "FROM a AS b\nONBUILD CMD x\nFROM b\nCMD y\n"), [3]);
        assert_eq!(lines("E017", "FROM a AS b\nONBUILD CMD x\nFROM b\n"), [0; 0]);
        assert_eq!(lines("E017", "FROM a AS b\nONBUILD CMD x\nONBUILD CMD z\nFROM b\n"), [4]);
        assert_eq!(lines("E017", "FROM a AS b\nONBUILD CMD x\nFROM b AS c\nCMD y\nFROM a\n"), [0; 0]);
    }
}
