//! E007 `circular-stage-dependency`.

use crate::check::file_error;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "circular-stage-dependency",
        code: "E007",
        severity: Severity::Error,
        equivalents: &["tally/circular-stage-deps"],
        supersedes: &["syntax-error", "copy-from-later-stage"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds stages that need each other: each waits for files of the other.

## Why it matters

None of them can be built first, so the build fails.

## Example

```dockerfile
FROM alpine:3.20 AS a
COPY --from=b /x /x
FROM alpine:3.20 AS b
COPY --from=a /y /y
```

## Use instead

```dockerfile
FROM alpine:3.20 AS a
RUN touch /y
FROM alpine:3.20 AS b
COPY --from=a /y /y
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(at) = cx.eval.error_at else { return };
    // A stage that needs itself is another rule's.
    let own = cx.file.stage_of(at).map(|stage| stage.index);
    let itself = own.is_some_and(|own| cx.eval.stages[own].deps.contains(&(own, at)));
    if !itself && let Some(finding) = file_error(cx.file, cx.eval) {
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn circles() {
        check(
            "E007",
            "\
FROM x AS a
COPY --from=b / /
FROM x AS b
COPY --from=a / /
     ^^^^^^^^ in a circle
",
        );
        assert_eq!(lines("E007", "FROM x AS a\nCOPY --from=a / /\n"), [0; 0]);
        assert_eq!(lines("E007", "FROM x AS a\nFROM a AS b\nCOPY --from=a / /\n"), [0; 0]);
    }
}
