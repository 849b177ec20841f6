//! Translates Go regular expressions, as moby/patternmatcher builds them, to the syntax of the `regex` crate.
//!
//! The two agree where both accept an expression that was written for both. These were not: patternmatcher writes
//! whatever stands behind a backslash in a `.dockerignore` pattern into its expression (`\d` means a digit, `\Q`
//! starts a literal, `\e` is an error), and replaces stars inside brackets too, so `[*]` becomes `[[^/]*]`, which Go
//! reads as a set, a star and a bracket, and the `regex` crate as a set within a set. Hence this small reader of Go's
//! syntax (regexp/syntax with its Perl flags), limited to what can occur: no `{n}` and no flags, because patternmatcher
//! escapes braces and parentheses.

use std::fmt::Write as _;

/// The expression is not valid in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Invalid;

/// The Rust expression, for `regex::bytes` (`\b` is ASCII-only in Go), that means the same as the Go expression `go`.
pub(crate) fn translate(go: &str) -> Result<String, Invalid> {
    // What a star runs over may be matched byte by byte, which takes a fraction of the memory: whatever follows it starts
    // with a whole character. Word boundaries alone could tell, between the bytes of one character.
    let bytewise = !go.contains("\\b") && !go.contains("\\B");
    let mut rest = go;
    let mut out = String::with_capacity(go.len() * 2);
    while let Some(ch) = rest.chars().next() {
        match ch {
            '[' | '.' if bytewise && (rest.starts_with("[^/]*") || rest.starts_with(".*")) => {
                let star = if ch == '[' { "[^/]*" } else { ".*" };
                // Writing into a String cannot fail.
                let _ = write!(out, "(?-u:{star})");
                rest = rest.get(star.len()..).unwrap_or_default();
            }
            '[' => rest = class(rest, &mut out)?,
            '\\' => rest = escape_outside(rest, &mut out)?,
            _ => {
                if matches!(ch, '(' | ')' | '*' | '?' | '+' | '|' | '.' | '^' | '$') {
                    out.push(ch);
                } else {
                    literal(ch, &mut out);
                }
                rest = skip(rest, ch);
            }
        }
    }
    Ok(out)
}

fn skip(text: &str, ch: char) -> &str {
    text.get(ch.len_utf8()..).unwrap_or_default()
}

fn literal(ch: char, out: &mut String) {
    out.push_str(&regex::escape(ch.encode_utf8(&mut [0; 4])));
}

/// An escape outside brackets; `rest` starts with its backslash. Returns what follows.
fn escape_outside<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, Invalid> {
    let behind = rest.get(1..).unwrap_or_default();
    let letter = behind.chars().next().ok_or(Invalid)?;
    let after = skip(behind, letter);
    let assertion = match letter {
        'A' => r"\A",
        'z' => r"\z",
        'b' => r"(?-u:\b)",
        'B' => r"(?-u:\B)",
        'Q' => {
            let (quoted, after) = after.split_once("\\E").unwrap_or((after, ""));
            quoted.chars().for_each(|ch| literal(ch, out));
            return Ok(after);
        }
        _ => {
            if let Some(after) = class_escape(rest, out)? {
                return Ok(after);
            }
            let (ch, after) = char_escape(rest)?;
            literal(ch, out);
            return Ok(after);
        }
    };
    out.push_str(assertion);
    Ok(after)
}

/// `\d`, `\pL` and the like, which may stand in brackets as well as outside; `None` if `rest` starts with no such.
fn class_escape<'a>(rest: &'a str, out: &mut String) -> Result<Option<&'a str>, Invalid> {
    let Some(behind) = rest.strip_prefix('\\') else { return Ok(None) };
    let Some(letter) = behind.chars().next() else { return Ok(None) };
    let mut after = skip(behind, letter);
    let set = match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\f\r ]",
        'S' => r"[^\t\n\f\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        'p' | 'P' => {
            // A brace cannot follow: patternmatcher escapes it.
            let category = after.chars().next().filter(|ch| "CLMNPSZ".contains(*ch)).ok_or(Invalid)?;
            after = skip(after, category);
            // Writing into a String cannot fail.
            let _ = write!(out, "\\{letter}{category}");
            return Ok(Some(after));
        }
        _ => return Ok(None),
    };
    out.push_str(set);
    Ok(Some(after))
}

/// An escaped character; `rest` starts with its backslash.
fn char_escape(rest: &str) -> Result<(char, &str), Invalid> {
    let behind = rest.get(1..).unwrap_or_default();
    let ch = behind.chars().next().ok_or(Invalid)?;
    let after = skip(behind, ch);
    let simple = match ch {
        'a' => '\x07',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => {
            let digits = after.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(Invalid)?;
            return Ok((char::from(code), after.get(2..).unwrap_or_default()));
        }
        '0'..='7' => {
            let is_octal = |byte: &u8| matches!(byte, b'0'..=b'7');
            let count = behind.bytes().take(3).take_while(|byte| is_octal(byte)).count();
            // One digit other than zero would be a backreference.
            if ch != '0' && count == 1 {
                return Err(Invalid);
            }
            let (digits, after) = behind.split_at_checked(count).ok_or(Invalid)?;
            let code = u32::from_str_radix(digits, 8).ok().and_then(char::from_u32).ok_or(Invalid)?;
            return Ok((code, after));
        }
        _ if ch.is_ascii() && !ch.is_ascii_alphanumeric() => ch,
        _ => return Err(Invalid),
    };
    Ok((simple, after))
}

