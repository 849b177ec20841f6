//! X020 `run-security-insecure`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "run-security-insecure",
        code: "X020",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `RUN --security=insecure` and `RUN --network=host`.

## Why it matters

The first gives the commands all rights on the builder, the second its network, so they reach whatever listens
there. A builder allows that only if it was started so, and the build fails everywhere else.

## Example

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
RUN --network=host apt-get update
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
RUN apt-get update
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for (name, value, rights, entitlement) in [
        ("security", "insecure", "all rights on the builder", "security.insecure"),
        ("network", "host", "the builder's own network", "network.host"),
    ] {
        if cx.instruction.flag(name) != Some(value) {
            continue;
        }
        let Some(word) = cx.instruction.flag_word(name) else { continue };
        out.push(Finding::new(
            word.range.clone(),
            format!("This RUN gets {rights}, and the build fails unless the builder allows `{entitlement}`; leave `--{name}={value}` out."),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn flags() {
        check(
            "X020",
            "\
FROM a
RUN --mount=type=cache,target=/x --security=insecure x
                                 ^^^^^^^^^^^^^^^^^^^ all rights
RUN --network=none --security=sandbox x
RUN --network=host x
    ^^^^^^^^^^^^^^ own network
",
        );
    }
}
