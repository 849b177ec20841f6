//! Heredocs of RUN, COPY and ADD: `<<EOF`, `<<-EOF`, `3<<'EOF'`.
//!
//! Source: frontend/dockerfile/parser/parser.go (`heredocsFromLine`, `heredocFromMatch`).

use std::ops::Range;

use crate::words::{Lex, NoEnv};

/// One heredoc of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The delimiter, without quotes.
    pub name: String,
    /// Whether variables in the body are expanded, that is, whether the delimiter is unquoted.
    pub expand: bool,
    /// `<<-`: leading tabs of the body are dropped.
    pub chomp: bool,
    /// The file descriptor before `<<`; 0 when there is none.
    pub fd: u64,
    /// Where the body stands, relative to the instruction's first byte; line breaks included, the
    /// terminator's line not.
    pub body: Range<usize>,
    /// Whether the terminator was found.
    pub terminated: bool,
}

impl Heredoc {
    /// The body as BuildKit passes it on: leading tabs of each line dropped for `<<-`.
    pub fn content<'a>(&self, source: &'a str) -> std::borrow::Cow<'a, str> {
        let body = &source[self.body.clone()];
        if self.chomp { chomp(body).into() } else { body.into() }
    }
}

/// Drops the leading tabs of each line (`ChompHeredocContent`).
pub fn chomp(body: &str) -> String {
    body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}

/// A heredoc word, before its body is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The delimiter, without quotes.
    pub name: String,
    /// Whether the delimiter is unquoted.
    pub expand: bool,
    /// Whether the word has the `-`.
    pub chomp: bool,
    /// The file descriptor; 0 when there is none.
    pub fd: u64,
}

/// The heredocs that a logical line announces, in order. A line whose quoting does not close has none.
pub(crate) fn markers(line: &str) -> Vec<Marker> {
    if !line.contains("<<") {
        return Vec::new();
    }
    let lex = Lex { raw_quotes: true, raw_escapes: true, skip_unset_env: true, ..Lex::new('\\') };
    let Ok(words) = lex.process_words(line, &NoEnv) else { return Vec::new() };
    words.iter().filter_map(|w| marker(w)).collect()
}

/// Reads one word as a heredoc; `None` when it is not one.
pub fn marker(word: &str) -> Option<Marker> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = word[digits..].strip_prefix("<<")?;
    let (chomp, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let plain = Lex { skip_unset_env: true, ..Lex::new('\\') };
    let raw = Lex { raw_quotes: true, ..plain };
    let names = plain.process_words(rest, &NoEnv).ok()?;
    let [name] = <[String; 1]>::try_from(names).ok()?;
    let raw_names = raw.process_words(rest, &NoEnv).ok()?;
    let quotes = |s: &str| s.chars().filter(|c| matches!(c, '\'' | '"')).count();
    let expand = quotes(&name) == quotes(raw_names.first()?);
    let fd = if digits == 0 { 0 } else { word[..digits].parse().unwrap_or(u64::MAX) };
    Some(Marker { name, expand, chomp, fd })
}
