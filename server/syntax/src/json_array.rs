//! The exec form: a JSON array of strings, read as Go's `encoding/json` reads it.
//!
//! BuildKit tries the exec form first and falls back to the shell form when the text is not JSON, so the
//! difference between "not JSON" and "JSON, but not only strings" matters: the second is an error.
//! Source: frontend/dockerfile/parser/line_parsers.go (`parseJSON`).

use std::ops::Range;

/// How deep arrays and objects may nest before Go's decoder gives up.
const MAX_DEPTH: usize = 10_000;

/// One string of the array: its value and its byte range in the given text, quotes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonString {
    pub(crate) value: String,
    pub(crate) range: Range<usize>,
}

/// Why a text is not an exec form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotExec {
    /// Not a JSON array: BuildKit takes the text as shell form (or words).
    NotJson,
    /// A JSON array with something else than strings in it: BuildKit refuses the instruction.
    NotStrings,
}

/// Reads `text` as a JSON array of strings. Leading white space is skipped, nothing may follow the array.
pub(crate) fn parse(text: &str) -> Result<Vec<JsonString>, NotExec> {
    let start = text.len() - text.trim_start().len();
    if !text[start..].starts_with('[') {
        return Err(NotExec::NotJson);
    }
    let mut reader = Reader { bytes: text.as_bytes(), text, pos: start + 1 };
    let mut strings = Vec::new();
    let mut only_strings = true;
    reader.space();
    if reader.peek() == Some(b']') {
        reader.pos += 1;
    } else {
        loop {
            reader.space();
            if reader.peek() == Some(b'"') {
                let from = reader.pos;
                let value = reader.string()?;
                strings.push(JsonString { value, range: from..reader.pos });
            } else {
                reader.value()?;
                only_strings = false;
            }
            reader.space();
            match reader.next() {
                Some(b',') => {}
                Some(b']') => break,
                _ => return Err(NotExec::NotJson),
            }
        }
    }
    reader.space();
    if reader.pos != text.len() {
        return Err(NotExec::NotJson);
    }
    if only_strings { Ok(strings) } else { Err(NotExec::NotStrings) }
}

