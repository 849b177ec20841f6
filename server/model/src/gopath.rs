//! Go's `path` and `filepath` on slash-separated paths, as far as BuildKit uses them: for `.dockerignore` patterns, for
//! the sources and destinations of COPY and ADD, and for WORKDIR. Purely lexical, nothing is looked up.

use std::fmt;

/// Go's `ErrBadPattern`: the pattern is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPattern;

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("syntax error in pattern")
    }
}

impl std::error::Error for BadPattern {}

/// Go's `Clean`: the shortest path that means the same, without `.`, without inner `..`, without double or trailing
/// slashes. An empty path is `.`; `..` at a root disappears.
pub fn path_clean(path: &str) -> String {
    if is_clean(path) {
        return path.to_owned();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
        (true, _) => format!("/{}", parts.join("/")),
    }
}

/// Whether [`path_clean`] would change nothing; most paths are so.
fn is_clean(path: &str) -> bool {
    let below = path.strip_prefix('/').unwrap_or(path);
    !below.is_empty() && !below.split('/').any(|part| matches!(part, "" | "." | ".."))
}

/// Go's `Join`: the non-empty elements joined with slashes and cleaned; empty if all are empty.
pub fn path_join(elements: &[&str]) -> String {
    let given: Vec<&str> = elements.iter().copied().filter(|element| !element.is_empty()).collect();
    if given.is_empty() { String::new() } else { path_clean(&given.join("/")) }
}

/// Go's `Base`: the last element; `.` for an empty path, `/` for one of slashes only.
pub fn path_base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some(last) if !last.is_empty() => last,
        _ => "/",
    }
}

/// Go's `Dir`: everything but the last element, cleaned. The directory of `a/b/` is `a/b`.
pub fn path_dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    path_clean(path.get(..end).unwrap_or_default())
}

/// Go's `IsAbs` on Unix.
pub fn path_is_abs(path: &str) -> bool {
    path.starts_with('/')
}

/// Go's `path.Match` (and, on Unix, `filepath.Match`): whether all of `name` matches `pattern`. `*` and `?` do not
/// match a slash; `[a-z]`, `[^a-z]` and `\` escapes work; `**` is no more than `*`. A malformed pattern is an error
/// whether or not the part before the fault matches. Costs at most length of pattern times length of name.
pub fn go_match(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let (mut pattern, mut name) = (pattern.as_bytes(), name.as_bytes());
    'chunks: while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        // The last chunk has to use the whole name up, unless a star can move it.
        let fits = |left: &[u8]| left.is_empty() || !rest.is_empty();
        if let Some(left) = match_chunk(chunk, name)?.filter(|left| fits(left)) {
            name = left;
            continue;
        }
        if star {
            let mut at = 0;
            while name.get(at).is_some_and(|&byte| byte != b'/') {
                at += 1;
                let shifted = name.get(at..).unwrap_or_default();
                if let Some(left) = match_chunk(chunk, shifted)?.filter(|left| fits(left)) {
                    name = left;
                    continue 'chunks;
                }
            }
        }
        // No match; the rest of the pattern still has to be well-formed.
        while !pattern.is_empty() {
            let (_, chunk, rest) = next_chunk(pattern);
            pattern = rest;
            match_chunk(chunk, b"")?;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Splits off the leading stars (whether there are any) and what follows up to the next star outside brackets.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|&&byte| byte == b'*').count();
    let pattern = pattern.get(stars..).unwrap_or_default();
    let (mut at, mut in_brackets) = (0, false);
    while let Some(&byte) = pattern.get(at) {
        match byte {
            b'\\' if at + 1 < pattern.len() => at += 1,
            b'[' => in_brackets = true,
            b']' => in_brackets = false,
            b'*' if !in_brackets => break,
            _ => {}
        }
        at += 1;
    }
    let (chunk, rest) = pattern.split_at(at.min(pattern.len()));
    (stars > 0, chunk, rest)
}

/// What is left of `name` behind a match of `chunk`, which has no stars; `None` if it does not match. The chunk is
/// checked to its end even if the match has failed before.
fn match_chunk<'n>(mut chunk: &[u8], mut name: &'n [u8]) -> Result<Option<&'n [u8]>, BadPattern> {
    let mut failed = false;
    while let Some((&first, rest)) = chunk.split_first() {
        failed = failed || name.is_empty();
        chunk = rest;
        match first {
            b'[' => {
                let mut found = None;
                if !failed {
                    let (ch, width) = decode(name);
                    found = Some(ch);
                    name = name.get(width..).unwrap_or_default();
                }
                let negated = chunk.first() == Some(&b'^');
                if negated {
                    chunk = chunk.get(1..).unwrap_or_default();
                }
                let (mut matches, mut first_range) = (false, true);
                loop {
                    if let Some((b']', rest)) = chunk.split_first()
                        && !first_range
                    {
                        chunk = rest;
                        break;
                    }
                    first_range = false;
                    let (low, rest) = class_char(chunk)?;
                    chunk = rest;
                    let mut high = low;
                    if let Some((b'-', rest)) = chunk.split_first() {
                        (high, chunk) = class_char(rest)?;
                    }
                    matches |= found.is_some_and(|ch| (low..=high).contains(&ch));
                }
                failed = failed || matches == negated;
            }
            b'?' => {
                if !failed {
                    failed = name.first() == Some(&b'/');
                    name = name.get(decode(name).1..).unwrap_or_default();
                }
            }
            byte => {
                let mut literal = byte;
                if byte == b'\\' {
                    let (&escaped, rest) = chunk.split_first().ok_or(BadPattern)?;
                    (literal, chunk) = (escaped, rest);
                }
                if !failed {
                    failed = name.first() != Some(&literal);
                    name = name.get(1..).unwrap_or_default();
                }
            }
        }
    }
    Ok((!failed).then_some(name))
}

