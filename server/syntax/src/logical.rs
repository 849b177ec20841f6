//! A logical line: an instruction's lines joined as BuildKit joins them, with a way back to the source.

use std::ops::Range;

/// The joined text and, for each joined piece, where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logical {
    text: String,
    /// (offset in `text`, offset in the source) of each piece, ascending in both.
    pieces: Vec<(usize, usize)>,
}

impl Logical {
    /// The joined text: continuation characters, line breaks, and comment and empty lines are gone.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends a piece that stands at `source` in the source.
    pub(crate) fn push(&mut self, piece: &str, source: usize) {
        if !piece.is_empty() {
            self.pieces.push((self.text.len(), source));
            self.text.push_str(piece);
        }
    }

    fn piece_at(&self, offset: usize) -> Option<(usize, usize)> {
        let after = self.pieces.partition_point(|&(logical, _)| logical <= offset);
        self.pieces.get(after.checked_sub(1)?).copied()
    }

    /// Where the character at byte `offset` of the joined text stands in the source.
    pub fn source_offset(&self, offset: usize) -> usize {
        self.piece_at(offset).map_or(0, |(logical, source)| source + (offset - logical))
    }

    /// The offset in the joined text of the byte `source` of the source, or, where a piece ends there, of the end of
    /// that piece. `None` for what was left out: continuation characters, comment lines, line breaks.
    pub fn text_offset(&self, source: usize) -> Option<usize> {
        let after = self.pieces.partition_point(|&(_, start)| start <= source);
        let (logical, start) = self.pieces.get(after.checked_sub(1)?).copied()?;
        let end = self.pieces.get(after).map_or(self.text.len(), |&(next, _)| next);
        let offset = logical + (source - start);
        (offset <= end).then_some(offset)
    }

    /// The source range from the first to the last character of a range of the joined text. It may span
    /// continuations and comment lines.
    pub fn source_range(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            // An empty range sticks to the character before it, so that it does not jump over a continuation.
            let at = match range.start.checked_sub(1) {
                Some(before) if !self.text.is_empty() => {
                    let before = floor_boundary(&self.text, before.min(self.text.len() - 1));
                    self.source_offset(before) + char_len(&self.text, before)
                }
                _ => self.source_offset(range.start),
            };
            return at..at;
        }
        let last = floor_boundary(&self.text, range.end - 1);
        self.source_offset(range.start)..self.source_offset(last) + char_len(&self.text, last)
    }

    /// Whether a range of the joined text stands in one piece in the source.
    pub fn is_contiguous(&self, range: Range<usize>) -> bool {
        range.is_empty() || self.source_range(range.clone()).len() == range.len()
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}
