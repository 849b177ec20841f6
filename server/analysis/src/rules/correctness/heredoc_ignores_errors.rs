//! E049 `heredoc-ignores-errors`.

use layerwise_syntax::Keyword;
use layerwise_syntax::shell::{Origin, Script};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "heredoc-ignores-errors",
        code: "E049",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `RUN <<EOF` with several commands and without `set -e`.

## Why it matters

A shell goes on after a command that fails. Only the status of the last one counts, so the build succeeds without what the
others should have done.

## Example

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
RUN <<EOF
apt-get update
apt-get install -y curl
EOF
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
RUN <<EOF
set -e
apt-get update
apt-get install -y curl
EOF
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if instruction.kind() != Some(Keyword::Run) || instruction.heredocs().is_empty() {
        return;
    }
    let Some(script) = instruction.script().filter(|s| s.origin() == Origin::Heredoc && !s.has_error())
    else {
        return;
    };
    let text = script.text();
    let shebang = text.starts_with("#!");
    let first = text.lines().next().unwrap_or_default();
    let options = if shebang {
        first.split_whitespace().skip(1).any(is_errexit)
    } else {
        cx.step.state.shell.as_deref().is_some_and(|words| words.iter().skip(1).any(|word| is_errexit(word)))
    };
    // A SHELL that is no POSIX shell takes another language.
    if options || (!shebang && cx.facts.shell.is_some_and(|shell| !shell.is_posix())) {
        return;
    }
    let Some(ignored) = ignored(script) else { return };
    let [doc] = instruction.heredocs() else { return };
    let shown = ignored.lines().next().unwrap_or_default().trim();
    let short: String = shown.chars().take(40).collect();
    let dots = if short.len() < shown.len() { " ..." } else { "" };
    let message = format!(
        "If `{short}{dots}` fails, this RUN goes on and may succeed: only the last command's status counts; start with `set -e`."
    );
    let head = crate::ranges::head(instruction);
    let mut at = doc.body.start;
    if shebang {
        at += instruction.source()[doc.body.clone()].find('\n').map_or(0, |end| end + 1);
    }
    let line = instruction.source().get(at..).unwrap_or_default();
    let indent: String = line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let fix = Fix::replace("Start with `set -e`", at..at, format!("{indent}set -e\n"));
    out.push(Finding::new(head, message).fix(fix));
}

/// Whether an option of a shell ends the script at the first error: `-e`, `-eux`, `errexit`.
fn is_errexit(word: &str) -> bool {
    word == "errexit" || (word.starts_with('-') && !word.starts_with("--") && word.contains('e'))
}

/// The first statement whose failure is ignored; `None` if there is none, or the script says how errors are handled.
fn ignored(script: &Script) -> Option<String> {
    let root = script.root();
    let text = script.text();
    let mut cursor = root.walk();
    let statements: Vec<_> =
        root.named_children(&mut cursor).filter(|node| node.kind() != "comment").collect();
    let (_, before) = statements.split_last()?;
    let mut found = None;
    for node in before {
        let statement = &text[node.byte_range()];
        let mut words = statement.split_whitespace();
        match words.next() {
            Some("set") if words.any(is_errexit) => return None,
            Some(
                "set" | "echo" | "printf" | "export" | "umask" | ":" | "true" | "shopt" | "trap" | "unset"
                | "local",
            ) => {}
            _ if matches!(
                node.kind(),
                "variable_assignment" | "function_definition" | "declaration_command"
            ) => {}
            // What handles its own failure: `a || b`, `if`.
            _ if node.kind() == "if_statement" || statement.contains("||") => {}
            _ if found.is_none() => found = Some(statement.to_owned()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn heredocs() {
        check(
            "E049",
            "\
FROM a
RUN <<EOF
^^^^^^^^^ If `one` fails
one
two
EOF
RUN <<EOF
set -eu
one
two
EOF
RUN <<EOF
one && two
EOF
RUN <<EOF
#!/bin/bash -e
one
two
EOF
RUN <<EOF
#!/usr/bin/env python
import one
two()
EOF
RUN python <<EOF
one
two
EOF
RUN <<EOF
one || exit 1
two
EOF
SHELL [\"/bin/sh\", \"-ec\"]
RUN <<EOF
one
two
EOF
",
        );
        assert_eq!(lines("E049", "FROM a\nRUN <<EOF\n#!/bin/sh\na\nb\nEOF\n"), [2]);
        assert_eq!(
            fixed("E049", "FROM a\nRUN <<EOF\n#!/bin/sh\n  a\n  b\nEOF\n"),
            "FROM a\nRUN <<EOF\n#!/bin/sh\n  set -e\n  a\n  b\nEOF\n"
        );
        assert_eq!(fixed("E049", "FROM a\nRUN <<EOF\na\nb\nEOF\n"), "FROM a\nRUN <<EOF\nset -e\na\nb\nEOF\n");
    }
}
