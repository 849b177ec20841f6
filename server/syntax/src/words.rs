//! Docker's word expansion: quotes, escapes and `$name` / `${name...}` references, with the semantics of BuildKit's
//! `frontend/dockerfile/shell` (its `Lex`), including its quirks, since they decide what a build does.
//!
//! Two readers of the same syntax live here: [`Lex`] computes values and reports errors as BuildKit does;
//! [`variables`] lists the references of a word, half-typed ones included, and never fails.
//!
//! Differences from BuildKit, on purpose: nesting deeper than [`MAX_DEPTH`] and expansions that cost more than
//! [`MAX_WORK`] are errors here ([`ExpandError::is_limit`]); BuildKit would go on until memory ends. Names of
//! variables are case-sensitive, as on every builder but a Windows one.

mod pattern;
mod variables;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasher;

use self::pattern::PatternError;
pub use self::variables::{Modifier, ModifierKind, VarRef, variables};
use crate::gostr::{TextScanner, is_digit, is_letter, is_space, quote};

/// How deep `${a:-${b:-...}}` may nest before expansion is refused.
pub const MAX_DEPTH: usize = 100;

/// How much one word may cost, in units of roughly one byte read, copied or matched. `ENV A=$A$A` doubles a value
/// with every line, so without a bound forty lines would fill the memory.
pub const MAX_WORK: usize = 4 << 20;

/// Where variable values come from: BuildKit's `EnvGetter`.
pub trait Env {
    /// The value of the variable `name`; `None` when it is not set (an empty value is set).
    fn get(&self, name: &str) -> Option<&str>;
}

/// No variable is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEnv;

impl Env for NoEnv {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }
}

impl<V: AsRef<str>, S: BuildHasher> Env for HashMap<String, V, S> {
    fn get(&self, name: &str) -> Option<&str> {
        HashMap::get(self, name).map(AsRef::as_ref)
    }
}

impl<V: AsRef<str>> Env for BTreeMap<String, V> {
    fn get(&self, name: &str) -> Option<&str> {
        BTreeMap::get(self, name).map(AsRef::as_ref)
    }
}

/// Name and value pairs; a later pair overrides an earlier one of the same name.
impl<K: AsRef<str>, V: AsRef<str>> Env for [(K, V)] {
    fn get(&self, name: &str) -> Option<&str> {
        self.iter().rev().find(|(key, _)| key.as_ref() == name).map(|(_, value)| value.as_ref())
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Env for Vec<(K, V)> {
    fn get(&self, name: &str) -> Option<&str> {
        Env::get(self.as_slice(), name)
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> Env for [(K, V); N] {
    fn get(&self, name: &str) -> Option<&str> {
        Env::get(self.as_slice(), name)
    }
}

impl<E: Env + ?Sized> Env for &E {
    fn get(&self, name: &str) -> Option<&str> {
        (**self).get(name)
    }
}

/// The settings of BuildKit's `shell.Lex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lex {
    /// The escape character: `\` unless the file's `# escape=` directive says a backtick.
    pub escape: char,
    /// Keep the quotes in the result.
    pub raw_quotes: bool,
    /// Keep the escape characters in the result.
    pub raw_escapes: bool,
    /// Quotes mean nothing, as in the body of a heredoc.
    pub skip_process_quotes: bool,
    /// Leave a reference to an unset variable as it stands.
    pub skip_unset_env: bool,
}

/// The result of expanding one word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// The word with quotes, escapes and references resolved.
    pub value: String,
    /// Names that were looked up and found, in the order of their first look-up, each once.
    pub matched: Vec<String>,
    /// Names that were looked up and not found, in the order of their first look-up, each once.
    pub unmatched: Vec<String>,
}

/// A word that BuildKit refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandError {
    /// BuildKit's message without its frame, for example `syntax error: missing '}'`.
    pub message: String,
    /// Byte offset in the word up to which it had been read when the error was found.
    pub offset: usize,
    /// As in [`Expanded::matched`], up to the error.
    pub matched: Vec<String>,
    /// As in [`Expanded::unmatched`], up to the error.
    pub unmatched: Vec<String>,
    word: String,
    limit: bool,
}

impl ExpandError {
    /// Whether the word was given up for its cost or depth ([`MAX_WORK`], [`MAX_DEPTH`]), so that BuildKit might
    /// still accept it.
    pub fn is_limit(&self) -> bool {
        self.limit
    }
}

/// BuildKit's whole message: `failed to process "<word>": <message>`.
impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to process {}: {}", quote(&self.word), self.message)
    }
}

