//! E050 `empty-continuation`.

use super::{Check, Finding, InstructionCx, Meta, Rule};
use crate::diagnostic::Severity;
use crate::fix::{Applicability, Edit, Fix};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "empty-continuation",
        code: "E050",
        severity: Severity::Warning,
        buildkit: Some("NoEmptyContinuation"),
        equivalents: &["NoEmptyContinuation"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds empty lines between the continuation lines of an instruction.

## Why it matters

BuildKit skips them today and has announced that they will become errors. They also hide where an instruction ends: it
goes on behind the empty line.

## Example

```dockerfile
FROM alpine:3.20
RUN apk add \\

    curl
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add \\
    curl
```
";

/// Source: frontend/dockerfile/parser/parser.go (`Parse`): one warning for an instruction, at its last line before any
/// heredoc.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let empty = cx.instruction.empty_continuations();
    if empty.is_empty() {
        return;
    }
    let source = cx.instruction.source();
    let mut start = 0;
    for _ in 1..cx.instruction.head_line_count() {
        start += source[start..].find('\n').map_or(0, |at| at + 1);
    }
    let line = source[start..].lines().next().unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    let range = start + indent..start + line.trim_end().len().max(indent);
    let count =
        if empty.len() == 1 { "An empty line".to_owned() } else { format!("{} empty lines", empty.len()) };
    let message = format!(
        "{count} inside this {}: the instruction goes on behind it, and BuildKit will refuse that one day; delete it.",
        cx.instruction.keyword().value
    );
    let message = if empty.len() == 1 {
        message
    } else {
        message.replace("behind it", "behind them").replace("delete it", "delete them")
    };
    let mut finding = Finding::new(range, message);
    let mut edits = Vec::with_capacity(empty.len());
    for line in empty {
        finding = finding.see(line.clone(), "Empty line");
        let rest = &source[line.end..];
        let end = line.end + rest.find('\n').map_or(rest.len(), |at| at + 1);
        edits.push(Edit { range: line.start..end, text: String::new() });
    }
    let title = if edits.len() == 1 { "Delete the empty line" } else { "Delete the empty lines" };
    out.push(finding.fix(Fix { title: title.to_owned(), applicability: Applicability::Safe, edits }));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn empty_lines() {
        check(
            "E050",
            "\
FROM a
RUN one \\

  two
  ^^^ An empty line inside this RUN
RUN one \\
  # comment
  two
",
        );
        assert_eq!(lines("E050", "FROM a\nRUN a \\\n\n\n <<EOF\nx\n\nEOF\n"), [5]);
        assert_eq!(lines("E050", "FROM a\nRUN a \\\n \t\n"), [3]);
        assert!(lines("E050", "FROM a\nRUN a \\\n").is_empty());
    }

    #[test]
    fn fix() {
        let text = "FROM a\r\nRUN a \\\r\n\r\n# c\r\n \r\n  b\r\n";
        assert_eq!(fixed("E050", text), "FROM a\r\nRUN a \\\r\n# c\r\n  b\r\n");
        assert_eq!(fixed("E050", "FROM a\nRUN a \\\n\n"), "FROM a\nRUN a \\\n");
    }
}
