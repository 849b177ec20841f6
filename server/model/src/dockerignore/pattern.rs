//! One pattern of an ignore file, compiled the way moby/patternmatcher does it.

use std::sync::OnceLock;

use layerwise_syntax::gostr::TextScanner;
use regex::bytes::{Regex, RegexBuilder};

use crate::gopath::BadPattern;
use crate::goregex;

/// Memory for one compiled expression, and for the tables that matching fills in.
const EXPRESSION_LIMIT: usize = 1 << 20;
const TABLE_LIMIT: usize = 1 << 18;

/// How a pattern is compared with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchType {
    /// The path equals the pattern.
    Exact,
    /// The pattern ends with `**`: the path starts with what stands in front.
    Prefix,
    /// The pattern starts with `**`: the path ends with what stands behind.
    Suffix,
    /// Any other wildcard, bracket or escape: a regular expression.
    Regexp,
}

/// One pattern.
#[derive(Debug)]
pub struct Pattern {
    line: usize,
    text: String,
    negated: bool,
    match_type: MatchType,
    /// Go's expression; empty unless the type is [`MatchType::Regexp`].
    go: String,
    /// The same for the `regex` crate; `None` if Go would refuse it.
    rust: Option<String>,
    /// Built when it is first needed; `None` inside if it is too large.
    built: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `text` is a clean pattern without its `!`.
    pub(super) fn new(line: usize, text: &str, negated: bool) -> Self {
        let (match_type, go) = convert(text);
        let rust = if match_type == MatchType::Regexp { goregex::translate(&go).ok() } else { None };
        Self { line, text: text.to_owned(), negated, match_type, go, rust, built: OnceLock::new() }
    }

    /// The line of the ignore file, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The pattern, cleaned, without its `!`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it brings files back (`!`).
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// How it is compared.
    pub fn match_type(&self) -> MatchType {
        self.match_type
    }

    /// The regular expression, in Go's syntax, that patternmatcher makes of it; empty for the other types.
    pub fn regexp(&self) -> &str {
        &self.go
    }

    /// How many elements the pattern has; at least 1.
    pub(super) fn depth(&self) -> usize {
        self.text.split('/').count()
    }

    /// Whether it can match at all: `false` if Go refuses its expression.
    pub(super) fn is_usable(&self) -> bool {
        self.match_type != MatchType::Regexp || self.rust.is_some()
    }

    /// Makes a pattern that needs an expression match nothing.
    pub(super) fn disable(&mut self) {
        self.rust = None;
    }

    /// Whether the pattern matches exactly `path`, no parent considered.
    pub(super) fn matches(&self, path: &str) -> Result<bool, BadPattern> {
        Ok(match self.match_type {
            MatchType::Exact => path == self.text,
            MatchType::Prefix => {
                path.starts_with(self.text.get(..self.text.len().saturating_sub(2)).unwrap_or_default())
            }
            MatchType::Suffix => {
                let suffix = self.text.get(2..).unwrap_or_default();
                // `**/foo` matches `foo` as well.
                path.ends_with(suffix) || suffix.strip_prefix('/').is_some_and(|name| path == name)
            }
            MatchType::Regexp => {
                let expression = self.rust.as_deref().ok_or(BadPattern)?;
                let built = self.built.get_or_init(|| {
                    RegexBuilder::new(expression)
                        .size_limit(EXPRESSION_LIMIT)
                        .dfa_size_limit(TABLE_LIMIT)
                        .build()
                        .ok()
                });
                built.as_ref().ok_or(BadPattern)?.is_match(path.as_bytes())
            }
        })
    }
}

/// The type of a pattern and, if that is [`MatchType::Regexp`], its expression in Go's syntax. The cases follow
/// patternmatcher's `compile`: brackets are copied without being understood, whatever follows a backslash is escaped,
/// and the type is decided on the way, so that a `**` at the very start makes a suffix unless something later asks for
/// an expression again.
fn convert(pattern: &str) -> (MatchType, String) {
    let mut scanner = TextScanner::new(pattern);
    let mut expression = String::from("^");
    let mut found = MatchType::Exact;
    let mut first = true;
    while let Some(ch) = scanner.next() {
        match ch {
            '*' if scanner.eat('*') => {
                scanner.eat('/');
                if scanner.peek().is_some() {
                    expression.push_str("(.*/)?");
                    found = MatchType::Regexp;
                } else if found == MatchType::Exact {
                    found = MatchType::Prefix;
                } else {
                    expression.push_str(".*");
                    found = MatchType::Regexp;
                }
                if first {
                    found = MatchType::Suffix;
                }
            }
            '*' => {
                expression.push_str("[^/]*");
                found = MatchType::Regexp;
            }
            '?' => {
                expression.push_str("[^/]");
                found = MatchType::Regexp;
            }
            '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => {
                expression.push('\\');
                expression.push(ch);
            }
            '\\' => {
                expression.push('\\');
                if let Some(escaped) = scanner.next() {
                    expression.push(escaped);
                    found = MatchType::Regexp;
                }
            }
            '[' | ']' => {
                expression.push(ch);
                found = MatchType::Regexp;
            }
            _ => expression.push(ch),
        }
        first = false;
    }
    if found == MatchType::Regexp {
        expression.push('$');
        (found, expression)
    } else {
        (found, String::new())
    }
}
