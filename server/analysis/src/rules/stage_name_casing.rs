//! T003 `stage-name-casing`.

use layerwise_syntax::Keyword;

use super::{Check, Finding, InstructionCx, Meta, Rule};
use crate::diagnostic::Severity;

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "stage-name-casing",
        code: "T003",
        severity: Severity::Info,
        buildkit: Some("StageNameCasing"),
        equivalents: &["StageNameCasing"],
        default: true,
        experimental: false,
        context: false,
        doc: "\
## What it does

Finds stage names with upper-case letters.

## Why it matters

BuildKit compares stage names in lower case, but a name with capitals looks as if case mattered, and `FROM Base` does not
find a stage that was named `AS Base`.

## Example

```dockerfile
FROM alpine:3.20 AS Base
```

## Use instead

```dockerfile
FROM alpine:3.20 AS base
```
",
    },
    check: Check::Instruction(check),
};

/// Source: frontend/dockerfile/instructions/parse.go (`isLowerCaseStageName`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::From) {
        return;
    }
    let [_, _, name] = cx.instruction.args() else { return };
    let lower = name.value.to_lowercase();
    if name.value != lower {
        out.push(Finding::new(
            name.range.clone(),
            format!("Stage name `{}` should be lower case: stages are looked up as `{lower}`.", name.value),
        ));
    }
}
