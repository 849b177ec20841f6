//! The text of a document: a rope behind byte offsets, and the one place that turns a byte offset into a line and a
//! character, in whichever unit the reader counts.
//!
//! Every offset that goes in or comes out is a byte offset from 0 into the UTF-8 text; ranges are half-open. An offset
//! that lies inside a character is rounded down to the character's first byte, one past the end to the end, so no
//! function here panics.
//!
//! Lines are those of the Language Server Protocol (3.17, "Text Documents"): they end at LF, CRLF and lone CR, and at
//! nothing else. tree-sitter counts only LF, so its `Point`s must never be read back; BuildKit's lines (LF only) are
//! the line layer's business.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use ropey::Rope;

/// The unit in which [`Position::character`] counts (LSP 3.17, `PositionEncodingKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16: a character outside the basic plane counts two.
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

/// A place in a text as a line and a character within it, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 0, where lines end at LF, CRLF and lone CR.
    pub line: u32,
    /// The distance from the line's start, from 0, in units of an [`Encoding`].
    pub character: u32,
}

/// An edit's range does not fit the text: it starts after its end, ends after the text, or cuts a character in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRange {
    /// The range that was asked for, in bytes.
    pub range: Range<usize>,
    /// The length of the text, in bytes.
    pub len: usize,
}

impl fmt::Display for BadRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BadRange { range, len } = self;
        write!(f, "bytes {}..{} are no range of whole characters in {len} bytes", range.start, range.end)
    }
}

impl std::error::Error for BadRange {}

/// A text that is cheap to clone (the clones share their pieces) and to edit (logarithmic in its length).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    rope: Rope,
}

impl Text {
    /// A text with the content `text`, kept byte for byte: a BOM and the line breaks stay as they are.
    pub fn new(text: &str) -> Self {
        Self { rope: Rope::from_str(text) }
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.rope.len_bytes()
    }

    /// Whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of lines: one more than there are line breaks, so 1 for the empty text.
    pub fn line_count(&self) -> usize {
        self.rope.len_lines()
    }

