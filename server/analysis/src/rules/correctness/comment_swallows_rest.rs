//! E051 `comment-swallows-rest`.

use layerwise_syntax::Keyword;
use layerwise_syntax::shell::Origin;
use layerwise_syntax::tree_sitter::Node;

use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "comment-swallows-rest",
        code: "E051",
        severity: Severity::Error,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds a `#` comment behind a command in the middle of a RUN that goes on below with `\\`.

## Why it matters

Docker joins the lines before the shell sees them, so the comment reaches to the end of the RUN: nothing behind it is run, and
nothing fails. A comment on a line of its own is fine: Docker removes it.

## Example

```dockerfile
FROM debian:12
RUN apt-get update \\
    && apt-get install -y curl # for the health check \\
    && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update \\
    # for the health check
    && apt-get install -y curl \\
    && rm -rf /var/lib/apt/lists/*
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if !matches!(
        instruction.kind(),
        Some(Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck)
    ) || !instruction.heredocs().is_empty()
        || !instruction.source().contains('#')
    {
        return;
    }
    let Some(script) = instruction.script().filter(|script| script.origin() == Origin::Inline) else {
        return;
    };
    let text = script.text();
    if !text.contains('#') || text.contains('\n') || cx.facts.shell.is_some_and(|shell| !shell.is_posix()) {
        return;
    }
    let Some(comment) = comment(script.root()) else { return };
    // In a text that is not understood, the first `#` may be none.
    let start = script.source_range(comment.start_byte()..comment.start_byte() + 1);
    let source = instruction.source();
    let Some(line) = source.get(start.start..) else { return };
    let Some(end) = line.find('\n') else { return };
    let shown = line[..end].trim_end().trim_end_matches(instruction.escape()).trim_end();
    let range = start.start..start.start + shown.len();
    // What of the comment stands on the lines below.
    let Some(below) = script.text_offset(start.start + end + 1).or_else(|| {
        let behind = source.get(start.start + end + 1..)?;
        let skip = behind.len() - behind.trim_start().len();
        script.text_offset(start.start + end + 1 + skip)
    }) else {
        return;
    };
    let lost = text.get(below..).unwrap_or_default().trim();
    if lost.is_empty() || lost.starts_with('#') {
        return;
    }
    if script.has_error() && !lost.starts_with("&&") && !lost.starts_with("||") && !lost.starts_with(';') {
        return;
    }
    let short: String = lost.trim_start_matches(['&', '|', ';', ' ']).chars().take(40).collect();
    let message = format!(
        "This comment reaches to the end of the instruction, since Docker joins the lines: `{}` and what follows is never run; give it a line of its own.",
        short.trim()
    );
    let finding = Finding::new(range.clone(), message);
    let begin = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let first_line = begin <= instruction.trimmed_range().start;
    if first_line && cx.onbuild {
        out.push(finding);
        return;
    }
    let indent: String = source[begin..].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let indent = if first_line { "" } else { indent.as_str() };
    let keep = source[..range.start].trim_end_matches([' ', '\t']).len();
    // Nothing but the comment on a line that it does not begin cannot be.
    let edits = vec![
        Edit { range: begin..begin, text: format!("{indent}{shown}\n") },
        Edit { range: keep..range.end, text: String::new() },
    ];
    let mut fix = Fix::replace("Give the comment a line of its own", 0..0, "");
    fix.edits = edits;
    out.push(finding.fix(fix));
}

/// The first comment of a script.
fn comment(root: Node<'_>) -> Option<Node<'_>> {
    let mut stack = vec![root];
    let mut first: Option<Node<'_>> = None;
    while let Some(node) = stack.pop() {
        if node.kind() == "comment" {
            if first.is_none_or(|known| node.start_byte() < known.start_byte()) {
                first = Some(node);
            }
            continue;
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    first
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn comments() {
        check(
            "E051",
            "\
FROM a
RUN one \\
    && two # why \\
           ^^^^^ `three` and what follows is never run
    && three
RUN one \\
    # a line of its own
    && two
RUN one # at the end
RUN one \\
    && two # at the end
RUN echo '# no' \\
    && a#b
",
        );
        assert_eq!(lines("E051", "FROM a\nRUN <<EOF\na # b\nc\nEOF\n"), [0; 0]);
        assert_eq!(lines("E051", "FROM a\nRUN a # b \\\n  # c\n\nRUN x\n"), [0; 0]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("E051", "FROM a\nRUN one \\\n    && two # why \\\n    && three\n"),
            "FROM a\nRUN one \\\n    # why\n    && two \\\n    && three\n"
        );
        assert_eq!(fixed("E051", "FROM a\nRUN one # x \\\n && two\n"), "FROM a\n# x\nRUN one \\\n && two\n");
    }
}
