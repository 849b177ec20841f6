//! Findings for people: the message, the source line, a caret.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use layerwise_analysis::{Diagnostic, Severity};

use crate::place::Lines;

/// Lines that are shown of one place; a longer one is marked on its first line only.
const MAX_LINES: usize = 8;
/// Bytes that are shown of one place: beyond, a line is data, not something to read.
const MAX_BYTES: usize = 4_096;
/// Other places that are shown with one finding.
const MAX_RELATED: usize = 4;
/// Findings that are shown for one file.
const MAX_FINDINGS: usize = 1_000;
/// Characters of a message.
const MAX_MESSAGE: usize = 1_000;
/// Columns of a snippet.
const WIDTH: usize = 120;

/// The findings of one file, each followed by an empty line. With `styled`, with ANSI escapes for a terminal.
///
/// Control characters of the file are shown as stand-ins, so that a Dockerfile cannot drive the terminal. Beyond 1,000
/// findings only their number is given.
pub fn findings(file: &str, lines: &Lines<'_>, diagnostics: &[Diagnostic], styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(WIDTH);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MAX_FINDINGS) {
        out.push_str(&one(&renderer, file, lines, diagnostic));
        out.push_str("\n\n");
    }
    let left = diagnostics.len().saturating_sub(MAX_FINDINGS);
    if left > 0 {
        out.push_str(&format!("{file}: {left} more findings are not shown\n\n"));
    }
    out
}

fn one(renderer: &Renderer, file: &str, lines: &Lines<'_>, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
        Severity::Hint => Level::NOTE.with_name("hint"),
    };
    let place = |range: &Range<usize>, kind: AnnotationKind, label: Option<String>| {
        let (source, first, span) = shown(lines, range);
        Snippet::source(source)
            .line_start(first + 1)
            .path(file.to_owned())
            .fold(false)
            .annotation(kind.span(span).label(label))
    };
    let mut group: Group<'_> = level
        .primary_title(cut(&diagnostic.message))
        .id(diagnostic.rule)
        .element(place(&diagnostic.range, AnnotationKind::Primary, None));
    for (range, note) in diagnostic.related.iter().take(MAX_RELATED) {
        group = group.element(place(range, AnnotationKind::Context, Some(note.clone())));
    }
    for fix in &diagnostic.fixes {
        let title = format!("{} ({})", fix.title, fix.applicability.as_str());
        group = group.element(Level::HELP.message(title));
    }
    renderer.render(&[group])
}

/// A message, without the end of one that quotes a hostile file.
fn cut(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}...", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}

/// What is shown of a place: the source, the number of its first line (from 0), and the marked bytes in it.
fn shown<'a>(lines: &Lines<'a>, range: &Range<usize>) -> (&'a str, usize, Range<usize>) {
    let text = lines.text();
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, mut end) = (floor(range.start), floor(range.end.max(range.start)));
    let first = lines.line_of(start);
    // A range that ends with a line feed does not mark the line behind it.
    let mut last = lines.line_of(end.saturating_sub(1).max(start));
    if last - first >= MAX_LINES {
        last = first;
    }
    let from = lines.range(first).start;
    let mut to = lines.range(last).end;
    to = text.get(from..to).map_or(to, |s| from + s.trim_end_matches(['\n', '\r']).len());
    // The start of a long line may be dropped only together with its column; so its end goes.
    if to - from > MAX_BYTES {
        to = floor((start + MAX_BYTES).min(to)).max(start);
    }
    end = end.min(to).max(start.min(to));
    (text.get(from..to).unwrap_or_default(), first, start.min(to) - from..end - from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_analysis::{Applicability, Fix};

    fn diagnostic(range: Range<usize>) -> Diagnostic {
        Diagnostic {
            range,
            rule: "some-rule",
            code: "X001",
            severity: Severity::Warning,
            message: "Something is odd.".to_owned(),
            equivalents: &[],
            related: Vec::new(),
            fixes: Vec::new(),
            unnecessary: false,
            deprecated: false,
        }
    }

    fn render(text: &str, diagnostics: &[Diagnostic]) -> String {
        findings("a/Dockerfile", &Lines::new(text), diagnostics, false)
    }

    #[test]
    fn a_finding_shows_its_line_and_a_caret() {
        let text = "ARG A=1\nFROM é AS Build\n";
        let mut found = diagnostic(13..19);
        found.fixes = vec![Fix {
            title: "Rename it".to_owned(),
            applicability: Applicability::Safe,
            edits: Vec::new(),
        }];
        let expected = "\
warning[some-rule]: Something is odd.
 --> a/Dockerfile:2:6
  |
2 | FROM é AS Build
  |      ^^^^^
  |
  = help: Rename it (safe)

";
        assert_eq!(render(text, &[found]), expected);
    }

    #[test]
    fn any_range_in_any_text_can_be_shown() {
        let texts = [
            "",
            "\n",
            "\r\n",
            "a",
            "é\r\n😀\tx\0\u{1b}[31m\u{202e}y",
            "\u{feff}FROM a\r\r\nRUN b \\\n\n\n c",
            "a\n\n\n\n\n\n\n\n\n\n\nb",
        ];
        for text in texts {
            for start in 0..text.len() + 2 {
                for end in 0..text.len() + 3 {
                    let mut found = diagnostic(start..end);
                    found.related.push((end..start, "because".to_owned()));
                    let shown = render(text, &[found]);
                    assert!(shown.contains("Something is odd."), "{text:?} {start} {end}");
                }
            }
        }
    }

    #[test]
    fn a_file_cannot_drive_the_terminal() {
        let mut found = diagnostic(0..4);
        found.message = "odd \u{1b}[2J\u{7}".to_owned();
        let shown = render("RUN \u{1b}[31m\u{8}\u{202e} x\r\n", &[found]);
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{8}', '\u{202e}', '\r']), "{shown:?}");
    }

    #[test]
    fn hostile_lines_stay_small() {
        let long = "x".repeat(1 << 20);
        let shown = render(&long, &[diagnostic(0..1 << 20), diagnostic(1 << 19..1 << 20)]);
        assert!(shown.len() < 20_000, "{}", shown.len());
        let mut found = diagnostic(0..1);
        found.message = "é".repeat(100_000);
        assert!(render("a", &[found]).len() < 3_000);
        let many = "a\n".repeat(100_000);
        let shown = render(&many, &[diagnostic(0..many.len())]);
        assert!(shown.len() < 2_000, "{}", shown.len());
        let all = vec![diagnostic(0..1); 1_005];
        assert!(render("a\n", &all).contains("5 more findings"));
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        let lines = Lines::new("FROM a\n");
        assert!(findings("f", &lines, &[diagnostic(0..4)], true).contains('\u{1b}'));
        assert!(!findings("f", &lines, &[diagnostic(0..4)], false).contains('\u{1b}'));
    }
}
