//! Lists the variable references of a word without expanding it.

use std::ops::Range;

use super::take_name;
use crate::gostr::TextScanner;

/// One `$name` or `${name...}` in a word. All ranges are byte ranges in the word, half-open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VarRef {
    /// The name; empty in `${}` and in a half-typed `${`. Digits (`$1`) and special parameters (`$@`) count as names,
    /// since BuildKit looks them up like any other.
    pub name: String,
    /// Where the name stands.
    pub name_range: Range<usize>,
    /// The whole reference. Ends with the word if a modifier's closing `}` is missing, else with the last character
    /// that belongs to it for certain.
    pub range: Range<usize>,
    /// Written with braces.
    pub braced: bool,
    /// Complete: without braces, or with both of them.
    pub closed: bool,
    /// What follows the name within the braces.
    pub modifier: Option<Modifier>,
}

/// The part of `${name<operator>word}` behind the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modifier {
    /// What the modifier does.
    pub kind: ModifierKind,
    /// `:` in front: an empty value counts as unset.
    pub null_is_unset: bool,
    /// `##` and `%%` (longest match), `//` (every match).
    pub doubled: bool,
    /// The operator: `-`, `:-`, `##`, `/` and so on; empty if the character behind the name is no operator at all.
    pub operator: Range<usize>,
    /// The text behind the operator, up to the closing brace, or for a replacement up to the second slash.
    pub word: Range<usize>,
    /// For a replacement whose pattern is complete: the text that replaces.
    pub replacement: Option<Range<usize>>,
}

/// The kinds of modifiers that BuildKit knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModifierKind {
    /// `-`: the word if the variable is unset.
    Default,
    /// `+`: the word if the variable is set.
    Alternative,
    /// `?`: an error if the variable is unset.
    Required,
    /// `#`: the value without a matching prefix.
    TrimPrefix,
    /// `%`: the value without a matching suffix.
    TrimSuffix,
    /// `/`: the value with matches replaced.
    Replace,
    /// Anything else, which BuildKit refuses.
    Unsupported,
}

/// What the scanner is inside of.
enum Frame {
    DoubleQuotes,
    /// The word of a modifier, up to `}`; the index of the reference.
    Word(usize),
    /// The pattern of a replacement, up to `/`.
    Pattern(usize),
    /// The replacement, up to `}`.
    Replacement(usize),
}

/// The variable references of `word`, in the order of their `$`; those inside a modifier's word follow the reference
/// around them. `escape` is the file's escape character. Single quotes hide references, double quotes do not.
///
/// Never fails: what BuildKit would refuse, or what is only half typed, is listed as far as it goes. Of a word that
/// BuildKit accepts, the names are exactly the ones that it looks up.
pub fn variables(word: &str, escape: char) -> Vec<VarRef> {
    scan(word, escape, true)
}

/// As [`variables`]; without `quotes`, quotes are ordinary characters.
pub(super) fn scan(word: &str, escape: char, quotes: bool) -> Vec<VarRef> {
    let mut scan = Scan { scanner: TextScanner::new(word), found: Vec::new(), frames: Vec::new() };
    while let Some(ch) = scan.scanner.peek() {
        if ch == '$' {
            scan.reference(escape);
            continue;
        }
        let in_double_quotes = matches!(scan.frames.last(), Some(Frame::DoubleQuotes));
        if !in_double_quotes && scan.closes(ch) {
            continue;
        }
        scan.scanner.next();
        match ch {
            '"' if in_double_quotes => {
                scan.frames.pop();
            }
            '"' if quotes => scan.frames.push(Frame::DoubleQuotes),
            '\'' if quotes && !in_double_quotes => while scan.scanner.next().is_some_and(|ch| ch != '\'') {},
            _ if ch == escape => match scan.scanner.peek() {
                Some(next) if in_double_quotes && !(next == '"' || next == '$' || next == escape) => {}
                _ => {
                    scan.scanner.next();
                }
            },
            _ => {}
        }
    }
    scan.finish()
}

struct Scan<'a> {
    scanner: TextScanner<'a>,
    found: Vec<VarRef>,
    frames: Vec<Frame>,
}

