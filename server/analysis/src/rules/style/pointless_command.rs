//! T014 `pointless-command`.

use layerwise_model::facts::Argument;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pointless-command",
        code: "T014",
        severity: Severity::Info,
        equivalents: &["DL3001"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds commands in RUN that do nothing for an image: `ps`, `top`, `free`, `vim`, `shutdown`, `ifconfig` and the
like, which show something, ask a person, or need a running system.

## Why it matters

A RUN runs alone, without a terminal and without other processes. What these commands show is gone when the
layer is done, and the layer is left.

## Example

```dockerfile
FROM debian:12
RUN top
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in &cx.facts.commands {
        let why = match command.name.as_str() {
            "vim" | "vi" | "nano" | "emacs" if is_interactive(&command.args) => {
                "waits for a person, and there is no terminal"
            }
            // What is piped on or kept is read by something.
            "ps" | "top" | "htop" | "free" | "uptime" | "ifconfig" | "netstat"
                if command.top_level && command.redirects.is_empty() =>
            {
                "only shows something, and nobody sees it"
            }
            "shutdown" | "reboot" | "poweroff" | "halt" => "needs a running system, and there is none",
            "mount" if command.top_level && cx.instruction.flag("security") != Some("insecure") => {
                "is not allowed in a build"
            }
            "ssh" if command.top_level && cx.instruction.flags().is_empty() => {
                "has no key to log in with unless the RUN has `--mount=type=ssh`"
            }
            _ => continue,
        };
        out.push(Finding::new(
            command.range.clone(),
            format!("`{}` does nothing for the image: it {why}; leave it out.", command.name),
        ));
    }
}

/// Editors also run scripts: `vim +PluginInstall +qall`, `vim -es`.
fn is_interactive(args: &[Argument]) -> bool {
    !args.iter().any(|arg| arg.text.starts_with(['+', '-']))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn commands() {
        check(
            "T014",
            "\
FROM a
RUN apt-get install ssh vim && top && ps aux
                               ^^^ nobody sees it
                                      ^^^^^^ nobody sees it
RUN ps aux | grep x; kill 1; vim +PluginInstall +qall; free > /x
RUN --mount=type=ssh ssh -T git@example.com
ONBUILD RUN shutdown now
            ^^^^^^^^^^^^ running system
",
        );
    }
}
