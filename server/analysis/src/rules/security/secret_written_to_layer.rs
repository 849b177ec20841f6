//! X030 `secret-written-to-layer`.

use layerwise_model::facts::Command;
use layerwise_syntax::Keyword;

use super::secret_mounts::secret_mounts;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "secret-written-to-layer",
        code: "X030",
        severity: Severity::Error,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds RUN that copies a mounted secret into a file of the image: `cp` of the secret, or `cat` or `echo` of it
into a file, which the same RUN does not delete.

## Why it matters

The mount is gone after the RUN, but the copy is in the layer, and whoever can pull the image can read it. Mount
the secret at the path where the program looks for it.

## Example

```dockerfile
# syntax=docker/dockerfile:1
FROM node:22
RUN --mount=type=secret,id=npmrc cp /run/secrets/npmrc /root/.npmrc && npm ci
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM node:22
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    let mounts = secret_mounts(cx.instruction);
    if mounts.is_empty() || cx.facts.unclear {
        return;
    }
    let removed: Vec<&str> = cx
        .facts
        .named("rm")
        .chain(cx.facts.named("shred"))
        .flat_map(Command::operands)
        .map(|word| word.text.as_str())
        .collect();
    let targets: Vec<&str> = cx
        .instruction
        .flag_values("mount")
        .filter_map(|value| {
            value
                .split(',')
                .find_map(|part| part.strip_prefix("target=").or_else(|| part.strip_prefix("dst=")))
        })
        .collect();
    let kept = |path: &str| {
        let path = path.trim_matches(['"', '\'']);
        !["/dev/", "/proc/", "/run/secrets/", "&"].iter().any(|start| path.starts_with(start))
            && !path.is_empty()
            && !removed.iter().any(|gone| {
                path == *gone
                    || path.strip_prefix(gone.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
            })
            && !targets.iter().any(|target| path.starts_with(target))
    };
    for command in &cx.facts.commands {
        let reads = |text: &str| mounts.iter().any(|mount| text == mount.target);
        let holds = |text: &str| {
            mounts.iter().any(|mount| match &mount.env {
                Some(name) => text.contains(&format!("${name}")) || text.contains(&format!("${{{name}}}")),
                None => text.contains(&format!("$(cat {})", mount.target)),
            })
        };
        let dest = match command.name.as_str() {
            "cp" | "install" => {
                let words: Vec<_> = command.operands().collect();
                match words.as_slice() {
                    [.., from, to] if reads(&from.text) => Some(to.text.as_str()),
                    _ => None,
                }
            }
            "cat" if command.args.iter().any(|arg| reads(&arg.text)) => written(command),
            "echo" | "printf" if command.args.iter().any(|arg| holds(&arg.text)) => written(command),
            _ => None,
        };
        if let Some(dest) = dest.filter(|dest| kept(dest)) {
            out.push(Finding::new(
                command.range.clone(),
                format!("This writes the mounted secret to `{dest}`, which stays in the layer; mount it there with `--mount=type=secret,target=...`, or delete the file in this RUN."),
            ));
        }
    }
}

/// The file that the output goes to.
fn written(command: &Command) -> Option<&str> {
    command.redirects.iter().find_map(|redirect| {
        let path = redirect.text.trim_start_matches('1').strip_prefix('>')?;
        Some(path.trim_start_matches('>').trim())
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn copies() {
        check(
            "X030",
            "\
FROM a
RUN --mount=type=secret,id=n cp /run/secrets/n ~/.npmrc && x
                             ^^^^^^^^^^^^^^^^^^^^^^^^^^ `~/.npmrc`
RUN --mount=type=secret,id=n cp /run/secrets/n ~/.npmrc && x && rm -f ~/.npmrc
RUN --mount=type=secret,id=n,target=/n cat /n > /etc/n
                                       ^^^^^^^^^^^^^^^ `/etc/n`
RUN --mount=type=secret,id=n,env=N echo \"token=$N\" >> /etc/n
                                   ^^^^^^^^^^^^^^^^^^^^^^^^^ stays in the layer
RUN --mount=type=secret,id=n cat /run/secrets/n > /dev/null && cp a b
RUN cp /run/secrets/n /x
",
        );
    }
}
