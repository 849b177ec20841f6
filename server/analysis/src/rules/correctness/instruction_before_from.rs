//! E002 `instruction-before-from`.

use crate::check::before_from;
use crate::diagnostic::Severity;
use crate::rules::{Check, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "instruction-before-from",
        code: "E002",
        severity: Severity::Error,
        equivalents: &["DL3061"],
        supersedes: &["syntax-error"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| out.extend(before_from(cx.file))),
};

const DOC: &str = "\
## What it does

Finds instructions other than ARG before the first FROM.

## Why it matters

An instruction belongs to a stage, and a stage begins with FROM, so BuildKit refuses the file.

## Example

```dockerfile
ENV VERSION=3.20
FROM alpine:3.20
```

## Use instead

```dockerfile
FROM alpine:3.20
ENV VERSION=3.20
```
";

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, lines};

    #[test]
    fn before() {
        check(
            "E002",
            "\
ARG a
RUN x
^^^ stands before the first FROM
LABEL a=b
^^^^^ stands before the first FROM
FROM a
RUN x
",
        );
        // One message says it all where there is no FROM.
        assert_eq!(lines("E002", "RUN x\nRUN y\n"), [1]);
        assert_eq!(lines("E002", "ARG x\n"), [0; 0]);
        let all = diagnostics("ENV a=b\nFROM scratch\n", &[]);
        assert_eq!(all.iter().map(|d| d.rule).collect::<Vec<_>>(), ["instruction-before-from"]);
    }
}
