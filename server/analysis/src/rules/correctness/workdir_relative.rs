//! E026 `workdir-relative`.

use layerwise_model::eval::Command;
use layerwise_model::gopath::path_is_abs;
use layerwise_syntax::Keyword;
use layerwise_syntax::words::Lex;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{is_verbatim, on_first_line};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "workdir-relative",
        code: "E026",
        severity: Severity::Warning,
        buildkit: Some("WorkdirRelativePath"),
        equivalents: &["WorkdirRelativePath", "DL3000"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds the first WORKDIR of a stage if it is relative. Later ones build on it, and so does a stage on top.

## Why it matters

A relative path starts at the working directory of the base image, which may change with the next version of that image.

## Example

```dockerfile
FROM node:22
WORKDIR app
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
```
";

/// Source: frontend/dockerfile/dockerfile2llb/convert.go (`dispatchWorkdir`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let state = &cx.step.state;
    // Before the first FROM nothing is evaluated, but a part of a Dockerfile can be read all the same.
    let absolute = match &cx.step.command {
        Command::Workdir(absolute) => absolute.as_str(),
        _ if !state.in_stage => "",
        _ => return,
    };
    if state.workdir_set || cx.instruction.kind() != Some(Keyword::Workdir) {
        return;
    }
    let [word] = cx.instruction.args() else { return };
    let Ok(path) = Lex::new(cx.instruction.escape()).process_word(&word.value, &state.env) else { return };
    // Of a variable that an unknown base image may set nothing can be said, and a drive letter is for Windows.
    let unknown = !path.unmatched.is_empty() && !state.env_known;
    if unknown || path_is_abs(&path.value) || has_drive(&path.value) {
        return;
    }
    let finding = Finding::new(
        on_first_line(cx.instruction, &word.range),
        format!(
            "WORKDIR `{}` starts at the working directory of the base image, which may change; write an absolute path.",
            path.value
        ),
    );
    let fixable = state.env_known && path.value == word.value && is_verbatim(cx.instruction, word);
    out.push(if fixable && !absolute.is_empty() && !absolute.contains(char::is_whitespace) {
        let fix = Fix::replace(format!("Write `{absolute}`"), word.range.clone(), absolute);
        finding.fix(fix)
    } else {
        finding
    });
}

/// `C:\\` or `C:/`.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn paths() {
        check(
            "E026",
            "\
FROM scratch AS a
WORKDIR app/
        ^^^^ starts at the working directory
WORKDIR more
FROM a
WORKDIR more
FROM scratch
WORKDIR /x
WORKDIR y
FROM unknown
WORKDIR $HOME/x
WORKDIR x
FROM unknown
WORKDIR x$HOME
FROM alpine
WORKDIR $HOME
        ^^^^^ absolute
",
        );
        assert_eq!(lines("E026", "# escape=`\nFROM a\nWORKDIR C:\\app\n"), [0; 0]);
        assert_eq!(lines("E026", "FROM a\nWORKDIR ./app\n"), [2]);
        assert_eq!(lines("E026", "WORKDIR 'x/y'\nWORKDIR \"/x\"\nFROM a\nWORKDIR \"z\"\n"), [1, 4]);
        assert_eq!(fixed("E026", "FROM scratch\nWORKDIR app/\n"), "FROM scratch\nWORKDIR /app\n");
        assert_eq!(fixed("E026", "FROM unknown\nWORKDIR app/\n"), "FROM unknown\nWORKDIR app/\n");
    }
}
