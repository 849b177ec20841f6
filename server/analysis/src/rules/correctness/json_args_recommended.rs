//! E021 `json-args-recommended`.

use layerwise_syntax::{Form, Instruction, Keyword};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{head, is_verbatim};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "json-args-recommended",
        code: "E021",
        severity: Severity::Warning,
        buildkit: Some("JSONArgsRecommended"),
        equivalents: &["JSONArgsRecommended", "DL3025"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds CMD and ENTRYPOINT in shell form, unless SHELL says that a shell is wanted.

## Why it matters

The shell form starts `/bin/sh -c`. A shell that stays in front of the program is process 1 and does not pass SIGTERM on,
so that `docker stop` waits and then kills. A shell-form ENTRYPOINT also ignores CMD and the arguments of `docker run`. And
the image needs a shell.

## Example

```dockerfile
FROM node:22
CMD node server.js
```

## Use instead

```dockerfile
FROM node:22
CMD [\"node\", \"server.js\"]
```
";

/// Source: frontend/dockerfile/dockerfile2llb/convert.go (`dispatchCmd`, `dispatchEntrypoint`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    let kind = match instruction.kind() {
        Some(kind @ (Keyword::Cmd | Keyword::Entrypoint)) if instruction.is_valid() => kind,
        _ => return,
    };
    if instruction.form() == Form::Exec || cx.step.state.shell.is_some() {
        return;
    }
    let command = instruction.args().first().map_or("", |arg| arg.value.as_str());
    let program = program(command);
    // A shell that runs a single command may replace itself by it, and `exec` makes it; nothing more can be said.
    let message = match kind {
        Keyword::Cmd if command.trim_start().starts_with("exec ") => {
            format!(
                "CMD in shell form starts `/bin/sh` only to have it replaced by {program}; the JSON form needs no shell."
            )
        }
        Keyword::Cmd => format!(
            "CMD in shell form puts `/bin/sh -c` in front of {program}, which may keep SIGTERM from it, so that `docker stop` has to kill it; use the JSON form."
        ),
        _ => format!(
            "ENTRYPOINT in shell form ignores CMD and the arguments of `docker run`, and its shell may keep SIGTERM from {program}; use the JSON form."
        ),
    };
    let finding = Finding::new(head(instruction), message);
    out.push(match json_form(instruction) {
        Some((words, fix)) if words > 0 => finding.fix(fix),
        _ => finding,
    });
}

/// How a message names what a command runs.
fn program(command: &str) -> String {
    let first = command.split_whitespace().find(|word| *word != "exec" && !word.contains('='));
    match first {
        Some(word) if word.chars().all(is_plain) => format!("`{word}`"),
        _ => "the program".to_owned(),
    }
}

/// A character that means nothing to a shell, wherever it stands.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c)
}

/// The JSON form of a command that is made of plain words, and how many. What needs the shell stays as it is.
pub(super) fn json_form(instruction: &Instruction) -> Option<(usize, Fix)> {
    let [command] = instruction.args() else { return None };
    if !is_verbatim(instruction, command)
        || !command.value.chars().all(|c| is_plain(c) || c == ' ' || c == '\t')
    {
        return None;
    }
    let mut words: Vec<&str> = command.value.split_whitespace().collect();
    if words.first() == Some(&"exec") {
        words.remove(0);
    }
    let first = words.first()?;
    if first.contains('=') || SHELL_WORDS.contains(first) || first.starts_with('-') {
        return None;
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let text = format!("[{}]", quoted.join(", "));
    let title = format!("Use the JSON form: `{text}`");
    Some((words.len(), Fix::replace(title, command.range.clone(), text)))
}

/// Words that only a shell understands.
const SHELL_WORDS: [&str; 28] = [
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exit", "export", "fg",
    "for", "hash", "if", "jobs", "read", "readonly", "set", "shift", "source", "trap", "ulimit", "umask",
    "unset", "until", "while",
];

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn shell_forms() {
        check(
            "E021",
            "\
FROM a
CMD node app.js
^^^^^^^^^^^^^^^ in front of `node`, which may keep SIGTERM from it
ENTRYPOINT exec java $OPTS \\
^^^^^^^^^^^^^^^^^^^^^^^^^^ ignores CMD
  -jar x
CMD [\"x\"]
HEALTHCHECK CMD x
RUN x
",
        );
        assert_eq!(lines("E021", "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nCMD x\n"), [0; 0]);
        assert_eq!(lines("E021", "FROM a AS b\nSHELL [\"/bin/bash\"]\nFROM b\nCMD x\nFROM a\nCMD x\n"), [6]);
        assert_eq!(lines("E021", "FROM a\nCMD\n"), [2]);
        assert_eq!(lines("E021", "FROM a\nCMD ['x']\n"), [2]);
    }

    #[test]
    fn fixes() {
        let fix = |command: &str| fixed("E021", &format!("FROM a\nCMD {command}\n"));
        assert_eq!(fix("node app.js --port=80"), "FROM a\nCMD [\"node\", \"app.js\", \"--port=80\"]\n");
        assert_eq!(fix("exec node"), "FROM a\nCMD [\"node\"]\n");
        for same in [
            "node $X", "A=1 node", "cd /x", "a && b", "a | b", "'a' b", "a*", "~/x", "exec", "a \\\n b",
            "a; b", "a > b",
        ] {
            assert_eq!(fix(same), format!("FROM a\nCMD {same}\n"));
        }
    }
}
