//! E027 `workdir-tilde-or-quoted-shell`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "workdir-tilde-or-quoted-shell",
        code: "E027",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `~`, `$(...)` and backquotes in WORKDIR and in the destination of COPY and ADD.

## Why it matters

No shell reads these instructions: the image gets a folder that is called `~`.

## Example

```dockerfile
FROM debian:12
WORKDIR ~/app
```

## Use instead

```dockerfile
FROM debian:12
WORKDIR /root/app
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    let word = match instruction.kind() {
        Some(Keyword::Workdir) => instruction.args().first(),
        Some(Keyword::Copy | Keyword::Add) => instruction.args().last(),
        _ => return,
    };
    let Some(word) = word else { return };
    let keyword = &instruction.keyword().value;
    let value = word.value.trim_matches(['"', '\'']);
    if value == "~" || value.starts_with("~/") {
        let user = cx.step.state.user.split(':').next().unwrap_or_default();
        let home = match user {
            "" | "root" | "0" => "/root".to_owned(),
            user => format!("/home/{user}"),
        };
        let message =
            format!("{keyword} knows no `~`: it makes a folder of that name; write `{home}{}`.", &value[1..]);
        let finding = Finding::new(word.range.clone(), message);
        let source = instruction.source().get(word.range.clone()).unwrap_or_default();
        out.push(match source.find('~') {
            Some(at) if !user.contains('$') => {
                let at = word.range.start + at;
                finding.fix(Fix::replace(format!("Write `{home}`"), at..at + 1, home))
            }
            _ => finding,
        });
    } else if value.contains("$(") || (value.contains('`') && instruction.escape() != '`') {
        let message = format!(
            "{keyword} runs no command: this is a path with these characters in it; write the path, or use an ARG."
        );
        out.push(Finding::new(word.range.clone(), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn shell_words() {
        check(
            "E027",
            "\
FROM a
WORKDIR ~/app
        ^^^^^ write `/root/app`
WORKDIR /x/$(uname -m)
        ^^^^^^^^^^^^^^ runs no command
WORKDIR /a~b
COPY a ~/
       ^^ COPY knows no `~`
COPY ~x /y
USER app
WORKDIR ~
        ^ write `/home/app`
",
        );
        assert_eq!(fixed("E027", "FROM a\nWORKDIR ~/app\n"), "FROM a\nWORKDIR /root/app\n");
    }
}
