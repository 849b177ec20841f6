//! X019 `named-user`.

use layerwise_model::eval::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "named-user",
        code: "X019",
        severity: Severity::Info,
        equivalents: &["DL3066"],
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds a USER that is a name and not a number.

## Why it matters

Kubernetes cannot tell from a name whether it is root, and refuses to start the container where `runAsNonRoot`
is set without `runAsUser`.

## Example

```dockerfile
FROM node:22
USER node
```

## Use instead

```dockerfile
FROM node:22
USER 1000
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::User) {
        return;
    }
    let Some(word) = cx.instruction.args().first() else { return };
    let user = match &cx.step.command {
        Command::User(user) if !cx.onbuild => user,
        _ if word.value.contains('$') => return,
        _ => &word.value,
    };
    let name = user.split(':').next().unwrap_or_default();
    if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    out.push(Finding::new(
        word.range.clone(),
        format!("Kubernetes cannot tell whether `{name}` is root, and `runAsNonRoot` refuses the image; write the number of the user."),
    ));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn names() {
        check(
            "X019",
            "\
USER foobar
     ^^^^^^ whether `foobar` is root
FROM a
ARG U=1000
USER 12345
USER 1:app
USER app:1
     ^^^^^ the number
USER $U
ONBUILD USER x
             ^ whether `x`
",
        );
    }
}
