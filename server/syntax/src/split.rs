//! Splitting one logical line into keyword, flags and arguments, as BuildKit's parser does.
//!
//! Source: frontend/dockerfile/parser/{split_command,line_parsers}.go. Ranges are byte ranges in the
//! logical line that is passed in.

use std::ops::Range;

/// A piece of the logical line: the value that BuildKit sees and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) value: String,
    pub(crate) range: Range<usize>,
}

impl Piece {
    fn verbatim(line: &str, range: Range<usize>) -> Piece {
        Piece { value: line[range.clone()].to_owned(), range }
    }
}

/// White space between a keyword and what follows; Go's `[\t\v\f\r ]`, so no newline and no U+00A0.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' ')
}

/// What [`command`] finds.
pub(crate) struct Command {
    pub(crate) keyword: Piece,
    pub(crate) flags: Vec<Piece>,
    /// The rest, trimmed.
    pub(crate) rest: Range<usize>,
}

/// Splits `line` (or the part of it in `within`) into keyword, flags and the trimmed rest.
pub(crate) fn command(line: &str, within: Range<usize>) -> Command {
    let within = trim(line, within);
    let bytes = line.as_bytes();
    let mut at = within.start;
    while at < within.end && !is_blank(bytes[at]) {
        at += 1;
    }
    let keyword = Piece::verbatim(line, within.start..at);
    while at < within.end && is_blank(bytes[at]) {
        at += 1;
    }
    let (flags, rest) = flags(line, at..within.end);
    Command { keyword, flags, rest: trim(line, rest) }
}