    /// The text in `range` (bytes), borrowed where it lies in one piece of the rope. The range's ends are clamped to
    /// the text and rounded down to characters; a range that starts after its end gives the empty string.
    pub fn slice(&self, range: Range<usize>) -> Cow<'_, str> {
        let start = self.byte_to_char_boundary(range.start);
        let end = self.byte_to_char_boundary(range.end);
        match self.rope.get_byte_slice(start..end.max(start)) {
            Some(slice) => slice.into(),
            None => Cow::Borrowed(""),
        }
    }

    /// Puts `new` in the place of `range` (bytes).
    ///
    /// # Errors
    /// [`BadRange`], with the text left as it was, if the range starts after its end, ends after the text, or does not
    /// start and end between two characters: rounding here would give a text that its owner does not have.
    pub fn replace(&mut self, range: Range<usize>, new: &str) -> Result<(), BadRange> {
        let fits = range.start <= range.end
            && range.end <= self.len()
            && self.byte_to_char_boundary(range.start) == range.start
            && self.byte_to_char_boundary(range.end) == range.end;
        if !fits {
            return Err(BadRange { range, len: self.len() });
        }
        let start = self.rope.byte_to_char(range.start);
        if !range.is_empty() {
            let end = self.rope.byte_to_char(range.end);
            self.rope.remove(start..end);
        }
        if !new.is_empty() {
            self.rope.insert(start, new);
        }
        Ok(())
    }

    /// The bytes from offset `byte` to the end of the rope piece that holds it; empty at the end of the text and
    /// beyond. It is what tree-sitter's read callback wants, and is not rounded to characters: that callback may start
    /// anywhere.
    pub fn chunk_at(&self, byte: usize) -> &[u8] {
        match self.rope.get_chunk_at_byte(byte) {
            Some((chunk, start, _, _)) => chunk.as_bytes().get(byte - start..).unwrap_or_default(),
            None => &[],
        }
    }

    /// The piece of the rope that holds the offset `byte`, and the offset of its first byte; `None` at the end of the
    /// text and beyond.
    pub(crate) fn piece_at(&self, byte: usize) -> Option<(&str, usize)> {
        let (chunk, start, _, _) = self.rope.get_chunk_at_byte(byte).filter(|_| byte < self.len())?;
        Some((chunk, start))
    }

    /// The pieces of the rope in order; joined they are the text.
    pub fn chunks(&self) -> impl Iterator<Item = &str> {
        self.rope.chunks()
    }

    /// The byte at offset `byte`, or `None` at the end of the text and beyond.
    pub fn byte(&self, byte: usize) -> Option<u8> {
        self.rope.get_byte(byte)
    }

    /// The greatest offset that is at most `byte` and lies between two characters (or at an end of the text).
    pub fn byte_to_char_boundary(&self, byte: usize) -> usize {
        match self.rope.try_byte_to_char(byte) {
            Ok(char) => self.rope.char_to_byte(char),
            Err(_) => self.len(),
        }
    }

    /// The line (from 0) that holds the offset `byte`; a line break belongs to the line that it ends.
    pub fn line_of(&self, byte: usize) -> usize {
        self.rope.byte_to_line(byte.min(self.len()))
    }

    /// The offset of the first byte of `line` (from 0), or the text's length for a line past the end.
    pub fn line_start(&self, line: usize) -> usize {
        self.rope.try_line_to_byte(line).unwrap_or(self.len())
    }

    /// The offset at which the content of `line` (from 0) ends, before its line break; the text's length for the last
    /// line and for lines past the end.
    pub fn line_end(&self, line: usize) -> usize {
        let start = self.line_start(line);
        let end = self.line_start(line.saturating_add(1));
        if line.saturating_add(1) >= self.line_count() {
            return end;
        }
        // A line that another one follows ends in a break: CRLF, LF or CR.
        let last = end.saturating_sub(1);
        let crlf = self.byte(last) == Some(b'\n') && last > start && self.byte(last - 1) == Some(b'\r');
        if crlf { last - 1 } else { last }
    }

    /// The line and character of the offset `byte`. Between the CR and the LF of one CRLF there is no position; the
    /// line's end stands for it.
    pub fn position_at(&self, byte: usize, encoding: Encoding) -> Position {
        let line = self.line_of(byte);
        if let Some(character) = self.ascii_before(byte) {
            return Position { line: saturate(line), character: saturate(character) };
        }
        let start = self.line_start(line);
        let byte = self.byte_to_char_boundary(byte).min(self.line_end(line));
        let character = match encoding {
            Encoding::Utf8 => byte - start,
            Encoding::Utf32 => self.rope.byte_to_char(byte) - self.rope.byte_to_char(start),
            Encoding::Utf16 => self.utf16_of(byte) - self.utf16_of(start),
        };
        Position { line: saturate(line), character: saturate(character) }
    }

    /// How many bytes stand between the start of a line and `byte`, if that can be told from the piece of the rope that it
    /// is in and all of them are ASCII, which count the same in every encoding: nearly every place of a Dockerfile.
    fn ascii_before(&self, byte: usize) -> Option<usize> {
        if byte > self.len() {
            return None;
        }
        let (chunk, start, _, _) = self.rope.chunk_at_byte(byte);
        let before = chunk.as_bytes().get(..byte - start)?;
        let line_break = before.iter().rposition(|b| matches!(b, b'\n' | b'\r'))?;
        let content = &before[line_break + 1..];
        // Right behind a CR there may be the LF of the same break.
        let known = before[line_break] == b'\n' || !content.is_empty();
        (known && content.is_ascii()).then_some(content.len())
    }

    /// The byte offset of `position`. As LSP has it, a character past the line's content stands for the end of that
    /// content, before the line break, and a line past the end for the end of the text. A position inside a character
    /// (a UTF-8 sequence, a surrogate pair) is rounded down to its start.
    pub fn offset_at(&self, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.line_count() {
            return self.len();
        }
        let start = self.line_start(line);
        let end = self.line_end(line);
        let character = position.character as usize;
        match encoding {
            Encoding::Utf8 => self.byte_to_char_boundary(start.saturating_add(character).min(end)),
            Encoding::Utf32 => {
                let char = self.rope.byte_to_char(start).saturating_add(character);
                self.rope.char_to_byte(char.min(self.rope.byte_to_char(end)))
            }
            Encoding::Utf16 => {
                let unit = self.utf16_of(start).saturating_add(character).min(self.utf16_of(end));
                self.rope.char_to_byte(self.rope.utf16_cu_to_char(unit))
            }
        }
    }

    /// The number of UTF-16 code units before `byte`, which is at most the text's length.
    fn utf16_of(&self, byte: usize) -> usize {
        self.rope.char_to_utf16_cu(self.rope.byte_to_char(byte))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.rope == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.rope == **other
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    /// The same answers from a plain string, by reading it from the start each time.
    mod naive {
        use super::*;

        /// Each line's content, as a byte range, without its break.
        pub(super) fn lines(text: &str) -> Vec<Range<usize>> {
            let bytes = text.as_bytes();
            let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
            while at < bytes.len() {
                let next = match bytes[at] {
                    b'\r' if bytes.get(at + 1) == Some(&b'\n') => at + 2,
                    b'\r' | b'\n' => at + 1,
                    _ => {
                        at += 1;
                        continue;
                    }
                };
                lines.push(start..at);
                (start, at) = (next, next);
            }
            lines.push(start..bytes.len());
            lines
        }

        pub(super) fn floor(text: &str, byte: usize) -> usize {
            (0..=byte.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
        }

        pub(super) fn units(char: char, encoding: Encoding) -> usize {
            match encoding {
                Encoding::Utf8 => char.len_utf8(),
                Encoding::Utf16 => char.len_utf16(),
                Encoding::Utf32 => 1,
            }
        }

        pub(super) fn position_at(text: &str, byte: usize, encoding: Encoding) -> Position {
            let lines = lines(text);
            let byte = floor(text, byte);
            let line = lines.iter().rposition(|line| line.start <= byte).unwrap_or(0);
            let content = lines[line].start..byte.min(lines[line].end);
            let character = text[content].chars().map(|char| units(char, encoding)).sum::<usize>();
            Position { line: line as u32, character: character as u32 }
        }

        pub(super) fn offset_at(text: &str, position: Position, encoding: Encoding) -> usize {
            let lines = lines(text);
            let Some(line) = lines.get(position.line as usize) else { return text.len() };
            let (mut at, mut left) = (line.start, position.character as usize);
            for char in text[line.clone()].chars() {
                let units = units(char, encoding);
                if units > left {
                    break;
                }
                left -= units;
                at += char.len_utf8();
            }
            at
        }
    }

    /// Texts made of what breaks position arithmetic: every kind of break, what is no break here (VT, FF, NEL, U+2028,
    /// U+2029), one to four bytes a character, a BOM, combining marks. Long ones span several pieces of the rope.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => Just("\n"), 3 => Just("\r\n"), 3 => Just("\r"),
            1 => Just("\u{b}"), 1 => Just("\u{c}"), 1 => Just("\u{85}"), 1 => Just("\u{2028}"), 1 => Just("\u{2029}"),
            1 => Just("\u{feff}"), 2 => Just("é"), 2 => Just("語"), 3 => Just("🐳"), 1 => Just("e\u{301}"),
            3 => Just("RUN apt-get update \\"), 2 => Just(" "), 2 => Just("x"),
        ];
        prop_oneof![
            3 => proptest::collection::vec(piece.clone(), 0..24),
            1 => proptest::collection::vec(piece, 200..900),
        ]
        .prop_map(|pieces| pieces.concat())
    }

    fn check(text: &Text, model: &str, byte: usize, position: Position) -> Result<(), TestCaseError> {
        prop_assert_eq!(text.len(), model.len());
        prop_assert_eq!(text.byte_to_char_boundary(byte), naive::floor(model, byte));
        prop_assert_eq!(text.chunk_at(byte).first(), model.as_bytes().get(byte));
        prop_assert_eq!(text.byte(byte), model.as_bytes().get(byte).copied());
        let lines = naive::lines(model);
        prop_assert_eq!(text.line_count(), lines.len());
        let line = position.line as usize;
        let expected = lines.get(line).cloned().unwrap_or(model.len()..model.len());
        prop_assert_eq!(text.line_start(line)..text.line_end(line), expected);
        for encoding in ENCODINGS {
            let at = text.position_at(byte, encoding);
            prop_assert_eq!(at, naive::position_at(model, byte, encoding));
            prop_assert_eq!(at.line as usize, text.line_of(byte));
            prop_assert_eq!(text.offset_at(position, encoding), naive::offset_at(model, position, encoding));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn agrees_with_the_naive_text(
            model in text(), byte in 0usize..12_000, line in 0u32..600, character in 0u32..80, end in 0usize..12_000,
        ) {
            let text = Text::new(&model);
            let byte = byte % (model.len() + 2);
            let line = line % (naive::lines(&model).len() as u32 + 2);
            check(&text, &model, byte, Position { line, character })?;
            check(&text, &model, byte, Position { line: u32::MAX, character: u32::MAX })?;
            check(&text, &model, byte, Position { line, character: u32::MAX })?;
            let end = end % (model.len() + 2);
            let (from, to) = (naive::floor(&model, byte), naive::floor(&model, end));
            let expected = if from <= to { &model[from..to] } else { "" };
            prop_assert_eq!(text.slice(Range { start: byte, end }), expected);
        }

        #[test]
        fn edits_give_the_text_that_a_string_gives(
            start in text(),
            edits in proptest::collection::vec((0usize..12_000, 0usize..60, text(), 0u32..40), 1..30),
        ) {
            let mut model = start;
            let mut text = Text::new(&model);
            let before = (text.clone(), model.clone());
            for (at, length, new, character) in edits {
                let at = at % (model.len() + 1);
                let range = at..at + length;
                let expected = range.end <= model.len()
                    && model.is_char_boundary(range.start)
                    && model.is_char_boundary(range.end);
                let done = text.replace(range.clone(), &new);
                prop_assert_eq!(done.is_ok(), expected);
                if expected {
                    model.replace_range(range, &new);
                }
                prop_assert_eq!(&text.to_string(), &model);
                let line = naive::position_at(&model, at, Encoding::Utf8).line;
                check(&text, &model, at, Position { line, character })?;
            }
            // A clone is a snapshot: later edits do not reach it.
            prop_assert!(before.0 == before.1.as_str());
        }
    }

    #[test]
    fn breaks_are_those_of_lsp() {
        let text = Text::new("a\nb\r\nc\rd\u{2028}e\u{b}f\u{c}g\u{85}h");
        assert_eq!(text.line_count(), 4);
        assert_eq!((text.line_start(3), text.line_of(7)), (7, 3));
        assert_eq!(text.line_end(1), 3);
    }

    #[test]
    fn a_position_in_a_surrogate_pair_rounds_down() {
        let text = Text::new("a🐳b");
        let at = |character, encoding| text.offset_at(Position { line: 0, character }, encoding);
        assert_eq!((at(1, Encoding::Utf16), at(2, Encoding::Utf16), at(3, Encoding::Utf16)), (1, 1, 5));
        assert_eq!((at(1, Encoding::Utf8), at(4, Encoding::Utf8), at(5, Encoding::Utf8)), (1, 1, 5));
        assert_eq!((at(1, Encoding::Utf32), at(2, Encoding::Utf32), at(9, Encoding::Utf32)), (1, 5, 6));
    }

    #[test]
    fn a_range_that_does_not_fit_changes_nothing() {
        let mut text = Text::new("a🐳");
        for range in [Range { start: 1, end: 0 }, 0..6, 2..5, 1..3, 7..9] {
            assert_eq!(text.replace(range.clone(), "x"), Err(BadRange { range, len: 5 }));
        }
        assert!(text == "a🐳");
    }
}
