//! `.dockerignore`: which files of a build context BuildKit leaves out.
//!
//! Reading follows moby/patternmatcher's `ignorefile`, matching its `PatternMatcher`, walking a directory tree
//! tonistiigi/fsutil's filter. This is not gitignore: patterns are anchored at the context's root, the last pattern
//! that changes the outcome wins, and `!` brings files back below an excluded directory.
//!
//! There are two questions, and BuildKit answers them differently in rare cases:
//!
//! * [`Dockerignore::is_excluded`] looks at one path and all its parents (`MatchesOrParentMatches`): the question behind
//!   BuildKit's warning about copying an ignored file.
//! * [`Dockerignore::step`] is asked for every entry on the way down from the root (`MatchesUsingParentResults`): what
//!   really reaches the builder. It asks a `!` pattern only about entries that are excluded at that moment and so forgets
//!   that it matched an included parent: with `a/b` and `!a`, `a/b` stays out, although `is_excluded` says otherwise.
//!   [`Dockerignore::in_context`] takes that walk for one path.

mod pattern;

use std::fmt;

pub use self::pattern::{MatchType, Pattern};
use crate::gopath::{BadPattern, go_match, path_clean, path_dir};

/// A line of this many bytes, without its line feed, is too long for the scanner that BuildKit reads the file with.
pub const MAX_LINE: usize = 64 * 1024;

/// How many patterns of one file may need a regular expression: each takes some fifteen kilobytes once it is used. No
/// real file comes near this or the next two limits; patterns beyond are reported and match nothing.
pub const MAX_EXPRESSIONS: usize = 4_096;

/// How many bytes the expression of one pattern may have (a `*` becomes five).
pub const MAX_EXPRESSION: usize = 8 * 1024;

/// How many bytes the expressions of one file may have together.
pub const MAX_EXPRESSION_BYTES: usize = 1 << 20;

/// A parsed ignore file.
#[derive(Debug, Default)]
pub struct Dockerignore {
    patterns: Vec<Pattern>,
    errors: Vec<PatternError>,
    has_negated: bool,
    /// How many patterns have an expression.
    expressions: usize,
    /// How long these are together.
    expression_bytes: usize,
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// The line, from 1.
    pub line: usize,
    /// The pattern as it was about to be used.
    pub pattern: String,
    /// What is wrong.
    pub kind: PatternErrorKind,
}

/// The ways in which a line can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternErrorKind {
    /// A `!` with nothing to negate. The build fails.
    IllegalExclusion,
    /// Not a valid pattern of Go's `filepath.Match`. The build fails.
    Syntax,
    /// Valid for `filepath.Match`, but the regular expression made of it is not, for example `[b-a]` or `\e`. The
    /// build fails once a file is compared with it.
    Expression,
    /// The line has [`MAX_LINE`] bytes or more. The build fails.
    LineTooLong,
    /// Too costly for this implementation ([`MAX_EXPRESSIONS`], [`MAX_EXPRESSION`], [`MAX_EXPRESSION_BYTES`]); BuildKit
    /// accepts it.
    Limit,
}

impl PatternErrorKind {
    /// Whether BuildKit fails as soon as it reads the file, before any file is compared.
    pub fn fails_the_build(self) -> bool {
        matches!(self, Self::IllegalExclusion | Self::Syntax | Self::LineTooLong)
    }
}

/// The message that BuildKit gives.
impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            PatternErrorKind::IllegalExclusion => f.write_str("illegal exclusion pattern: \"!\""),
            PatternErrorKind::Syntax | PatternErrorKind::Expression => BadPattern.fmt(f),
            PatternErrorKind::LineTooLong => f.write_str("bufio.Scanner: token too long"),
            PatternErrorKind::Limit => f.write_str("too many or too long patterns with wildcards"),
        }
    }
}

impl std::error::Error for PatternError {}

/// What is known about a directory when its entries are looked at: which patterns matched it. The default value is
/// for the context's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchInfo {
    matched: Vec<bool>,
}

/// The outcome for one entry of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The entry itself is left out.
    pub excluded: bool,
    /// The pattern that decided: its line, from 1, and whether it is negated. `None` if none matched.
    pub decided_by: Option<(usize, bool)>,
    /// For the entries below, if this is a directory.
    pub info: MatchInfo,
}

/// How far up a pattern may match for a path to count as matched.
#[derive(Clone, Copy)]
enum Parents {
    /// Any parent directory.
    All,
    /// Only the parent with as many elements as the pattern.
    SameDepth,
}

/// The patterns of an ignore file as BuildKit's reader hands them on, with their lines (from 1): comments and empty
/// lines gone, white space trimmed, paths cleaned, one leading slash removed. `Err` is the line (from 1) that is too
/// long, together with what was read before it; BuildKit then fails.
#[allow(clippy::type_complexity)]
pub fn read_patterns(text: &str) -> Result<Vec<(usize, String)>, (usize, Vec<(usize, String)>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut patterns = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.len() >= MAX_LINE {
            return Err((index + 1, patterns));
        }
        patterns.extend(read_line(line).map(|pattern| (index + 1, pattern)));
    }
    Ok(patterns)
}