impl std::error::Error for ExpandError {}

impl Lex {
    /// Everything off: how BuildKit expands the words of an instruction.
    pub fn new(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: false,
            raw_escapes: false,
            skip_process_quotes: false,
            skip_unset_env: false,
        }
    }

    /// Expands `word` to one string and says which variables were looked up (BuildKit's `ProcessWordWithMatches`).
    pub fn process_word(&self, word: &str, env: &dyn Env) -> Result<Expanded, ExpandError> {
        let mut run = Run::new(*self, word, env);
        match run.text(None, self.raw_escapes, 0) {
            Ok(value) => Ok(Expanded { value, matched: run.matched.names, unmatched: run.unmatched.names }),
            Err(fault) => Err(run.error(word, fault)),
        }
    }

    /// Expands `word` and splits the result at white space that is neither quoted nor escaped; white space in a
    /// variable's value splits too (BuildKit's `ProcessWords`).
    ///
    /// As in BuildKit, a reference with a modifier drops the unfinished word in front of it: `80${X:-90}` gives `90`,
    /// because the modifier's own text is read through the same buffer.
    pub fn process_words(&self, word: &str, env: &dyn Env) -> Result<Vec<String>, ExpandError> {
        let mut run = Run::new(*self, word, env);
        run.words = Some(Words::default());
        match run.text(None, self.raw_escapes, 0) {
            Ok(_) => Ok(run.words.take().unwrap_or_default().finish()),
            Err(fault) => Err(run.error(word, fault)),
        }
    }

    /// The variable references of `word` under these settings; see [`variables`].
    pub fn variables(&self, word: &str) -> Vec<VarRef> {
        variables::scan(word, self.escape, !self.skip_process_quotes)
    }
}

/// What is left of [`MAX_WORK`].
struct Work(usize);

/// [`MAX_WORK`] is used up.
#[derive(Debug)]
struct WorkLimit;

impl Work {
    fn new() -> Self {
        Self(MAX_WORK)
    }

    fn spend(&mut self, units: usize) -> Result<(), WorkLimit> {
        self.0 = self.0.checked_sub(units).ok_or(WorkLimit)?;
        Ok(())
    }
}

/// Why a run ended early.
enum Fault {
    /// The word is not valid.
    Syntax(String),
    /// The word is too deep or too costly.
    Limit(&'static str),
}

impl From<WorkLimit> for Fault {
    fn from(_: WorkLimit) -> Self {
        Self::Limit("the expansion is too large")
    }
}

fn syntax<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Syntax(message.into()))
}

/// Names in the order of their first mention.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    seen: HashSet<String>,
}

impl Names {
    fn add(&mut self, name: &str) {
        if !self.seen.contains(name) {
            self.seen.insert(name.to_owned());
            self.names.push(name.to_owned());
        }
    }
}

/// Splits a stream of characters into words.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    current: String,
    in_word: bool,
}

impl Words {
    /// A character that splits if it is white space.
    fn split(&mut self, ch: char) {
        if !is_space(ch) {
            self.keep(ch);
        } else if self.in_word && !self.current.is_empty() {
            self.done.push(std::mem::take(&mut self.current));
            self.in_word = false;
        }
    }

    /// A character that belongs to the word whatever it is.
    fn keep(&mut self, ch: char) {
        self.current.push(ch);
        self.in_word = true;
    }

    fn finish(mut self) -> Vec<String> {
        if !self.current.is_empty() {
            self.done.push(self.current);
        }
        self.done
    }
}

/// One expansion under way.
struct Run<'a> {
    lex: Lex,
    scanner: TextScanner<'a>,
    env: &'a dyn Env,
    raw_escapes: bool,
    work: Work,
    matched: Names,
    unmatched: Names,
    words: Option<Words>,
    /// How many texts inside `${}` have been read so far.
    nested: usize,
}

