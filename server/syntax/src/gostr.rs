//! The few pieces of Go's standard library whose exact behaviour is visible in Docker's: character classes, quoting
//! in error messages, and `text/scanner`'s way of reading characters.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

static LETTER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{L}").expect("a constant pattern"));
static DIGIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{Nd}").expect("a constant pattern"));
static PRINT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\p{L}\p{M}\p{N}\p{P}\p{S}]").expect("a constant pattern"));

fn in_class(class: &Regex, ch: char) -> bool {
    class.is_match(ch.encode_utf8(&mut [0; 4]))
}

/// Go's `unicode.IsLetter`: general category L. Narrower than Rust's `char::is_alphabetic`, which also takes letter
/// numbers and combining vowel signs.
pub fn is_letter(ch: char) -> bool {
    if ch.is_ascii() { ch.is_ascii_alphabetic() } else { in_class(&LETTER, ch) }
}

/// Go's `unicode.IsDigit`: general category Nd. Narrower than Rust's `char::is_numeric`.
pub fn is_digit(ch: char) -> bool {
    if ch.is_ascii() { ch.is_ascii_digit() } else { in_class(&DIGIT, ch) }
}

/// Go's `unicode.IsSpace`: the White_Space property, which is what Rust's `char::is_whitespace` tests too.
pub fn is_space(ch: char) -> bool {
    ch.is_whitespace()
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and of the spaces only U+0020.
pub fn is_print(ch: char) -> bool {
    if ch.is_ascii() { matches!(ch, ' '..='~') } else { in_class(&PRINT, ch) }
}

/// Go's `%q` of a string: double quotes, with `\x`, `\u` and `\U` escapes for what is not printable.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for ch in text.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            _ if is_print(ch) => out.push(ch),
            _ => {
                let code = u32::from(ch);
                // Writing into a String cannot fail.
                let _ = match code {
                    0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                    0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Reads characters the way Go's `text/scanner.Scanner` does with `Peek` and `Next`: a byte order mark at the very
/// start is dropped; NUL and every other character pass.
#[derive(Debug, Clone)]
pub struct TextScanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> TextScanner<'a> {
    /// A scanner at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 } }
    }

    /// The next character, without taking it; `None` at the end.
    pub fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    /// Takes the next character; `None` at the end.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<char> {
        let ch = self.peek()?;
        self.at += ch.len_utf8();
        Some(ch)
    }

    /// Takes the next character if it is `wanted`.
    pub fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Byte offset of the next character in the text.
    pub fn offset(&self) -> usize {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_gos_not_rusts() {
        // Roman numeral one is Nl, the Devanagari vowel sign AA is Mc: alphabetic in Rust, no letters in Go.
        for (ch, letter, digit) in [
            ('a', true, false),
            ('_', false, false),
            ('7', false, true),
            ('한', true, false),
            ('\u{2160}', false, false),
            ('\u{93e}', false, false),
            ('٣', false, true),
            ('²', false, false),
            ('½', false, false),
        ] {
            assert_eq!((is_letter(ch), is_digit(ch)), (letter, digit), "{ch:?}");
        }
        for (ch, space) in
            [(' ', true), ('\u{85}', true), ('\u{a0}', true), ('\u{200b}', false), ('\u{feff}', false)]
        {
            assert_eq!(is_space(ch), space, "{ch:?}");
        }
    }

    #[test]
    fn quotes_like_percent_q() {
        for (text, quoted) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("say \"hi\"", r#""say \"hi\"""#),
            ("a\\b", r#""a\\b""#),
            ("\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
            ("\0\x1f\x7f", r#""\x00\x1f\x7f""#),
            ("\u{80}\u{a0}\u{feff}", r#""\u0080\u00a0\ufeff""#),
            ("\u{e0001}", r#""\U000e0001""#),
            ("héllo 世界", r#""héllo 世界""#),
            ("\u{fffd}", "\"\u{fffd}\""),
        ] {
            assert_eq!(quote(text), quoted, "{text:?}");
        }
    }

    #[test]
    fn one_byte_order_mark_is_dropped_at_the_start_only() {
        let read = |text: &str| {
            let mut scanner = TextScanner::new(text);
            std::iter::from_fn(|| scanner.next()).collect::<String>()
        };
        assert_eq!(read("\u{feff}ab"), "ab");
        assert_eq!(read("\u{feff}\u{feff}a"), "\u{feff}a");
        assert_eq!(read("a\u{feff}\0b"), "a\u{feff}\0b");
        assert_eq!(read(""), "");
    }
}