/// `range` without the Unicode white space at both ends.
pub(crate) fn trim(line: &str, range: Range<usize>) -> Range<usize> {
    let text = &line[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    let end = (range.start + text.trim_end().len()).max(start);
    start..end
}

/// The builder flags (`--name=value`) at the start of an instruction's arguments, quotes and escapes taken
/// out, and what follows them. A lone `--` ends the flags.
fn flags(line: &str, within: Range<usize>) -> (Vec<Piece>, Range<usize>) {
    let bytes = line.as_bytes();
    let end = within.end;
    // BuildKit walks bytes and widens each to a rune, so U+0085 and U+00A0 count as space here.
    let is_space = |b: u8| matches!(b, b'\t'..=b'\r' | b' ' | 0x85 | 0xA0);
    let mut found = Vec::new();
    let mut pos = within.start;
    loop {
        while pos < end && is_space(bytes[pos]) {
            pos += 1;
        }
        if pos >= end {
            return (found, end..end);
        }
        if !bytes[pos..end].starts_with(b"--") {
            while !line.is_char_boundary(pos) {
                pos += 1;
            }
            return (found, pos..end);
        }
        let start = pos;
        let mut word = String::new();
        let mut quote: Option<u8> = None;
        while pos < end {
            let byte = bytes[pos];
            match quote {
                None if is_space(byte) => break,
                None if byte == b'\'' || byte == b'"' => quote = Some(byte),
                Some(q) if byte == q => quote = None,
                _ if byte == b'\\' => {
                    // An escape at the very end is dropped.
                    if pos + 1 < end {
                        pos += 1;
                        word.push(char::from(bytes[pos]));
                    }
                }
                _ => word.push(char::from(byte)),
            }
            pos += 1;
        }
        let pos_end = ceil_boundary(line, pos);
        if word == "--" {
            return (found, pos_end..end);
        }
        found.push(Piece { value: word, range: start..pos_end });
    }
}

fn ceil_boundary(line: &str, mut pos: usize) -> usize {
    while !line.is_char_boundary(pos) {
        pos += 1;
    }
    pos
}

/// Splits at runs of blanks, nothing else (`parseStringsWhitespaceDelimited`). An empty text has no words.
pub(crate) fn by_blanks(line: &str, within: Range<usize>) -> Vec<Piece> {
    let mut words = Vec::new();
    if within.is_empty() {
        return words;
    }
    let bytes = line.as_bytes();
    let mut start = within.start;
    let mut pos = within.start;
    while pos < within.end {
        if is_blank(bytes[pos]) {
            words.push(Piece::verbatim(line, start..pos));
            while pos < within.end && is_blank(bytes[pos]) {
                pos += 1;
            }
            start = pos;
        } else {
            pos += 1;
        }
    }
    words.push(Piece::verbatim(line, start..within.end));
    words
}

/// Splits into two at the first run of blanks, as the legacy `ENV name value` form needs.
pub(crate) fn in_two(line: &str, within: Range<usize>) -> Option<(Piece, Piece)> {
    let bytes = line.as_bytes();
    let gap = (within.start..within.end).find(|&i| is_blank(bytes[i]))?;
    let mut after = gap;
    while after < within.end && is_blank(bytes[after]) {
        after += 1;
    }
    Some((Piece::verbatim(line, within.start..gap), Piece::verbatim(line, after..within.end)))
}

/// Words separated by white space, quotes respected and kept (`parseWords`).
pub(crate) fn quoted_words(line: &str, within: Range<usize>, escape: char) -> Vec<Piece> {
    let text = &line[within.clone()];
    let mut words = Vec::new();
    let mut value = String::new();
    let mut start = None;
    let mut blank_ok = false;
    let mut quote: Option<char> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, ch)) = chars.next() {
        match quote {
            None => {
                if ch.is_whitespace() {
                    if let Some(from) = start.take() {
                        if blank_ok || !value.is_empty() {
                            let range = within.start + from..within.start + at;
                            words.push(Piece { value: std::mem::take(&mut value), range });
                        }
                        value.clear();
                        blank_ok = false;
                    }
                    continue;
                }
                if start.is_none() {
                    start = Some(at);
                }
                if ch == '\'' || ch == '"' {
                    quote = Some(ch);
                    blank_ok = true;
                }
                if ch == escape {
                    // An escape at the end of the line is dropped; elsewhere it and its character stay.
                    let Some((_, next)) = chars.next() else { break };
                    value.push(ch);
                    value.push(next);
                } else {
                    value.push(ch);
                }
            }
            Some(q) => {
                if ch == q {
                    quote = None;
                }
                if ch == escape && q != '\'' {
                    let Some((_, next)) = chars.next() else { break };
                    value.push(ch);
                    value.push(next);
                } else {
                    value.push(ch);
                }
            }
        }
    }
    if let Some(from) = start
        && (blank_ok || !value.is_empty())
    {
        words.push(Piece { value, range: within.start + from..within.end });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pieces: &[Piece]) -> Vec<&str> {
        pieces.iter().map(|p| p.value.as_str()).collect()
    }

    #[test]
    fn commands() {
        let line = "COPY --from=x --chown=\"a b\" --link  src dst ";
        let c = command(line, 0..line.len());
        assert_eq!(c.keyword.value, "COPY");
        assert_eq!(values(&c.flags), ["--from=x", "--chown=a b", "--link"]);
        assert_eq!(&line[c.flags[1].range.clone()], "--chown=\"a b\"");
        assert_eq!(&line[c.rest], "src dst");
        let line = "RUN -- --x";
        let c = command(line, 0..line.len());
        assert!(c.flags.is_empty());
        assert_eq!(&line[c.rest], "--x");
        let line = "RUN --";
        assert!(command(line, 0..line.len()).flags.is_empty());
        let line = "FROM\u{a0}x";
        assert_eq!(command(line, 0..line.len()).keyword.value, "FROM\u{a0}x");
    }

    #[test]
    fn flags_walk_bytes() {
        // U+00E0 is C3 A0: BuildKit sees a space in its second byte.
        let line = "COPY --chown=\u{e0}b c d";
        let c = command(line, 0..line.len());
        assert_eq!(values(&c.flags), ["--chown=\u{c3}"]);
        assert_eq!(&line[c.rest], "b c d");
    }

    #[test]
    fn words_keep_quotes() {
        let words = |t: &str| values(&quoted_words(t, 0..t.len(), '\\')).join("|");
        assert_eq!(words("a=b  'c d' \"e\\\"f\""), "a=b|'c d'|\"e\\\"f\"");
        assert_eq!(words("a\\ b c\\"), "a\\ b|c");
        assert_eq!(words("'a b"), "'a b");
        assert_eq!(words("\\"), "");
        assert_eq!(words("a '' b"), "a|''|b");
    }
}
