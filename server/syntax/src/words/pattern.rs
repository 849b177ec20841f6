//! The wildcard patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/replacement}`: `*` and `?` only,
//! no brackets. A wildcard never matches a line feed, because BuildKit turns it into a `.` of Go's regular
//! expressions.

use regex::{Regex, RegexBuilder};

use super::WorkLimit;
use crate::gostr::{TextScanner, is_digit, is_letter};

/// Memory for one compiled pattern; far above anything a Dockerfile needs.
const COMPILED_LIMIT: usize = 1 << 20;
/// Work units charged for building a matcher, so that a word of thousands of tiny patterns ends early too.
const COMPILE_WORK: usize = 4_000;

/// Why a pattern could not be used.
pub(super) enum PatternError {
    /// The pattern is malformed: Go's message.
    Malformed(String),
    /// Over the limits of this implementation.
    Limit,
}

impl From<WorkLimit> for PatternError {
    fn from(_: WorkLimit) -> Self {
        Self::Limit
    }
}

/// Builds the matcher of `pattern`. `greedy` lets `*` take as much as it can, `anchored` matches at the start only.
fn compile(pattern: &str, greedy: bool, anchored: bool) -> Result<Regex, PatternError> {
    let mut scanner = TextScanner::new(pattern);
    let mut out = String::with_capacity(pattern.len() + 4);
    if anchored {
        out.push('^');
    }
    while let Some(ch) = scanner.next() {
        let literal = match ch {
            '*' => {
                out.push_str(if greedy { ".*" } else { ".*?" });
                continue;
            }
            '?' => {
                out.push('.');
                continue;
            }
            // `}` and `/` have to be escaped inside `${}`; that backslash is not part of the pattern.
            '\\' if matches!(scanner.peek(), Some('}' | '/')) => continue,
            '\\' => match scanner.next() {
                Some(escaped @ ('*' | '?' | '\\')) => escaped,
                // Go formats its end-of-file marker as U+FFFD.
                other => {
                    let shown = other.unwrap_or('\u{fffd}');
                    return Err(PatternError::Malformed(format!("invalid escape '\\{shown}'")));
                }
            },
            other => other,
        };
        out.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
    }
    RegexBuilder::new(&out)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .build()
        .map_err(|_| PatternError::Limit)
}

/// Charges what matching `pattern` against `value` may cost: a state set per character in the worst case.
fn charge(pattern: &str, value: &str, work: &mut super::Work) -> Result<(), WorkLimit> {
    work.spend(COMPILE_WORK + pattern.len() * 16)?;
    work.spend(value.len().saturating_mul(1 + pattern.len() / 16))
}

/// `value` without the shortest (or, with `longest`, the longest) prefix that matches `pattern`.
pub(super) fn trim_prefix(
    pattern: &str,
    value: &str,
    longest: bool,
    work: &mut super::Work,
) -> Result<String, PatternError> {
    charge(pattern, value, work)?;
    let matcher = compile(pattern, longest, true)?;
    let end = matcher.find(value).map_or(0, |found| found.end());
    Ok(value.get(end..).unwrap_or_default().to_owned())
}

/// `value` without the shortest (or longest) suffix that matches `pattern`. Both are reversed and treated as a
/// prefix, as BuildKit does; an error therefore shows the pattern reversed: `reversed` returns it.
pub(super) fn trim_suffix(
    pattern: &str,
    value: &str,
    longest: bool,
    work: &mut super::Work,
) -> Result<String, (PatternError, String)> {
    let reversed = reverse_pattern(pattern);
    let mirrored: String = value.chars().rev().collect();
    match trim_prefix(&reversed, &mirrored, longest, work) {
        Ok(rest) => Ok(rest.chars().rev().collect()),
        Err(error) => Err((error, reversed)),
    }
}

/// The pattern read backwards, each backslash kept in front of the character that it escapes.
fn reverse_pattern(pattern: &str) -> String {
    let mut units: Vec<(Option<char>, char)> = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(ch) = chars.next() {
        match (ch, chars.clone().next()) {
            ('\\', Some(escaped)) => {
                chars.next();
                units.push((Some('\\'), escaped));
            }
            _ => units.push((None, ch)),
        }
    }
    units.into_iter().rev().flat_map(|(escape, ch)| escape.into_iter().chain([ch])).collect()
}

/// `value` with the first match of `pattern` replaced by `replacement`, taken literally.
pub(super) fn replace_first(
    pattern: &str,
    value: &str,
    replacement: &str,
    work: &mut super::Work,
) -> Result<String, PatternError> {
    charge(pattern, value, work)?;
    let matcher = compile(pattern, true, false)?;
    let Some(found) = matcher.find(value) else { return Ok(value.to_owned()) };
    work.spend(replacement.len())?;
    let (before, after) = (value.get(..found.start()), value.get(found.end()..));
    Ok([before.unwrap_or_default(), replacement, after.unwrap_or_default()].concat())
}

