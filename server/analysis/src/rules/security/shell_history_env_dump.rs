//! X029 `shell-history-env-dump`.

use layerwise_model::facts::Command;
use layerwise_syntax::Keyword;

use super::secret_mounts::secret_mounts;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "shell-history-env-dump",
        code: "X029",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds RUN with a secret mount that prints it into the build log: `env`, `printenv` or `export` without arguments
where the secret is a variable, and `set -x` where its content stands in a command.

## Why it matters

The log is kept by the builder and by CI, where more people can read it than should know the secret.

## Example

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
RUN --mount=type=secret,id=token,env=TOKEN env && ./publish
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
RUN --mount=type=secret,id=token,env=TOKEN ./publish
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    let mounts = secret_mounts(cx.instruction);
    let Some(first) = mounts.first() else { return };
    let variable = mounts.iter().find_map(|mount| mount.env.as_deref());
    let source = cx.instruction.source();
    for command in &cx.facts.commands {
        let what = match command.name.as_str() {
            // What goes into a pipe or a file is not printed.
            "env" | "printenv" | "export" | "set"
                if command.args.is_empty() && command.redirects.is_empty() && command.top_level =>
            {
                variable
            }
            "set" if is_trace(command) => {
                let read = mounts.iter().any(|mount| {
                    source.contains(&format!("$(cat {}", mount.target))
                        || source.contains(&format!("$(<{}", mount.target))
                });
                let named = variable.filter(|name| {
                    source.contains(&format!("${name}")) || source.contains(&format!("${{{name}"))
                });
                named.or(read.then_some(first.target.as_str()))
            }
            _ => None,
        };
        if let Some(what) = what {
            out.push(Finding::new(
                command.range.clone(),
                format!("`{}` prints the secret `{what}` into the build log, where it stays; leave it out of this RUN.", text(command)),
            ));
        }
    }
}

/// `set -x`, `set -eux`, `set -o xtrace`.
fn is_trace(command: &Command) -> bool {
    let flags = command.args.iter().map(|arg| arg.text.as_str());
    flags.into_iter().any(|text| {
        text == "xtrace" || (text.starts_with('-') && !text.starts_with("--") && text.contains('x'))
    })
}

fn text(command: &Command) -> String {
    let words =
        std::iter::once(command.name.as_str()).chain(command.args.iter().map(|arg| arg.text.as_str()));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn dumps() {
        check(
            "X029",
            "\
FROM a
RUN --mount=type=secret,id=t,env=T env && x
                                   ^^^ the secret `T`
RUN --mount=type=secret,id=t set -eux; curl -H \"$(cat /run/secrets/t)\" x
                             ^^^^^^^^ `set -eux` prints the secret `/run/secrets/t`
RUN --mount=type=secret,id=t set -x; x --file /run/secrets/t
RUN --mount=type=secret,id=t,env=T env A=b x && env > /dev/null
RUN env
",
        );
    }
}
