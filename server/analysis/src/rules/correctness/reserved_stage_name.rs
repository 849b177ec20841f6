//! E004 `reserved-stage-name`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "reserved-stage-name",
        code: "E004",
        severity: Severity::Error,
        buildkit: Some("ReservedStageName"),
        equivalents: &["ReservedStageName", "DL3063"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds stages that are named `scratch` or `context`.

## Why it matters

`scratch` is the name of the empty image and `context` that of the build context. A stage of that name takes it away, or
is not found where it is meant.

## Example

```dockerfile
FROM alpine:3.20 AS scratch
```

## Use instead

```dockerfile
FROM alpine:3.20 AS base
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateStageNames`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::From) {
        return;
    }
    let [_, word, name] = cx.instruction.args() else { return };
    let meaning = match name.value.to_lowercase().as_str() {
        "scratch" => "the empty image",
        "context" => "the build context",
        _ => return,
    };
    if word.value.eq_ignore_ascii_case("as") {
        out.push(Finding::new(
            on_first_line(cx.instruction, &name.range),
            format!(
                "`{}` is the name of {meaning}, so a stage of that name is not what others read; give it another name.",
                name.value
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn names() {
        check(
            "E004",
            "\
FROM a AS scratch
          ^^^^^^^ the empty image
FROM a AS Context
          ^^^^^^^ the build context
FROM scratch
FROM scratch AS contexts
",
        );
    }
}
