//! T003 `stage-name-casing`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{is_verbatim, on_first_line};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "stage-name-casing",
        code: "T003",
        severity: Severity::Info,
        buildkit: Some("StageNameCasing"),
        equivalents: &["StageNameCasing"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds stage names with upper-case letters.

## Why it matters

BuildKit compares stage names in lower case, but a name with capitals looks as if case mattered, and `FROM Base` does
not find a stage that was named `AS Base`.

## Example

```dockerfile
FROM alpine:3.20 AS Base
```

## Use instead

```dockerfile
FROM alpine:3.20 AS base
```
";

/// Source: frontend/dockerfile/instructions/parse.go (`isLowerCaseStageName`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::From) {
        return;
    }
    let [_, _, name] = cx.instruction.args() else { return };
    let lower = name.value.to_lowercase();
    if name.value == lower {
        return;
    }
    let finding = Finding::new(
        on_first_line(cx.instruction, &name.range),
        format!("Stage name `{}` should be lower case: stages are looked up as `{lower}`.", name.value),
    );
    // Every look-up of a stage is in lower case already, so that no reference has to change.
    out.push(if is_verbatim(cx.instruction, name) {
        finding.fix(Fix::replace(format!("Rename the stage to `{lower}`"), name.range.clone(), lower).safe())
    } else {
        finding
    });
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn names() {
        check(
            "T003",
            "\
FROM alpine AS Base
               ^^^^ should be lower case
from alpine as BASE
               ^^^^ looked up as `base`
FROM alpine AS base
FROM alpine
",
        );
        assert_eq!(
            fixed("T003", "FROM a AS Base\nCOPY --from=Base /a /b\n"),
            "FROM a AS base\nCOPY --from=Base /a /b\n"
        );
    }
}
