//! T028 `missing-label`.

use layerwise_model::eval::Base;
use layerwise_model::facts::Purpose;

use super::labels::keys;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "missing-label",
        code: "T028",
        severity: Severity::Info,
        equivalents: &["DL3049"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds images without a label that the option `required-labels` names. Stages that others stand on or copy from,
and those for tests and development, need none.

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
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL maintainer=\"team@example.com\"
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    if cx.options.required_labels.is_empty() {
        return;
    }
    let mut used = vec![false; cx.eval.stages.len()];
    for stage in &cx.eval.stages {
        for &(dep, _) in &stage.deps {
            used[dep] = true;
        }
        if let Base::Stage(below) = stage.base {
            used[below] = true;
        }
    }
    for ((stage, facts), used) in cx.file.stages().iter().zip(&cx.facts.stages).zip(used) {
        if used || matches!(facts.purpose, Purpose::Test | Purpose::Development) {
            continue;
        }
        let given: Vec<&str> =
            stages::chain(cx, facts).flat_map(|(_, instruction)| keys(instruction)).collect();
        let missing = cx.options.required_labels.keys().filter(|key| !given.contains(&key.as_str()));
        let missing: Vec<String> = missing.map(|key| format!("`{key}`")).collect();
        if missing.is_empty() {
            continue;
        }
        let (labels, are) = if missing.len() == 1 { ("label", "is") } else { ("labels", "are") };
        out.push(Finding::new(
            cx.file.absolute(stage.from, head(cx.file.instruction(stage.from).1)),
            format!(
                "The {labels} {} {are} missing, which `required-labels` asks for; add a LABEL to this stage.",
                missing.join(", ")
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines_with;

    #[test]
    fn labels() {
        for (text, found) in [
            ("FROM a\nFROM b\n", vec![1, 2]),
            ("FROM a AS b\nLABEL foo=1\nFROM b\n", vec![]),
            ("FROM a AS b\nFROM c\nLABEL \"foo\"=1\nCOPY --from=b x y\n", vec![]),
            ("FROM a AS b\nFROM b\nFROM b\nLABEL x=1 foo=2\n", vec![2]),
            ("FROM a AS test\nFROM b\nLABEL foo=2\n", vec![]),
        ] {
            assert_eq!(lines_with("T028", r#"{"required-labels": {"foo": "text"}}"#, text), found, "{text}");
        }
    }
}
