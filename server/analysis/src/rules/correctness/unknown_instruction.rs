//! E001 `unknown-instruction`.

use layerwise_syntax::Problem;

use crate::check::problem_finding;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "unknown-instruction",
        code: "E001",
        severity: Severity::Error,
        equivalents: &["tally/unknown-instruction"],
        fix: FixClass::Suggestion,
        supersedes: &["syntax-error"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds lines whose first word is no instruction of a Dockerfile, and says which one was probably meant.

## Why it matters

The build fails before its first step. Often the line above lacks the `\\` that would continue it.

## Example

```dockerfile
FROM alpine:3.20
CPOY . /app
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY . /app
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild || cx.instruction.kind().is_some() {
        return;
    }
    let keyword = &cx.instruction.keyword().range;
    let said = |problem: &&Problem| problem.range == *keyword;
    out.extend(cx.instruction.problems().iter().filter(said).map(|p| problem_finding(cx.instruction, p)));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, fixed};

    #[test]
    fn misspelt_and_unknown() {
        check(
            "E001",
            "\
FROM a
CPOY a b
^^^^ did you mean `COPY`?
apt-get install x
^^^^^^^ A line that continues the one above
RUN x
ONBUILD CPOY a b
",
        );
        assert_eq!(fixed("E001", "FROM a\nwrokdir /x\n"), "FROM a\nworkdir /x\n");
        let all = diagnostics("FROM a:1\nRUNN x\n", &[]);
        assert_eq!(all.iter().map(|d| d.rule).collect::<Vec<_>>(), ["unknown-instruction"]);
    }
}