/// A comment needs its `#` in the first column. White space may stand behind the `!`.
fn read_line(line: &str) -> Option<String> {
    let trimmed = line.trim();
    if line.starts_with('#') || trimmed.is_empty() {
        return None;
    }
    let (sign, path) = match trimmed.strip_prefix('!') {
        Some(path) => ("!", path.trim()),
        None => ("", trimmed),
    };
    if path.is_empty() {
        return Some(sign.to_owned());
    }
    let cleaned = path_clean(path);
    let relative = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
    Some(format!("{sign}{relative}"))
}

impl Dockerignore {
    /// Reads an ignore file. Never fails: malformed lines are in [`Self::errors`] and match nothing, although BuildKit
    /// would not go on ([`Self::failure`]).
    pub fn parse(text: &str) -> Self {
        let mut ignore = Self::default();
        let (lines, too_long) = match read_patterns(text) {
            Ok(lines) => (lines, None),
            Err((line, before)) => (before, Some(line)),
        };
        for (line, pattern) in &lines {
            ignore.push(*line, pattern);
        }
        if let Some(line) = too_long {
            let kind = PatternErrorKind::LineTooLong;
            ignore.errors.push(PatternError { line, pattern: String::new(), kind });
        }
        ignore
    }

    /// Patterns that are given one by one, for example by `COPY --exclude` (patternmatcher's `New`); a pattern's
    /// "line" is its position, from 1. Fails as BuildKit does, with the first malformed pattern.
    pub fn from_patterns<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let mut ignore = Self::default();
        for (index, pattern) in patterns.iter().enumerate() {
            ignore.push(index + 1, pattern.as_ref());
        }
        match ignore.failure() {
            Some(error) => Err(error.clone()),
            None => Ok(ignore),
        }
    }

    fn push(&mut self, line: usize, pattern: &str) {
        let trimmed = pattern.trim();
        if trimmed.is_empty() {
            return;
        }
        let cleaned = path_clean(trimmed);
        let (negated, text) = match cleaned.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, cleaned.as_str()),
        };
        let kind = if text.is_empty() {
            PatternErrorKind::IllegalExclusion
        } else if go_match(text, ".").is_err() {
            PatternErrorKind::Syntax
        } else {
            let mut pattern = Pattern::new(line, text, negated);
            let kind = if pattern.match_type() != MatchType::Regexp {
                None
            } else if !pattern.is_usable() {
                Some(PatternErrorKind::Expression)
            } else if self.expressions >= MAX_EXPRESSIONS
                || pattern.regexp().len() > MAX_EXPRESSION
                || self.expression_bytes + pattern.regexp().len() > MAX_EXPRESSION_BYTES
            {
                pattern.disable();
                Some(PatternErrorKind::Limit)
            } else {
                self.expressions += 1;
                self.expression_bytes += pattern.regexp().len();
                None
            };
            self.patterns.push(pattern);
            self.has_negated |= negated;
            match kind {
                Some(kind) => kind,
                None => return,
            }
        };
        self.errors.push(PatternError { line, pattern: cleaned, kind });
    }

    /// The usable patterns, in the order of the file.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Everything that is wrong with the file, in the order of its lines.
    pub fn errors(&self) -> &[PatternError] {
        &self.errors
    }

    /// The error for which BuildKit refuses the whole file, and with it every build that uses a file of the context.
    pub fn failure(&self) -> Option<&PatternError> {
        let immediate = |error: &&PatternError| error.kind.fails_the_build();
        // A line that is too long comes to light while reading, before any pattern is looked at.
        self.errors
            .iter()
            .find(|error| error.kind == PatternErrorKind::LineTooLong)
            .or_else(|| self.errors.iter().find(immediate))
    }

    /// Whether `path` (relative to the context's root, slashes, cleaned here) or one of its parents is excluded.
    /// The root itself never is. Malformed patterns match nothing.
    pub fn is_excluded(&self, path: &str) -> bool {
        self.deciding_line(path).is_some_and(|(_, negated)| !negated)
    }

    /// The pattern that decides about `path`, as in [`Self::is_excluded`]: its line, from 1, and whether it is negated.
    /// That is the last one that changes the outcome; one that matches but only confirms it is not consulted.
    pub fn deciding_line(&self, path: &str) -> Option<(usize, bool)> {
        let path = path_clean(path);
        if path == "." {
            return None;
        }
        // Without `strict` nothing fails.
        self.decide(&path, Parents::All, false)
            .ok()
            .flatten()
            .map(|pattern| (pattern.line(), pattern.is_negated()))
    }

    /// patternmatcher's `MatchesOrParentMatches`: `path` is taken as it is, and a pattern whose expression is invalid
    /// is an error once it is reached.
    pub fn matches_or_parent_matches(&self, path: &str) -> Result<bool, BadPattern> {
        Ok(self.decide(path, Parents::All, true)?.is_some_and(|pattern| !pattern.is_negated()))
    }

    /// patternmatcher's deprecated `Matches`, which asks a pattern only about the parent of its own depth. The classic
    /// builder and BuildKit before 0.10 used it.
    pub fn matches(&self, path: &str) -> Result<bool, BadPattern> {
        Ok(self.decide(path, Parents::SameDepth, true)?.is_some_and(|pattern| !pattern.is_negated()))
    }

    /// The last pattern that changes the outcome. With `strict`, an unusable pattern ends the search with an error.
    fn decide(&self, path: &str, parents: Parents, strict: bool) -> Result<Option<&Pattern>, BadPattern> {
        let parent = path_dir(path);
        let mut excluded = false;
        let mut decided = None;
        for pattern in &self.patterns {
            if pattern.is_negated() != excluded {
                continue;
            }
            let matches = match pattern.matches(path) {
                Ok(true) => true,
                Ok(false) => parent != "." && self.matches_parent(pattern, &parent, parents),
                Err(error) if strict => return Err(error),
                Err(_) => false,
            };
            if matches {
                excluded = !pattern.is_negated();
                decided = Some(pattern);
            }
        }
        Ok(decided)
    }

    fn matches_parent(&self, pattern: &Pattern, parent: &str, parents: Parents) -> bool {
        let ends = parent.match_indices('/').map(|(slash, _)| slash).chain([parent.len()]);
        let prefix_matches =
            |end: usize| parent.get(..end).is_some_and(|dir| pattern.matches(dir) == Ok(true));
        match parents {
            Parents::All => ends.into_iter().any(prefix_matches),
            Parents::SameDepth => ends.into_iter().nth(pattern.depth() - 1).is_some_and(prefix_matches),
        }
    }

    /// Decides about one entry of a walk from the root down (patternmatcher's `MatchesUsingParentResults`). `path` is
    /// relative to the root and clean; `parent` is what [`Step::info`] said about its directory, or the default for an
    /// entry of the root. Costs one comparison per pattern, however deep the path is.
    pub fn step(&self, path: &str, parent: &MatchInfo) -> Step {
        let mut matched = Vec::with_capacity(self.patterns.len());
        let (excluded, decided_by) = self.walk(path, parent, |matches| matched.push(matches));
        Step { excluded, decided_by, info: MatchInfo { matched } }
    }

    /// [`Step::excluded`] alone, for an entry that is no directory.
    pub fn step_excludes(&self, path: &str, parent: &MatchInfo) -> bool {
        self.walk(path, parent, |_| {}).0
    }

    fn walk(
        &self,
        path: &str,
        parent: &MatchInfo,
        mut record: impl FnMut(bool),
    ) -> (bool, Option<(usize, bool)>) {
        // Without information about the parent, all of the path's parents are asked.
        let known = parent.matched.len() == self.patterns.len();
        let dir = if known { String::new() } else { path_dir(path) };
        let mut excluded = false;
        let mut decided_by = None;
        for (index, pattern) in self.patterns.iter().enumerate() {
            let mut matches = known && parent.matched.get(index) == Some(&true);
            if !matches && pattern.is_negated() == excluded {
                matches = match pattern.matches(path) {
                    Ok(false) if !known && dir != "." => self.matches_parent(pattern, &dir, Parents::All),
                    result => result.unwrap_or(false),
                };
            }
            record(matches);
            if matches {
                excluded = !pattern.is_negated();
                decided_by = Some((pattern.line(), pattern.is_negated()));
            }
        }
        (excluded, decided_by)
    }

    /// Whether BuildKit still walks the excluded directory `dir` (relative, clean), since a `!` pattern could match
    /// something below it. A wildcard in any `!` pattern, other than a final `/*` or `/**`, makes it walk everything.
    pub fn may_reinclude_below(&self, dir: &str) -> bool {
        let mut negated =
            self.patterns.iter().filter(|pattern| pattern.is_negated()).map(without_final_wildcard);
        if negated.clone().any(|pattern| pattern.contains(['*', '[', ']', '?', '^', '\\'])) {
            return true;
        }
        negated.any(|pattern| {
            pattern.strip_prefix(dir).is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    }

    /// Whether the walk from the root down that sends the context would send `path`, were it a file; cleaned here.
    /// True for the root.
    pub fn in_context(&self, path: &str) -> bool {
        let path = path_clean(path);
        if path == "." {
            return true;
        }
        let mut info = MatchInfo::default();
        for (slash, _) in path.match_indices('/') {
            let dir = path.get(..slash).unwrap_or_default();
            let step = self.step(dir, &info);
            if step.excluded && !self.may_reinclude_below(dir) {
                return false;
            }
            info = step.info;
        }
        !self.step_excludes(&path, &info)
    }

    /// Whether any pattern is negated.
    pub fn has_negated(&self) -> bool {
        self.has_negated
    }
}

/// fsutil's `patternWithoutTrailingGlob`.
fn without_final_wildcard(pattern: &Pattern) -> &str {
    let text = pattern.text();
    let text = text.strip_suffix("/**").unwrap_or(text);
    text.strip_suffix("/*").unwrap_or(text)
}

#[cfg(test)]
mod tests;