/// One, possibly escaped, character of a bracket expression, and what follows it, which must not be empty.
fn class_char(chunk: &[u8]) -> Result<(char, &[u8]), BadPattern> {
    let chunk = match chunk.split_first() {
        None | Some((b'-' | b']', _)) => return Err(BadPattern),
        Some((b'\\', rest)) => rest,
        Some(_) => chunk,
    };
    let (ch, width) = decode(chunk);
    match chunk.get(width..) {
        Some(rest) if width > 0 && !rest.is_empty() => Ok((ch, rest)),
        _ => Err(BadPattern),
    }
}

/// Go's `DecodeRune`: the first character and its length; a byte that starts none counts as U+FFFD of length 1.
/// Matching proceeds by bytes, so it can start in the middle of a character.
fn decode(bytes: &[u8]) -> (char, usize) {
    let head = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => {
            std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
    };
    match valid.chars().next() {
        Some(ch) => (ch, ch.len_utf8()),
        None => (char::REPLACEMENT_CHARACTER, bytes.len().min(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean() {
        for (path, cleaned) in [
            ("", "."),
            (".", "."),
            ("./", "."),
            ("/", "/"),
            ("//", "/"),
            ("a", "a"),
            ("a/", "a"),
            ("a//b/./c", "a/b/c"),
            ("./a", "a"),
            ("a/..", "."),
            ("a/../b", "b"),
            ("a/b/../..", "."),
            ("..", ".."),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("../../a/..", "../.."),
            ("/..", "/"),
            ("/../a", "/a"),
            ("/a/../..", "/"),
            ("/a/b/", "/a/b"),
            ("a/...", "a/..."),
            (" a / b", " a / b"),
        ] {
            assert_eq!(path_clean(path), cleaned, "{path:?}");
            assert_eq!(path_clean(cleaned), cleaned, "{cleaned:?} stays");
        }
    }

    #[test]
    fn join_base_dir() {
        for (elements, joined) in [
            (&[][..], ""),
            (&["", ""], ""),
            (&["a", "", "b"], "a/b"),
            (&["/a/", "/b"], "/a/b"),
            (&["a", "../.."], ".."),
            (&["", "/"], "/"),
        ] {
            assert_eq!(path_join(elements), joined, "{elements:?}");
        }
        for (path, base, dir) in [
            ("", ".", "."),
            (".", ".", "."),
            ("a", "a", "."),
            ("a/b", "b", "a"),
            ("a/b/", "b", "a/b"),
            ("/", "/", "/"),
            ("///", "/", "/"),
            ("/a", "a", "/"),
            ("/a//b", "b", "/a"),
            ("../x", "x", ".."),
        ] {
            assert_eq!((path_base(path), path_dir(path).as_str()), (base, dir), "{path:?}");
        }
        assert!(path_is_abs("/a") && !path_is_abs("a/b") && !path_is_abs(""));
    }

    #[test]
    fn matching() {
        for (pattern, name, expected) in [
            ("", "", Some(true)),
            ("", "a", Some(false)),
            ("a", "a", Some(true)),
            ("*", "", Some(true)),
            ("*", "abc", Some(true)),
            ("*", "a/b", Some(false)),
            ("**", "a/b", Some(false)),
            ("*/*", "a/b", Some(true)),
            ("*.txt", "a.txt", Some(true)),
            ("*.txt", ".txt", Some(true)),
            ("*.txt", "a.txt.txt", Some(true)),
            ("a*b*c", "aXbYbZc", Some(true)),
            ("a*b*c", "aXbYbZ", Some(false)),
            ("a*/b", "a/c/b", Some(false)),
            ("a?c", "abc", Some(true)),
            ("a?c", "a/c", Some(false)),
            ("a?c", "aéc", Some(true)),
            ("a?c", "ac", Some(false)),
            ("*?é", "xxé", Some(true)),
            ("[abc]x", "bx", Some(true)),
            ("[a-c]x", "dx", Some(false)),
            ("[^a-c]x", "dx", Some(true)),
            ("[^a]", "", Some(false)),
            ("[!a]", "!", Some(true)),
            ("[à-ü]", "é", Some(true)),
            ("[\\]]", "]", Some(true)),
            ("[\\-x]", "-", Some(true)),
            ("[b-a]", "a", Some(false)),
            ("[*]a", "*a", Some(true)),
            ("[^a]", "/", Some(true)),
            ("\\*", "*", Some(true)),
            ("\\*", "a", Some(false)),
            ("\\a", "a", Some(true)),
            ("a]", "a]", Some(true)),
            ("", "é", Some(false)),
            ("[", "a", None),
            ("[]", "a", None),
            ("[]a]", "]", None),
            ("[^", "a", None),
            ("[a", "a", None),
            ("[-]", "-", None),
            ("[a-]", "a", None),
            ("[a-b-c]", "a", None),
            ("\\", "a", None),
            ("[\\", "a", None),
            ("x[", "a", None),
            ("*x[", "a", None),
            ("a*b[", "c", None),
            ("[a]\\", "b", None),
        ] {
            assert_eq!(go_match(pattern, name).ok(), expected, "{pattern:?} on {name:?}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(2_000) + "b";
        assert_eq!(go_match(&pattern, &"a".repeat(2_000)), Ok(false));
    }
}