/// `value` with every match of `pattern` replaced. Unlike in [`replace_first`], `$0` and friends in the replacement
/// are expanded, since BuildKit calls Go's `ReplaceAllString` here. An empty match directly behind another match is
/// not replaced.
pub(super) fn replace_all(
    pattern: &str,
    value: &str,
    replacement: &str,
    work: &mut super::Work,
) -> Result<String, PatternError> {
    charge(pattern, value, work)?;
    let matcher = compile(pattern, true, false)?;
    let mut out = String::new();
    let (mut search, mut last_end) = (0, 0);
    while search <= value.len() {
        let Some(found) = matcher.find_at(value, search) else { break };
        work.spend(found.end() - last_end + replacement.len() + 1)?;
        out.push_str(value.get(last_end..found.start()).unwrap_or_default());
        if found.end() > last_end || found.start() == 0 {
            expand_template(replacement, found.as_str(), &mut out, work)?;
        }
        last_end = found.end();
        let width = value.get(search..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        search = last_end.max(search + width);
    }
    out.push_str(value.get(last_end..).unwrap_or_default());
    Ok(out)
}

/// Go's `Regexp.Expand` for an expression without groups: `$0` is the match, `$$` a dollar sign, any other `$name`,
/// `$1` or `${name}` is empty, and a malformed reference stays as it is.
fn expand_template(
    template: &str,
    matched: &str,
    out: &mut String,
    work: &mut super::Work,
) -> Result<(), WorkLimit> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = template_name(rest) {
            if name == "0" {
                work.spend(matched.len())?;
                out.push_str(matched);
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(())
}

/// The name of a template reference (text behind the `$`) and what follows it; `None` when malformed.
fn template_name(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{');
    let text = inner.unwrap_or(text);
    let end = text.find(|ch: char| !(is_letter(ch) || is_digit(ch) || ch == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    match inner {
        Some(_) => Some((name, rest.strip_prefix('}')?)),
        None => Some((name, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Work;

    fn ok(result: Result<String, PatternError>) -> String {
        match result {
            Ok(value) => value,
            Err(PatternError::Malformed(message)) => format!("error: {message}"),
            Err(PatternError::Limit) => "limit".to_owned(),
        }
    }

    #[test]
    fn prefixes_and_suffixes() {
        // pattern, value, shortest prefix off, longest prefix off, shortest suffix off, longest suffix off
        for (pattern, value, p, pp, s, ss) in [
            ("*/", "a/b/c", "b/c", "c", "a/b/c", "a/b/c"),
            ("/*", "a/b/c", "a/b/c", "a/b/c", "a/b", "a"),
            ("?", "héé", "éé", "éé", "hé", "hé"),
            ("*", "abc", "abc", "", "abc", ""),
            ("", "abc", "abc", "abc", "abc", "abc"),
            ("a.c", "abc", "abc", "abc", "abc", "abc"),
            ("\\*", "*x*", "x*", "x*", "*x", "*x"),
            ("\\\\", "\\x\\", "x\\", "x\\", "\\x", "\\x"),
            ("\\/", "/x/", "x/", "x/", "/x", "/x"),
            ("*b", "a\nb", "a\nb", "a\nb", "a\n", "a\n"),
            ("[a]", "[a]", "", "", "", ""),
            ("\u{feff}a", "abca", "bca", "bca", "abca", "abca"),
        ] {
            let work = &mut Work::new();
            assert_eq!(ok(trim_prefix(pattern, value, false, work)), p, "#{pattern} of {value:?}");
            assert_eq!(ok(trim_prefix(pattern, value, true, work)), pp, "##{pattern} of {value:?}");
            let suffix =
                |longest, work: &mut Work| ok(trim_suffix(pattern, value, longest, work).map_err(|e| e.0));
            assert_eq!(suffix(false, work), s, "%{pattern} of {value:?}");
            assert_eq!(suffix(true, work), ss, "%%{pattern} of {value:?}");
        }
        assert_eq!(ok(trim_prefix("\\a", "x", false, &mut Work::new())), "error: invalid escape '\\a'");
        assert_eq!(
            ok(trim_prefix("a\\", "x", false, &mut Work::new())),
            "error: invalid escape '\\\u{fffd}'"
        );
    }

    #[test]
    fn replacements() {
        // pattern, value, replacement, first, all
        for (pattern, value, with, first, all) in [
            ("a", "banana", "o", "bonana", "bonono"),
            ("", "ab", "-", "-ab", "-a-b-"),
            ("*", "abc", "x", "x", "x"),
            ("*", "", "x", "x", "x"),
            ("*", "a\nb", "x", "x\nb", "x\nx"),
            ("a*", "xaxa", "", "x", "x"),
            ("a", "banana", "[$0]", "b[$0]nana", "b[a]n[a]n[a]"),
            ("a", "aa", "$1", "$1a", ""),
            ("a", "aa", "${0}$$x", "${0}$$xa", "a$xa$x"),
            ("a", "aa", "$", "$a", "$$"),
            ("a", "aa", "${0", "${0a", "${0${0"),
            ("a", "aa", "$0x", "$0xa", ""),
            ("a", "aa", "$00", "$00a", ""),
            ("a", "aa", "$-$0", "$-$0a", "$-a$-a"),
            ("é?", "éaéb", "·", "·éb", "··"),
            ("z", "abc", "x", "abc", "abc"),
        ] {
            let work = &mut Work::new();
            assert_eq!(
                ok(replace_first(pattern, value, with, work)),
                first,
                "/{pattern}/{with} of {value:?}"
            );
            assert_eq!(ok(replace_all(pattern, value, with, work)), all, "//{pattern}/{with} of {value:?}");
        }
    }

    #[test]
    fn reversal_keeps_escapes() {
        for (pattern, reversed) in
            [("a\\*c", "c\\*a"), ("\\\\x", "x\\\\"), ("ab\\", "\\ba"), ("", ""), ("*?", "?*")]
        {
            assert_eq!(reverse_pattern(pattern), reversed);
        }
    }

    #[test]
    fn hostile_patterns_end_at_the_limit() {
        let stars = "*a".repeat(50_000);
        let value = "a".repeat(50_000);
        assert_eq!(ok(trim_prefix(&stars, &value, true, &mut Work::new())), "limit");
        assert_eq!(ok(replace_all("a", &value, &value, &mut Work::new())), "limit");
        assert_eq!(ok(replace_all("*", &value, &"$0".repeat(5_000), &mut Work::new())), "limit");
    }
}