impl<'a> Run<'a> {
    fn new(lex: Lex, word: &'a str, env: &'a dyn Env) -> Self {
        Self {
            lex,
            scanner: TextScanner::new(word),
            env,
            raw_escapes: lex.raw_escapes,
            work: Work::new(),
            matched: Names::default(),
            unmatched: Names::default(),
            words: None,
            nested: 0,
        }
    }

    fn error(self, word: &str, fault: Fault) -> ExpandError {
        let (message, limit) = match fault {
            Fault::Syntax(message) => (message, false),
            Fault::Limit(message) => (message.to_owned(), true),
        };
        ExpandError {
            message,
            offset: self.scanner.offset(),
            matched: self.matched.names,
            unmatched: self.unmatched.names,
            word: word.to_owned(),
            limit,
        }
    }

    /// Text up to `stop`, which is taken, or to the end of the word when there is none (BuildKit's `processStopOn`).
    /// `depth` counts the `${}` around it; the words of the whole run are collected at depth 0 only.
    fn text(&mut self, stop: Option<char>, raw_escapes: bool, depth: usize) -> Result<String, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Limit("substitutions are nested too deeply"));
        }
        if depth > 0 {
            self.nested += 1;
        }
        let outer_raw_escapes = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        let mut result = String::new();
        let mut words = if depth == 0 { self.words.take() } else { None };
        while let Some(ch) = self.scanner.peek() {
            self.work.spend(1)?;
            if stop == Some(ch) {
                self.scanner.next();
                self.raw_escapes = outer_raw_escapes;
                return Ok(result);
            }
            match ch {
                '$' | '\'' | '"' if ch == '$' || !self.lex.skip_process_quotes => {
                    let nested = self.nested;
                    let piece = match ch {
                        '$' => self.dollar(depth)?,
                        '\'' => self.single_quoted()?,
                        _ => self.double_quoted(depth)?,
                    };
                    self.work.spend(piece.len())?;
                    result.push_str(&piece);
                    if let Some(words) = &mut words {
                        // BuildKit reads the modifier's text through the buffer of the unfinished word.
                        if self.nested != nested {
                            words.current.clear();
                        }
                        if ch == '$' {
                            piece.chars().for_each(|ch| words.split(ch));
                        } else {
                            words.current.push_str(&piece);
                            words.in_word = true;
                        }
                    }
                }
                '<' => {
                    let piece = self.possible_heredoc()?;
                    result.push_str(&piece);
                    if let Some(words) = &mut words {
                        words.current.push_str(&piece);
                        words.in_word = true;
                    }
                }
                _ => {
                    self.scanner.next();
                    let mut plain = ch;
                    let escaped = ch == self.lex.escape;
                    if escaped {
                        if self.raw_escapes {
                            result.push(ch);
                            if let Some(words) = &mut words {
                                words.keep(ch);
                            }
                        }
                        // An escape character at the very end is dropped.
                        let Some(next) = self.scanner.next() else { break };
                        plain = next;
                    }
                    result.push(plain);
                    if let Some(words) = &mut words {
                        if escaped { words.keep(plain) } else { words.split(plain) }
                    }
                }
            }
        }
        if depth == 0 {
            self.words = words;
        }
        self.raw_escapes = outer_raw_escapes;
        match stop {
            Some(stop) => syntax(format!("unexpected end of statement while looking for matching {stop}")),
            None => Ok(result),
        }
    }

    /// `<`, or `<<` with the blanks behind it: a heredoc's delimiter may stand apart (`<< EOF`) and is one word with
    /// its operator all the same (BuildKit's `processPossibleHeredoc`).
    fn possible_heredoc(&mut self) -> Result<String, Fault> {
        self.scanner.next();
        let mut piece = String::from("<");
        if self.scanner.peek() == Some('<') {
            self.scanner.next();
            piece.push('<');
            while let Some(blank @ ('\t' | '\r' | ' ')) = self.scanner.peek() {
                self.work.spend(1)?;
                self.scanner.next();
                piece.push(blank);
            }
        }
        Ok(piece)
    }

    fn single_quoted(&mut self) -> Result<String, Fault> {
        self.scanner.next();
        let mut result = String::new();
        if self.lex.raw_quotes {
            result.push('\'');
        }
        while let Some(ch) = self.scanner.next() {
            self.work.spend(1)?;
            if ch == '\'' {
                if self.lex.raw_quotes {
                    result.push('\'');
                }
                return Ok(result);
            }
            result.push(ch);
        }
        syntax("unexpected end of statement while looking for matching single-quote")
    }

    fn double_quoted(&mut self, depth: usize) -> Result<String, Fault> {
        self.scanner.next();
        let mut result = String::new();
        if self.lex.raw_quotes {
            result.push('"');
        }
        while let Some(ch) = self.scanner.peek() {
            self.work.spend(1)?;
            if ch == '$' {
                let value = self.dollar(depth)?;
                self.work.spend(value.len())?;
                result.push_str(&value);
                continue;
            }
            self.scanner.next();
            if ch == '"' {
                if self.lex.raw_quotes {
                    result.push('"');
                }
                return Ok(result);
            }
            let mut plain = ch;
            if ch == self.lex.escape {
                if self.raw_escapes {
                    result.push(ch);
                }
                // Only these can be escaped in double quotes; in front of anything else the escape stays.
                match self.scanner.peek() {
                    None => continue,
                    Some(next) if next == '"' || next == '$' || next == self.lex.escape => {
                        self.scanner.next();
                        plain = next;
                    }
                    Some(_) => {}
                }
            }
            result.push(plain);
        }
        syntax("unexpected end of statement while looking for matching double-quote")
    }

    /// A reference, the scanner being at its `$` (BuildKit's `processDollar`).
    fn dollar(&mut self, depth: usize) -> Result<String, Fault> {
        self.scanner.next();
        if self.scanner.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            let value = self.look_up(&name)?;
            return Ok(match value {
                None if self.lex.skip_unset_env => format!("${name}"),
                value => value.unwrap_or_default(),
            });
        }
        self.scanner.next();
        match self.scanner.peek() {
            None => return syntax(MISSING_BRACE),
            Some('{' | '}' | ':') => return syntax("syntax error: bad substitution"),
            Some(_) => {}
        }
        let name = self.name();
        let first = self.scanner.next();
        match first {
            Some('}') => {
                let value = self.look_up(&name)?;
                Ok(match value {
                    None if self.lex.skip_unset_env => format!("${{{name}}}"),
                    value => value.unwrap_or_default(),
                })
            }
            Some(':') => {
                let second = self.scanner.next();
                let modifier: String = [':', second.unwrap_or(GO_EOF)].into_iter().collect();
                if matches!(second, Some('#' | '%')) {
                    return unsupported(&modifier);
                }
                self.modified(&name, second, &modifier, true, depth)
            }
            Some('+' | '-' | '?' | '#' | '%') => {
                let modifier = first.map(String::from).unwrap_or_default();
                self.modified(&name, first, &modifier, false, depth)
            }
            Some('/') => self.replaced(&name, depth),
            other => unsupported(&String::from(other.unwrap_or(GO_EOF))),
        }
    }

    /// `${name<modifier>word}` behind its modifier; `null_is_unset` for the forms with a colon.
    fn modified(
        &mut self,
        name: &str,
        kind: Option<char>,
        modifier: &str,
        null_is_unset: bool,
        depth: usize,
    ) -> Result<String, Fault> {
        let trims = matches!(kind, Some('#' | '%'));
        let word =
            self.text(Some('}'), trims, depth + 1).map_err(|fault| self.unclosed(fault, MISSING_BRACE))?;
        let value = self.look_up(name)?;
        if value.is_none() && self.lex.skip_unset_env {
            return Ok(format!("${{{name}{modifier}{word}}}"));
        }
        let missing = match &value {
            None => true,
            Some(value) => null_is_unset && value.is_empty(),
        };
        match kind {
            Some('-') => Ok(if missing { word } else { value.unwrap_or_default() }),
            Some('+') => Ok(if missing { String::new() } else { word }),
            Some('?') => match value {
                Some(value) if !missing => Ok(value),
                _ if !word.is_empty() => syntax(format!("{name}: {word}")),
                None => syntax(format!("{name}: is not allowed to be unset")),
                Some(_) => syntax(format!("{name}: is not allowed to be empty")),
            },
            Some('#') => {
                let (pattern, longest) = greedy(&word, '#');
                pattern::trim_prefix(pattern, &value.unwrap_or_default(), longest, &mut self.work)
                    .map_err(|error| pattern_fault(error, pattern))
            }
            Some('%') => {
                let (pattern, longest) = greedy(&word, '%');
                pattern::trim_suffix(pattern, &value.unwrap_or_default(), longest, &mut self.work)
                    .map_err(|(error, reversed)| pattern_fault(error, &reversed))
            }
            _ => unsupported(modifier),
        }
    }

    /// `${name/pattern/replacement}` and `${name//pattern/replacement}` behind the first slash.
    fn replaced(&mut self, name: &str, depth: usize) -> Result<String, Fault> {
        let all = self.scanner.eat('/');
        let pattern = self
            .text(Some('/'), true, depth + 1)
            .map_err(|fault| self.unclosed(fault, "syntax error: missing '/' in ${}"))?;
        let replacement =
            self.text(Some('}'), true, depth + 1).map_err(|fault| self.unclosed(fault, MISSING_BRACE))?;
        let value = self.look_up(name)?;
        if value.is_none() && self.lex.skip_unset_env {
            return Ok(format!("${{{name}/{pattern}/{replacement}}}"));
        }
        let replace = if all { pattern::replace_all } else { pattern::replace_first };
        replace(&pattern, &value.unwrap_or_default(), &replacement, &mut self.work)
            .map_err(|error| pattern_fault(error, &pattern))
    }

    /// BuildKit reports any error that leaves it at the end of the word as the missing character.
    fn unclosed(&self, fault: Fault, message: &str) -> Fault {
        match fault {
            Fault::Syntax(_) if self.scanner.peek().is_none() => Fault::Syntax(message.to_owned()),
            fault => fault,
        }
    }

    /// A name (BuildKit's `processName`): digits only, one special parameter, or letters, digits and underscores.
    fn name(&mut self) -> String {
        let mut name = String::new();
        take_name(&mut self.scanner, |ch| name.push(ch));
        name
    }

    fn look_up(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.env.get(name) {
            Some(value) => {
                self.matched.add(name);
                self.work.spend(value.len())?;
                Ok(Some(value.to_owned()))
            }
            None => {
                self.unmatched.add(name);
                Ok(None)
            }
        }
    }
}

