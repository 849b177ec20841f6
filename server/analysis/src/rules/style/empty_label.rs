//! T030 `empty-label`.

use super::labels::labels;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "empty-label",
        code: "T030",
        severity: Severity::Warning,
        equivalents: &["DL3051"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds labels of the option `required-labels` whose value is empty.

## Why it matters

Programs that read labels, such as registries and schedulers, rely on what a team or a specification has agreed
on. A label that does not follow it is not found, or misread.

## Example

With these options:

```json
{ \"required-labels\": { \"maintainer\": \"text\" } }
```

```dockerfile
FROM alpine:3.20
LABEL maintainer=\"\"
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL maintainer=\"team@example.com\"
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.options.required_labels.is_empty() {
        return;
    }
    for label in labels(cx) {
        let empty = label.value.as_deref().is_some_and(|value| value.trim().is_empty());
        if empty && cx.options.required_labels.contains_key(&label.key) {
            out.push(Finding::new(
                label.key_range,
                format!(
                    "The label `{}` is empty, and `required-labels` asks for it; give it a value.",
                    label.key
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines_with;

    #[test]
    fn labels() {
        let options = r#"{"required-labels": {"a": "text"}}"#;
        assert_eq!(
            lines_with("T030", options, "LABEL a='' b=\nONBUILD LABEL a=\"\"\nLABEL a=2\nLABEL a=$x\n"),
            [1, 2]
        );
    }
}