/// A bracket expression; `rest` starts with its bracket. Returns what follows.
fn class<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, Invalid> {
    let mut rest = rest.get(1..).unwrap_or_default();
    out.push('[');
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut first = true;
    loop {
        if let Some(after) = rest.strip_prefix(']')
            && !first
        {
            out.push(']');
            return Ok(after);
        }
        first = false;
        if let Some(after) = posix_class(rest, out)? {
            rest = after;
            continue;
        }
        if let Some(after) = class_escape(rest, out)? {
            rest = after;
            continue;
        }
        let (low, after) = class_char(rest)?;
        rest = after;
        let mut high = low;
        if let Some(after) = rest.strip_prefix('-')
            && !after.is_empty()
            && !after.starts_with(']')
        {
            (high, rest) = class_char(after)?;
            if high < low {
                return Err(Invalid);
            }
        }
        // Writing into a String cannot fail.
        let _ = write!(out, "\\x{{{:x}}}-\\x{{{:x}}}", u32::from(low), u32::from(high));
    }
}

fn class_char(rest: &str) -> Result<(char, &str), Invalid> {
    if rest.starts_with('\\') {
        return char_escape(rest);
    }
    let ch = rest.chars().next().ok_or(Invalid)?;
    Ok((ch, skip(rest, ch)))
}

/// `[:alpha:]` within brackets; `None` if `rest` does not look like one.
fn posix_class<'a>(rest: &'a str, out: &mut String) -> Result<Option<&'a str>, Invalid> {
    let Some((name, after)) = rest.strip_prefix("[:").and_then(|inner| inner.split_once(":]")) else {
        return Ok(None);
    };
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(Invalid);
    }
    let _ = write!(out, "[:{name}:]");
    Ok(Some(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the expression finds at the start of `text`, or `!` if it is invalid.
    fn matched<'t>(go: &str, text: &'t str) -> Option<&'t str> {
        let Ok(rust) = translate(&format!("^{go}")) else { return Some("!") };
        let built = regex::bytes::Regex::new(&rust).expect("a translation is valid");
        built.find(text.as_bytes()).and_then(|found| text.get(found.range()))
    }

    #[test]
    fn means_the_same() {
        for (go, text, expected) in [
            ("a.c", "a/c", Some("a/c")),
            ("(.*/)?x", "a/b/x", Some("a/b/x")),
            ("[^/]*", "ab/c", Some("ab")),
            ("[[^/]*]", "[^/]x", Some("[^/]")),
            ("[[^/]*]", "]", Some("]")),
            ("[a-c]+", "abcd", Some("abc")),
            ("[]a]", "]", Some("]")),
            ("[a-]", "-", Some("-")),
            ("[-a]", "-", Some("-")),
            ("[a&&b]+", "&ab", Some("&ab")),
            ("[a~~b&&c]+", "b~&c-", Some("b~&c")),
            ("[!--]+", "-!\"", Some("-!\"")),
            ("[[:alpha:]1]+", "ab1é", Some("ab1")),
            ("[[:^alpha:]]", "é", Some("é")),
            ("[[:foo:]]", "f", Some("!")),
            ("[b-a]", "a", Some("!")),
            ("[a", "a", Some("!")),
            ("[", "a", Some("!")),
            (r"\d\D\w\W\s\S", "1a_- x", Some("1a_- x")),
            (r"\d", "٣", None),
            (r"\w", "é", None),
            (r"\pL", "é", Some("é")),
            (r"\PL", "é", None),
            (r"\pX", "é", Some("!")),
            (r"[\d\pL]+", "1é-", Some("1é")),
            (r"\x41\101\0", "AA\0", Some("AA\0")),
            (r"\xe9", "é", Some("é")),
            (r"\1", "a", Some("!")),
            (r"\8", "8", Some("!")),
            (r"\e", "e", Some("!")),
            (r"\é", "é", Some("!")),
            (r"\", "\\", Some("!")),
            (r"[\", "\\", Some("!")),
            (r"\.\_\-", "._-", Some("._-")),
            (r"\Qa.[\E.", "a.[x", Some("a.[x")),
            (r"\Qa.[", "a.[", Some("a.[")),
            (r"a\b", "a b", Some("a")),
            (r"a\bb", "ab", None),
            (r"é\B", "é", Some("é")),
            (r"[^/]*\B[^/]*$", "aéb", None),
            ("[^/]*é[^/]*.$", "aéébé", Some("aéébé")),
            ("[^/]*[é-ü][^/]$", "aéé", Some("aéé")),
            (".*[^a]$", "é", Some("é")),
            (".*..$", "é", None),
            (r"a\z", "a\n", None),
            (r"[\b]", "b", Some("!")),
            ("{}#&~ ", "{}#&~ ", Some("{}#&~ ")),
            (".", "\n", None),
            ("[^a]", "\n", Some("\n")),
        ] {
            assert_eq!(matched(go, text), expected, "{go} on {text:?}");
        }
    }
}