impl Scan<'_> {
    /// Takes a reference up to the end of its modifier's operator, the scanner being at its `$`.
    fn reference(&mut self, escape: char) {
        let start = self.scanner.offset();
        self.scanner.next();
        let braced = self.scanner.eat('{');
        let name_start = self.scanner.offset();
        let mut name = String::new();
        take_name(&mut self.scanner, |ch| name.push(ch));
        let name_end = self.scanner.offset();
        if name.is_empty() && !braced {
            return;
        }
        let index = self.found.len();
        self.found.push(VarRef {
            name,
            name_range: name_start..name_end,
            range: start..name_end,
            braced,
            closed: !braced,
            modifier: None,
        });
        if braced {
            if self.scanner.eat('}') {
                self.close(index);
            } else if let Some(ch) = self.scanner.peek() {
                self.modifier(index, ch, escape);
            }
        }
    }

    /// Takes a modifier's operator, whose first character is `first`, and enters its word.
    fn modifier(&mut self, index: usize, first: char, escape: char) {
        let operator_start = self.scanner.offset();
        // In `"${FOO"` or `${FOO ` the brace is missing: what follows is not part of the reference.
        if first.is_whitespace() || matches!(first, '"' | '\'' | '$') || first == escape {
            return;
        }
        let null_is_unset = self.scanner.eat(':');
        let kind = match self.scanner.peek() {
            Some('-') => ModifierKind::Default,
            Some('+') => ModifierKind::Alternative,
            Some('?') => ModifierKind::Required,
            Some('#') if !null_is_unset => ModifierKind::TrimPrefix,
            Some('%') if !null_is_unset => ModifierKind::TrimSuffix,
            Some('/') if !null_is_unset => ModifierKind::Replace,
            _ => ModifierKind::Unsupported,
        };
        let mut doubled = false;
        if kind != ModifierKind::Unsupported {
            let operator = self.scanner.next();
            if let (
                Some(operator),
                ModifierKind::TrimPrefix | ModifierKind::TrimSuffix | ModifierKind::Replace,
            ) = (operator, kind)
            {
                doubled = self.scanner.eat(operator);
            }
        }
        let at = self.scanner.offset();
        self.frames.push(if kind == ModifierKind::Replace {
            Frame::Pattern(index)
        } else {
            Frame::Word(index)
        });
        if let Some(reference) = self.found.get_mut(index) {
            reference.range.end = at;
            reference.modifier = Some(Modifier {
                kind,
                null_is_unset,
                doubled,
                operator: operator_start..at,
                word: at..at,
                replacement: None,
            });
        }
    }

    /// Whether `ch` ends the innermost modifier's word; takes it if so.
    fn closes(&mut self, ch: char) -> bool {
        let at = self.scanner.offset();
        let (index, stop) = match self.frames.last() {
            Some(Frame::Word(index) | Frame::Replacement(index)) => (*index, '}'),
            Some(Frame::Pattern(index)) => (*index, '/'),
            Some(Frame::DoubleQuotes) | None => return false,
        };
        if ch != stop {
            return false;
        }
        self.scanner.next();
        self.end_part(at);
        if let Some(Frame::Pattern(_)) = self.frames.pop() {
            self.frames.push(Frame::Replacement(index));
            if let Some(modifier) = self.found.get_mut(index).and_then(|found| found.modifier.as_mut()) {
                modifier.replacement = Some(at + 1..at + 1);
            }
        } else {
            self.close(index);
        }
        true
    }

    /// Ends the text of the innermost frame at `at`.
    fn end_part(&mut self, at: usize) {
        let (index, replacement) = match self.frames.last() {
            Some(Frame::Word(index) | Frame::Pattern(index)) => (*index, false),
            Some(Frame::Replacement(index)) => (*index, true),
            Some(Frame::DoubleQuotes) | None => return,
        };
        let Some(modifier) = self.found.get_mut(index).and_then(|found| found.modifier.as_mut()) else {
            return;
        };
        match &mut modifier.replacement {
            Some(range) if replacement => range.end = at,
            _ => modifier.word.end = at,
        }
    }

    fn close(&mut self, index: usize) {
        if let Some(reference) = self.found.get_mut(index) {
            reference.range.end = self.scanner.offset();
            reference.closed = true;
        }
    }

    /// Lets the references that are still open end with the word.
    fn finish(mut self) -> Vec<VarRef> {
        let end = self.scanner.offset();
        while let Some(frame) = self.frames.last() {
            if let Frame::Word(index) | Frame::Pattern(index) | Frame::Replacement(index) = *frame {
                self.end_part(end);
                if let Some(reference) = self.found.get_mut(index) {
                    let unsupported = |modifier: &Modifier| modifier.kind == ModifierKind::Unsupported;
                    if reference.modifier.as_ref().is_some_and(unsupported) {
                        reference.modifier = None;
                        reference.range.end = reference.name_range.end;
                    } else {
                        reference.range.end = end;
                    }
                }
            }
            self.frames.pop();
        }
        self.found
    }
}
