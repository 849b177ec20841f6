//! T029 `unexpected-label`.

use super::labels::labels;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "unexpected-label",
        code: "T029",
        severity: Severity::Info,
        equivalents: &["DL3050"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds labels that are not in the option `required-labels`, if the option `strict-labels` is on.

## Why it matters

Programs that read labels, such as registries and schedulers, rely on what a team or a specification has agreed
on. A label that does not follow it is not found, or misread.

## Example

With these options:

```json
{ \"required-labels\": { \"maintainer\": \"text\" }, \"strict-labels\": true }
```

```dockerfile
FROM alpine:3.20
LABEL maintainer=\"team@example.com\" mood=\"good\"
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL maintainer=\"team@example.com\"
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if !cx.options.strict_labels {
        return;
    }
    for label in labels(cx) {
        if !cx.options.required_labels.contains_key(&label.key) {
            out.push(Finding::new(
                label.key_range,
                format!("The label `{}` is not in `required-labels`, and `strict-labels` allows no other; delete it or add it there.", label.key),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines_with;

    #[test]
    fn labels() {
        let options = r#"{"required-labels": {"a": "text"}, "strict-labels": true}"#;
        assert_eq!(lines_with("T029", options, "LABEL a=1 b=2\nONBUILD LABEL c=1\nLABEL a=2\n"), [1, 2]);
        assert_eq!(lines_with("T029", "{}", "LABEL b=2\n"), [0; 0]);
    }
}
