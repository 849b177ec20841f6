//! X009 `no-sudo`.

use layerwise_syntax::Keyword;

use super::last_user_root::is_root;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "no-sudo",
        code: "X009",
        severity: Severity::Warning,
        equivalents: &["DL3004"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `sudo` in RUN.

## Why it matters

RUN is root unless a USER says otherwise, and then `sudo` does nothing but drop the environment. Where there is
another user, `sudo` in the image is a way to root for whoever breaks into the container; switch with USER
instead.

## Example

```dockerfile
FROM debian:12
RUN sudo apt-get update
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
    let state = &cx.step.state;
    let root = is_root(&state.user) || (state.user.is_empty() && state.env_known && !cx.onbuild);
    for command in &cx.facts.commands {
        if command.wrappers.first().is_none_or(|wrapper| wrapper != "sudo") && command.name != "sudo" {
            continue;
        }
        let message = if root {
            "This RUN is root already, so `sudo` only drops the environment; leave it out.".to_owned()
        } else if state.user.is_empty() {
            "RUN is root unless the base image sets a USER, and `sudo` in an image is a way to root; leave it out, or write `USER root` before this RUN.".to_owned()
        } else {
            format!(
                "`sudo` in an image is a way to root for whoever takes over `{}`; write `USER root` before this RUN and `USER {}` after it.",
                state.user, state.user
            )
        };
        let start = command.range.start;
        let prefix = cx.instruction.source().get(start..command.program.range.start).unwrap_or_default();
        let mut finding = Finding::new(start..start + "sudo".len().min(command.range.len()), message);
        // With flags or variables `sudo` does more than run the command.
        let alone =
            prefix.strip_prefix("sudo").is_some_and(|rest| !rest.is_empty() && rest.trim().is_empty());
        if root && alone && !command.exec && !cx.facts.unclear && !prefix.contains('\n') {
            finding = finding.fix(Fix::replace("Leave out `sudo`", start..start + prefix.len(), ""));
        }
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn sudo() {
        check(
            "X009",
            "\
FROM debian
RUN apt-get update && sudo -E apt-get install x
                      ^^^^ root already
RUN apt-get install sudo && echo 'x ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers
USER app
RUN sudo x
    ^^^^ `USER app` after it
RUN [\"sudo\", \"x\"]
     ^^^^ a way to root
",
        );
        assert_eq!(lines("X009", "ONBUILD RUN sudo x\n"), [1]);
        assert_eq!(
            fixed("X009", "FROM debian\nRUN sudo a && \\\n  sudo b\n"),
            "FROM debian\nRUN a && \\\n  b\n"
        );
        assert_eq!(fixed("X009", "FROM x\nRUN sudo a\n"), "FROM x\nRUN sudo a\n");
    }
}
