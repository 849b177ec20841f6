//! Lines and columns of byte offsets, as people and JSON readers count them.

use std::ops::Range;

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1. Only line feeds end a line, as in BuildKit.
    pub line: usize,
    /// The column, from 1, in Unicode scalar values; a byte order mark is one.
    pub column: usize,
}

/// The lines of a text.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// Where each line starts, in bytes.
    starts: Vec<usize>,
    /// Whether characters are bytes, so that columns need no counting.
    ascii: bool,
}

impl<'a> Lines<'a> {
    /// Finds the lines.
    pub fn new(text: &'a str) -> Lines<'a> {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(ends).collect(), ascii: text.is_ascii() }
    }

    /// The text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// How many lines there are; the empty one behind a final line feed counts.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The number of the line, from 0, that holds a byte offset; offsets past the end are on the last line.
    pub fn line_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The bytes of a line, from 0, its line feed included; empty past the end.
    pub fn range(&self, line: usize) -> Range<usize> {
        let end = self.text.len();
        let start = self.starts.get(line).copied().unwrap_or(end);
        start..self.starts.get(line + 1).copied().unwrap_or(end)
    }

    /// The place of a byte offset. One inside a character is the place of that character, one past the end that of the end.
    pub fn place(&self, at: usize) -> Place {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.line_of(at);
        let start = self.range(line).start;
        let column = match self.text.get(start..at) {
            Some(before) if !self.ascii => before.chars().count(),
            _ => at - start,
        };
        Place { line: line + 1, column: column + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, at: usize) -> (usize, usize) {
        let place = Lines::new(text).place(at);
        (place.line, place.column)
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(place("ab\ncd", 0), (1, 1));
        assert_eq!(place("ab\ncd", 2), (1, 3), "the line feed is on its own line");
        assert_eq!(place("ab\ncd", 3), (2, 1));
        assert_eq!(place("ab\ncd", 99), (2, 3));
        assert_eq!(place("ab\n", 3), (2, 1));
    }

    #[test]
    fn columns_are_scalar_values() {
        let text = "é😀e\u{301}x";
        assert_eq!(place(text, 2), (1, 2), "behind é");
        assert_eq!(place(text, 6), (1, 3), "an emoji is one, not two");
        assert_eq!(place(text, 9), (1, 5), "a combining accent is one of its own");
        assert_eq!(place(text, 4), (1, 2), "inside the emoji is the emoji");
    }

    #[test]
    fn only_line_feeds_end_lines() {
        assert_eq!(place("a\rb\u{2028}c\r\nd", 2), (1, 3));
        assert_eq!(place("a\r\nb", 3), (2, 1));
    }
}
