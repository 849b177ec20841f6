//! T018 `redundant-user`.

use layerwise_model::eval::Command;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-user",
        code: "T018",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds USER that names the user that it is already.

## Why it matters

It changes nothing, and lets the reader look for the reason.

## Example

```dockerfile
FROM alpine:3.20
USER app
RUN make
USER app
```

## Use instead

```dockerfile
FROM alpine:3.20
USER app
RUN make
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Command::User(user) = &cx.step.command else { return };
    if cx.onbuild || user.is_empty() || *user != cx.step.state.user {
        return;
    }
    let text = format!("The user is `{user}` already, so this USER changes nothing; delete it.");
    let finding = Finding::new(head(cx.instruction), text).unneeded();
    let source = cx.instruction.source();
    out.push(if cx.instruction.comments().is_empty() {
        finding.fix(Fix::replace("Delete this USER", 0..source.len(), ""))
    } else {
        finding
    });
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn users() {
        assert_eq!(
            lines("T018", "FROM a AS b\nUSER x\nUSER y\nUSER y\nUSER x\nFROM b\nUSER x\nFROM a\nUSER x\n"),
            [4, 7]
        );
        assert_eq!(fixed("T018", "FROM a\nUSER x\nUSER x\n"), "FROM a\nUSER x\n");
    }
}
