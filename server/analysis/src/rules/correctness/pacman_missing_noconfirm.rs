//! E060 `pacman-missing-noconfirm`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pacman-missing-noconfirm",
        code: "E060",
        severity: Severity::Error,

        fix: FixClass::Safe,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `pacman` commands that ask before they install or remove, without `--noconfirm`.

## Why it matters

A build has no terminal to answer from: the question reads nothing, the command gives up, and the build fails.

## Example

```dockerfile
FROM archlinux:latest
RUN pacman -Syu git
```

## Use instead

```dockerfile
FROM archlinux:latest
RUN pacman -Syu --noconfirm git
```
";

/// Source: pacman(8).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("pacman") {
        let operation = command.args.iter().find(|arg| {
            let text = arg.text.as_str();
            let letters = text.strip_prefix('-').filter(|rest| !rest.starts_with('-')).unwrap_or_default();
            match letters.as_bytes().first() {
                // Searching, listing and refreshing ask nothing; cleaning has another default answer.
                Some(b'S') => {
                    !letters.contains(['s', 'i', 'l', 'c', 'g', 'w', 'p'])
                        && (letters.contains('u') || command.operands().next().is_some())
                }
                Some(b'U' | b'R') => !letters.contains('p'),
                _ => matches!(text, "--upgrade" | "--remove"),
            }
        });
        let Some(operation) = operation else { continue };
        let unknown = command.args.iter().any(|arg| !arg.literal && arg.text.starts_with('$'));
        let piped = cx
            .facts
            .pipelines
            .iter()
            .any(|p| p.range.start < command.range.start && command.range.end <= p.range.end);
        if command.has_flag(&["noconfirm"]) || unknown || piped {
            continue;
        }
        let message = format!(
            "`pacman {}` asks whether to go on, and nobody can answer during a build, so it fails; add `--noconfirm`.",
            operation.text
        );
        let finding = Finding::new(command.program.range.start..operation.range.end, message);
        let at = operation.range.end;
        let fix = Fix::replace("Add `--noconfirm`", at..at, " --noconfirm").safe();
        out.push(if command.exec || cx.facts.unclear { finding } else { finding.fix(fix) });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        let text = "FROM a\nRUN pacman -Sy && pacman -S git\nRUN pacman -Syu --noconfirm git\nRUN pacman -Ss x\nRUN yes | pacman -Syu\nRUN pacman -Rns x\nRUN pacman -Scc\n";
        assert_eq!(lines("E060", text), [2, 6]);
        assert_eq!(fixed("E060", "FROM a\nRUN pacman -Syu x\n"), "FROM a\nRUN pacman -Syu --noconfirm x\n");
    }
}
