//! T002 `from-as-casing`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "from-as-casing",
        code: "T002",
        severity: Severity::Info,
        buildkit: Some("FromAsCasing"),
        equivalents: &["FromAsCasing"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `FROM ... as` and `from ... AS`: two keywords of one instruction in different cases.

## Why it matters

It builds all the same, but keywords stand out less when each is written another way.

## Example

```dockerfile
FROM alpine:3.20 as build
```

## Use instead

```dockerfile
FROM alpine:3.20 AS build
```
";

/// Source: frontend/dockerfile/instructions/parse.go (`doesFromCaseMatchAsCase`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::From) {
        return;
    }
    let [_, word, _, ..] = cx.instruction.args() else { return };
    let from = &cx.instruction.keyword().value;
    // A keyword in mixed case is what `instruction-casing` is about.
    let expected = if *from == from.to_lowercase() {
        word.value.to_lowercase()
    } else if *from == from.to_uppercase() {
        word.value.to_uppercase()
    } else {
        return;
    };
    if word.value != expected {
        out.push(
            Finding::new(
                on_first_line(cx.instruction, &word.range),
                format!("`{}` is not in the case of `{from}`; write `{expected}`.", word.value),
            )
            .fix(Fix::replace(format!("Write `{expected}`"), word.range.clone(), expected).safe()),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn casing() {
        check(
            "T002",
            "\
FROM a as one
       ^^ write `AS`
from a AS two
       ^^ write `as`
FROM a aS three
       ^^ write `AS`
From a as four
FROM a AS five
from a as six
FROM a
",
        );
        assert_eq!(fixed("T002", "FROM a as b\n"), "FROM a AS b\n");
        assert_eq!(fixed("T002", "from a AS b\n"), "from a as b\n");
    }
}
