//! E050 `empty-continuation`.

use std::ops::Range;

use layerwise_syntax::{Instruction, Keyword};

use crate::diagnostic::Severity;
use crate::fix::{Applicability, Edit, Fix};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

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
    let keyword = &cx.instruction.keyword().value;
    let (lines, it) = match empty.len() {
        1 => ("An empty line".to_owned(), "it"),
        count => (format!("{count} empty lines"), "them"),
    };
    // A `\\` too many makes the next instruction a part of this one.
    let swallowed = empty.iter().find_map(|line| swallowed(source, line.end).map(|found| (line, found)));
    let mut finding = Finding::new(
        range,
        match &swallowed {
            Some((_, next)) => format!(
                "{lines} inside this {keyword} and `{}` behind {it}, which becomes a part of the {keyword}; delete the `{}` above if it is meant to be an instruction of its own.",
                &source[next.clone()],
                cx.instruction.escape()
            ),
            None => format!(
                "{lines} inside this {keyword}: the instruction goes on behind {it}, and BuildKit will refuse that one day; delete {it}."
            ),
        },
    );
    if let Some((line, next)) = swallowed {
        finding = finding.see(next, "Part of the instruction above");
        if let Some(range) = continuation_above(cx.instruction, line.start) {
            finding = finding.fix(Fix::replace(format!("End the {keyword} above"), range, ""));
        }
    }
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

/// The keyword on the next line that has anything on it, if that looks like an instruction of its own: in upper case, with
/// arguments.
fn swallowed(source: &str, from: usize) -> Option<Range<usize>> {
    let mut start = from;
    for line in source[from..].split_inclusive('\n') {
        let word = line.trim();
        if !word.is_empty() && !word.starts_with('#') {
            let (word, rest) = word.split_once([' ', '\t'])?;
            let indent = line.len() - line.trim_start().len();
            let is_keyword = Keyword::parse(word).is_some_and(|keyword| keyword.as_str() == word);
            return (is_keyword && indent == 0 && !rest.is_empty()).then_some(start..start + word.len());
        }
        start += line.len();
    }
    None
}

/// The continuation character, and the blanks in front of it, that makes the empty line at `line` part of the instruction.
fn continuation_above(instruction: &Instruction, line: usize) -> Option<Range<usize>> {
    let source = instruction.source();
    let mut end = line;
    for line in source[..line].split_inclusive('\n').rev() {
        let start = end - line.len();
        let text = line.trim();
        if !text.is_empty() && !text.starts_with('#') {
            let before = line.trim_end().strip_suffix(instruction.escape())?;
            let kept = before.trim_end_matches([' ', '\t']).len();
            return Some(start + kept..start + line.trim_end().len());
        }
        end = start;
    }
    None
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
        assert_eq!(lines("E050", "FROM a\nRUN a \\\n"), [0; 0]);
    }

    #[test]
    fn swallowed_instructions() {
        check(
            "E050",
            "\
FROM a
RUN one && \\
  two \\

COPY a b
^^^^^^^^ `COPY` behind it, which becomes a part of the RUN
",
        );
        assert_eq!(fixed("E050", "FROM a\nRUN one \\\n\nCOPY a b\n"), "FROM a\nRUN one\n\nCOPY a b\n");
        let text = "FROM a\nRUN one #&& \\\n # two && \\\n\nCOPY a b\n";
        assert_eq!(fixed("E050", text), "FROM a\nRUN one #&&\n # two && \\\n\nCOPY a b\n");
        assert_eq!(fixed("E050", "FROM a\nRUN one \\\n\n  COPY a b\n"), "FROM a\nRUN one \\\n  COPY a b\n");
    }

    #[test]
    fn fix() {
        let text = "FROM a\r\nRUN a \\\r\n\r\n# c\r\n \r\n  b\r\n";
        assert_eq!(fixed("E050", text), "FROM a\r\nRUN a \\\r\n# c\r\n  b\r\n");
        assert_eq!(fixed("E050", "FROM a\nRUN a \\\n\n"), "FROM a\nRUN a \\\n");
    }
}