/// The string at `name` in a text that is one JSON object; of several, the last. `None` for any other text.
pub(crate) fn string_member(text: &str, name: &str) -> Option<String> {
    let mut reader = Reader { bytes: text.as_bytes(), text, pos: 0 };
    let mut found = None;
    reader.space();
    if reader.next() != Some(b'{') {
        return None;
    }
    reader.space();
    if reader.peek() == Some(b'}') {
        reader.pos += 1;
    } else {
        loop {
            reader.space();
            if reader.peek() != Some(b'"') {
                return None;
            }
            let key = reader.string().ok()?;
            reader.space();
            if reader.next() != Some(b':') {
                return None;
            }
            reader.space();
            if reader.peek() == Some(b'"') {
                let value = reader.string().ok()?;
                if key == name {
                    found = Some(value);
                }
            } else {
                reader.value().ok()?;
                if key == name {
                    found = None;
                }
            }
            reader.space();
            match reader.next() {
                Some(b',') => {}
                Some(b'}') => break,
                _ => return None,
            }
        }
    }
    reader.space();
    if reader.pos == text.len() { found } else { None }
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    pos: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.pos += usize::from(byte.is_some());
        byte
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.pos += 1;
        }
    }

    fn string(&mut self) -> Result<String, NotExec> {
        self.pos += 1;
        let mut value = String::new();
        let mut plain = self.pos;
        loop {
            match self.next() {
                None | Some(0..0x20) => return Err(NotExec::NotJson),
                Some(b'"') => {
                    value.push_str(&self.text[plain..self.pos - 1]);
                    return Ok(value);
                }
                Some(b'\\') => {
                    value.push_str(&self.text[plain..self.pos - 1]);
                    let escaped = match self.next() {
                        Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
                        Some(b'b') => '\u{8}',
                        Some(b'f') => '\u{c}',
                        Some(b'n') => '\n',
                        Some(b'r') => '\r',
                        Some(b't') => '\t',
                        Some(b'u') => self.unicode_escape()?,
                        _ => return Err(NotExec::NotJson),
                    };
                    value.push(escaped);
                    plain = self.pos;
                }
                Some(_) => {}
            }
        }
    }

    /// Four hex digits after `\u`, and a second `\uXXXX` when they make a surrogate pair; a lone surrogate
    /// becomes U+FFFD, as in Go.
    fn unicode_escape(&mut self) -> Result<char, NotExec> {
        let first = self.hex4()?;
        if (0xD800..0xDC00).contains(&first) && self.bytes[self.pos..].starts_with(b"\\u") {
            let back = self.pos;
            self.pos += 2;
            let second = self.hex4()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.pos = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, NotExec> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|b| char::from(b).to_digit(16)).ok_or(NotExec::NotJson)?;
            code = code * 16 + digit;
        }
        Ok(code)
    }

    /// Skips one value of any kind without recursion, so that deep nesting costs no stack.
    fn value(&mut self) -> Result<(), NotExec> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'[') => {
                    self.pos += 1;
                    self.space();
                    if self.peek() == Some(b']') {
                        self.pos += 1;
                    } else if open.len() < MAX_DEPTH {
                        open.push(b']');
                        continue;
                    } else {
                        return Err(NotExec::NotJson);
                    }
                }
                Some(b'{') => {
                    self.pos += 1;
                    self.space();
                    if self.peek() == Some(b'}') {
                        self.pos += 1;
                    } else if open.len() < MAX_DEPTH {
                        open.push(b'}');
                        self.key()?;
                        continue;
                    } else {
                        return Err(NotExec::NotJson);
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => self.literal()?,
            }
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                self.space();
                match self.next() {
                    Some(b',') => {
                        if close == b'}' {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b) if b == close => {
                        open.pop();
                    }
                    _ => return Err(NotExec::NotJson),
                }
            }
        }
    }

    fn key(&mut self) -> Result<(), NotExec> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(NotExec::NotJson);
        }
        self.string()?;
        self.space();
        if self.next() == Some(b':') { Ok(()) } else { Err(NotExec::NotJson) }
    }

    fn literal(&mut self) -> Result<(), NotExec> {
        for word in ["true", "false", "null"] {
            if self.bytes[self.pos..].starts_with(word.as_bytes()) {
                self.pos += word.len();
                return Ok(());
            }
        }
        Err(NotExec::NotJson)
    }

    fn digits(&mut self) -> Result<(), NotExec> {
        let from = self.pos;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        if self.pos > from { Ok(()) } else { Err(NotExec::NotJson) }
    }

    fn number(&mut self) -> Result<(), NotExec> {
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<Vec<String>, NotExec> {
        parse(text).map(|v| v.into_iter().map(|s| s.value).collect())
    }

    #[test]
    fn strings() {
        let ok = |t: &str, want: &[&str]| assert_eq!(values(t).unwrap(), want, "{t}");
        ok("[]", &[]);
        ok(" [ ] ", &[]);
        ok(r#"["a", "b c"]"#, &["a", "b c"]);
        ok(r#"["\u00e9\n\"\\\/"]"#, &["é\n\"\\/"]);
        ok(r#"["\ud83d\ude00", "\ud83d", "\ud83dx"]"#, &["😀", "\u{fffd}", "\u{fffd}x"]);
    }

    #[test]
    fn ranges_cover_the_quotes() {
        let text = r#"[ "a" ,"é"]"#;
        let found = parse(text).unwrap();
        assert_eq!(&text[found[0].range.clone()], "\"a\"");
        assert_eq!(&text[found[1].range.clone()], "\"é\"");
    }

    #[test]
    fn not_json_is_shell_form() {
        for text in [
            "",
            "a",
            "[",
            "['a']",
            r#"["a",]"#,
            r#"["a"] && b"#,
            "[\"a\nb\"]",
            "[-]",
            "[01]",
            "[tru]",
            "[{]",
            "[{\"a\"}]",
        ] {
            assert_eq!(values(text), Err(NotExec::NotJson), "{text}");
        }
    }

    #[test]
    fn other_values_are_refused() {
        for text in ["[1]", "[null]", r#"["a", {"b": [1, -2.5e3, {}]}]"#, "[[[]]]", "[true,false]"] {
            assert_eq!(values(text), Err(NotExec::NotStrings), "{text}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("[{}{}]", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(values(&deep), Err(NotExec::NotJson));
    }
}