const MISSING_BRACE: &str = "syntax error: missing '}'";
/// What Go makes of its end-of-file marker when it turns it into a string.
const GO_EOF: char = '\u{fffd}';

fn unsupported<T>(modifier: &str) -> Result<T, Fault> {
    syntax(format!("unsupported modifier ({modifier}) in substitution"))
}

fn pattern_fault(error: PatternError, pattern: &str) -> Fault {
    match error {
        PatternError::Malformed(why) => {
            Fault::Syntax(format!("invalid pattern ({pattern}) in substitution: {why}"))
        }
        PatternError::Limit => WorkLimit.into(),
    }
}

/// A doubled `#` or `%` asks for the longest match.
fn greedy(word: &str, kind: char) -> (&str, bool) {
    match word.strip_prefix(kind) {
        Some(rest) => (rest, true),
        None => (word, false),
    }
}

/// Takes a variable's name from `scanner`, giving each character to `take`. A name that starts with a digit is all
/// digits; one of `@*#?-$!` is a name of its own.
fn take_name(scanner: &mut TextScanner<'_>, mut take: impl FnMut(char)) {
    let Some(first) = scanner.peek() else { return };
    if matches!(first, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
        scanner.next();
        return take(first);
    }
    let digits_only = is_digit(first);
    while let Some(ch) = scanner.peek() {
        let belongs = if digits_only { is_digit(ch) } else { is_letter(ch) || is_digit(ch) || ch == '_' };
        if !belongs {
            break;
        }
        scanner.next();
        take(ch);
    }
}

#[cfg(test)]
mod tests;
