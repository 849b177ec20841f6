//! A unified diff of a file before and after an edit.

use std::ops::Range;
use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// When to take a diff that is right for one that is also small.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The unified diff, as `patch` reads it; empty if the texts are equal. `file` stands in the header behind `a/` and
/// `b/`. With `styled`, with ANSI escapes for a terminal, and control characters shown as stand-ins.
pub fn unified(file: &str, before: &str, after: &str, styled: bool) -> String {
    if before == after {
        return String::new();
    }
    // Split at line feeds alone: a lone carriage return is part of a line, for patch too.
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(TIMEOUT).diff_slices(&old, &new);
    let paint = |style: &str, line: &str| {
        if styled { format!("\x1b[{style}m{line}\x1b[0m\n") } else { format!("{line}\n") }
    };
    let file = file.trim_start_matches('/');
    let mut out = paint("1", &format!("--- a/{file}"));
    out.push_str(&paint("1", &format!("+++ b/{file}")));
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        out.push_str(&paint("36", &hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', "31"),
                ChangeTag::Insert => ('+', "32"),
                ChangeTag::Equal => (' ', "0"),
            };
            let line = change.value();
            let body = line.strip_suffix('\n').unwrap_or(line);
            if styled {
                let safe = annotate_snippets::normalize_untrusted_str(body.trim_end_matches('\r'));
                out.push_str(&paint(style, &format!("{sign}{safe}")));
            } else {
                out.push_str(&format!("{sign}{body}\n"));
            }
            if body.len() == line.len() {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// What makes `after` of `before`: the bytes that go, which are whole lines, and the text that comes, in order.
pub fn edits(before: &str, after: &str) -> Vec<(Range<usize>, String)> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(TIMEOUT).diff_slices(&old, &new);
    let mut at = 0;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut open = false;
    for change in diff.iter_all_changes() {
        let line = change.value();
        let start = at;
        if change.tag() != ChangeTag::Insert {
            at += line.len();
        }
        if change.tag() == ChangeTag::Equal {
            open = false;
            continue;
        }
        if !open {
            edits.push((start..start, String::new()));
            open = true;
        }
        if let Some((range, text)) = edits.last_mut() {
            range.end = at;
            if change.tag() == ChangeTag::Insert {
                text.push_str(line);
            }
        }
    }
    edits
}

/// The lines of `after` (from 0, half-open) that are not in `before`.
pub fn changed_lines(before: &str, after: &str) -> Vec<Range<usize>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).timeout(TIMEOUT).diff_slices(&old, &new);
    let mut found: Vec<Range<usize>> = Vec::new();
    for change in diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Insert) {
        let Some(line) = change.new_index() else { continue };
        match found.last_mut() {
            Some(range) if range.end == line => range.end = line + 1,
            _ => found.push(line..line + 1),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_make_the_new_text_of_the_old() {
        for (before, after) in [
            ("", ""),
            ("", "a\n"),
            ("a\nb\nc\n", "a\nx\nc\n"),
            ("a\nb", "b\r\na"),
            ("1\n2\n3\n4\n5\n", "0\n1\n3\nx\ny\n5\n6"),
        ] {
            let (mut out, mut at) = (String::new(), 0);
            for (range, text) in edits(before, after) {
                out.push_str(&before[at..range.start]);
                out.push_str(&text);
                at = range.end;
            }
            out.push_str(&before[at..]);
            assert_eq!(out, after);
        }
        assert_eq!(edits("a\nb\nc\n", "a\nx\nc\n"), [(2..4, "x\n".to_owned())]);
    }

    #[test]
    fn lines_that_are_new() {
        assert_eq!(changed_lines("a\nb\nc\n", "a\nx\ny\nc\nd"), [1..3, 4..5]);
        assert!(changed_lines("a\nb\n", "b\r\n").is_empty());
        assert_eq!(changed_lines("", "a\nb").first(), Some(&(0..2)));
    }

    #[test]
    fn a_change_with_its_surroundings() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace("5\n", "five\n");
        let expected = "--- a/d/F\n+++ b/d/F\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(unified("d/F", before, &after, false), expected);
        assert_eq!(unified("d/F", before, before, true), "");
    }

    #[test]
    fn a_missing_final_line_feed_is_said_and_line_ends_are_kept() {
        let expected = "--- a/F\n+++ b/F\n@@ -1,2 +1,2 @@\n a\r\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n";
        assert_eq!(unified("/F", "a\r\nb", "a\r\nc", false), expected);
    }

    #[test]
    fn colours_come_with_control_characters_taken_out() {
        let diff = unified("F", "a\x1b[2J\n", "b\n", true);
        assert!(diff.contains("\x1b[31m-a"));
        assert!(!diff.contains("\x1b[2J"));
    }
}
