//! The line layer: where each instruction, comment and directive begins and ends, exactly as BuildKit sees it.
//!
//! The layer tiles the text: every byte belongs to one [`Block`]. An edit lexes again from the block before it until
//! the new blocks meet the old ones; the rest is moved, not read.
//! Source: frontend/dockerfile/parser/{parser,directives}.go.

use std::ops::Range;
use std::sync::Arc;

use crate::heredoc::Heredoc;
use crate::instruction::{self, Instruction, Lines};
use crate::json_array;
use crate::keyword::Keyword;
use crate::logical::Logical;
use crate::text::Text;

/// The longest line that BuildKit's scanner takes, in bytes, its line feed included.
pub const MAX_LINE: usize = 64 * 1024;

/// A parser directive: `# syntax=`, `# escape=` or `# check=` at the top of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The name in lower case.
    pub name: String,
    /// The value, trimmed.
    pub value: String,
    /// Where the value stands in its line.
    pub value_range: Range<usize>,
    /// Why BuildKit refuses it, if it does.
    pub error: Option<String>,
}

/// What a run of lines is.
#[derive(Clone, Debug)]
pub enum Block {
    /// A line of white space.
    Blank,
    /// A comment line: its text without the line break.
    Comment(Arc<str>),
    /// A parser directive, a comment that means something.
    Directive(Arc<Directive>, Arc<str>),
    /// An instruction with its continuation lines and heredoc bodies.
    Instruction(Arc<Instruction>),
}

impl PartialEq for Block {
    fn eq(&self, other: &Block) -> bool {
        match (self, other) {
            (Block::Blank, Block::Blank) => true,
            (Block::Comment(a), Block::Comment(b)) => a == b,
            (Block::Directive(a, x), Block::Directive(b, y)) => a == b && x == y,
            (Block::Instruction(a), Block::Instruction(b)) => {
                a.source() == b.source()
                    && a.escape() == b.escape()
                    && a.heredocs() == b.heredocs()
                    && a.problems() == b.problems()
                    && a.args() == b.args()
            }
            _ => false,
        }
    }
}

/// A block and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Its first byte.
    pub start: usize,
    /// Its first line, from 0, counting line feeds only, as BuildKit does.
    pub line: usize,
    /// Its length in bytes.
    pub len: usize,
    /// How many lines it has.
    pub lines: usize,
    /// What it is.
    pub block: Block,
}

impl Placed {
    /// Its bytes.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.len
    }

    /// The instruction, if it is one.
    pub fn instruction(&self) -> Option<&Arc<Instruction>> {
        match &self.block {
            Block::Instruction(instruction) => Some(instruction),
            _ => None,
        }
    }
}

/// The blocks of one text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineLayer {
    blocks: Vec<Placed>,
    /// Blocks before this index were lexed while directives were still possible, the first of them that was none
    /// included.
    directive_blocks: usize,
    escape: Option<char>,
    unterminated: usize,
}

/// What an edit made the line layer do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relexed {
    /// Bytes lexed again.
    pub bytes: usize,
    /// Instructions parsed again.
    pub instructions: usize,
    /// The new blocks: indices into [`LineLayer::blocks`].
    pub blocks: (usize, usize),
}

/// What the lexer carries from line to line.
#[derive(Clone, Debug)]
struct State {
    escape: char,
    /// Directives seen so far; `None` once no more are possible.
    seen: Option<Vec<String>>,
}

impl LineLayer {
    /// Lexes a whole text.
    pub fn new(text: &Text) -> LineLayer {
        let mut layer = LineLayer::default();
        layer.relex(text, 0..0, 0..text.len());
        layer
    }

    /// The blocks, in order; they tile the text.
    pub fn blocks(&self) -> &[Placed] {
        &self.blocks
    }

    /// The escape character in force.
    pub fn escape(&self) -> char {
        self.escape.unwrap_or('\\')
    }

    /// The index of the block that holds the byte `at`; the last block for the text's end; `None` for an empty text.
    pub fn block_at(&self, at: usize) -> Option<usize> {
        if self.blocks.is_empty() {
            return None;
        }
        Some(self.blocks.partition_point(|b| b.start <= at).saturating_sub(1))
    }

    /// Brings the layer up to date after `old` (a byte range of the text as it was) was replaced; `new` is the range
    /// of the replacement in `text`, so both start at the same byte.
    pub fn relex(&mut self, text: &Text, old: Range<usize>, new: Range<usize>) -> Relexed {
        let first = self.first_to_relex(&old);
        let start = self.blocks.get(first).map_or(0, |b| b.start);
        let line = self.blocks.get(first).map_or(0, |b| b.line);
        let in_directives = first < self.directive_blocks || self.blocks.is_empty();
        // With directives in play everything above the edit is lexed again too; it is a handful of lines.
        let (first, start, line) = if in_directives { (0, 0, 0) } else { (first, start, line) };
        let mut state = if in_directives {
            State { escape: '\\', seen: Some(Vec::new()) }
        } else {
            State { escape: self.escape(), seen: None }
        };
        let old_escape = self.escape();
        let mut lexer = Lexer { text, pos: start, bytes: 0 };
        let mut fresh: Vec<Placed> = Vec::new();
        let mut next_line = line;
        let mut instructions = 0;
        let mut directive_blocks = if in_directives { 0 } else { self.directive_blocks };
        let mut resume = self.blocks.len();
        // `old_end` and `lexer.pos` name the same byte once it lies behind the edit.
        let behind = |pos: usize| pos.checked_sub(new.end).map(|d| old.end + d);
        let mut candidate = first;
        loop {
            if state.seen.is_none()
                && state.escape == old_escape
                && lexer.pos > new.end
                && !self.blocks.is_empty()
            {
                if let Some(at) = behind(lexer.pos) {
                    while candidate < self.blocks.len() && self.blocks[candidate].start < at {
                        candidate += 1;
                    }
                    if candidate < self.blocks.len()
                        && self.blocks[candidate].start == at
                        && candidate >= self.directive_blocks
                    {
                        resume = candidate;
                        break;
                    }
                }
            }
            if lexer.pos >= text.len() {
                break;
            }
            let was_open = state.seen.is_some();
            let from = lexer.pos;
            let (block, lines) = lexer.block(&mut state);
            if was_open {
                directive_blocks += 1;
            }
            instructions += usize::from(matches!(block, Block::Instruction(_)));
            fresh.push(Placed { start: from, line: next_line, len: lexer.pos - from, lines, block });
            next_line += lines;
        }
        if resume < self.blocks.len() {
            let old_start = self.blocks[resume].start;
            let old_line = self.blocks[resume].line;
            let (new_start, new_line) = (lexer.pos, next_line);
            for placed in &mut self.blocks[resume..] {
                placed.start = placed.start - old_start + new_start;
                placed.line = placed.line - old_line + new_line;
            }
        }
        let bytes = lexer.bytes;
        let count = fresh.len();
        self.blocks.splice(first..resume, fresh);
        self.directive_blocks = directive_blocks;
        self.escape = Some(state.escape);
        self.unterminated = self.blocks.iter().filter(|b| is_unterminated(b)).count();
        Relexed { bytes, instructions, blocks: (first, first + count) }
    }

    /// The first block that an edit of `old` can change. The block before the edit counts, because text appended to
    /// its last line belongs to it; so does an unterminated heredoc anywhere above, which looked at all that follows.
    fn first_to_relex(&self, old: &Range<usize>) -> usize {
        let Some(touched) = self.block_at(old.start.saturating_sub(1)) else { return 0 };
        if self.unterminated == 0 {
            return touched;
        }
        self.blocks[..touched].iter().position(is_unterminated).unwrap_or(touched)
    }
}

fn is_unterminated(placed: &Placed) -> bool {
    placed.instruction().is_some_and(|i| i.heredocs().iter().any(|h| !h.terminated))
}

/// Reads blocks off a text.
struct Lexer<'a> {
    text: &'a Text,
    pos: usize,
    bytes: usize,
}

impl Lexer<'_> {
    /// The line at the current position, its line feed included, and moves behind it.
    fn line(&mut self) -> std::borrow::Cow<'_, str> {
        let start = self.pos;
        let mut end = start;
        loop {
            let chunk = self.text.chunk_at(end);
            if chunk.is_empty() {
                break;
            }
            match chunk.iter().position(|&b| b == b'\n') {
                Some(at) => {
                    end += at + 1;
                    break;
                }
                None => end += chunk.len(),
            }
        }
        self.pos = end;
        self.bytes += end - start;
        self.text.slice(start..end)
    }

    fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// The next block and how many lines it has.
    fn block(&mut self, state: &mut State) -> (Block, usize) {
        let start = self.pos;
        let line = self.line().into_owned();
        let bom = if start == 0 && line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let content = trim_newline(&line[bom..]);
        let indent = bom + (content.len() - content.trim_start().len());
        let content = content.trim_start();
        let directive = directive(content, indent, state);
        if content.starts_with('#') {
            let comment: Arc<str> = trim_newline(&line).into();
            return match directive {
                Some(directive) => (Block::Directive(Arc::new(directive), comment), 1),
                None => (Block::Comment(comment), 1),
            };
        }
        let (content, continues) = trim_continuation(content, state.escape);
        if content.is_empty() && !continues {
            return (Block::Blank, 1);
        }
        let mut logical = Logical::default();
        logical.push(content, indent);
        let mut lines = 1;
        let mut comments = Vec::new();
        let mut empty = Vec::new();
        let mut too_long = line.len() > MAX_LINE;
        let mut source = line;
        let mut continues = continues;
        while continues && !self.at_end() {
            let at = source.len();
            let escape = state.escape;
            let next = self.line();
            lines += 1;
            too_long |= next.len() > MAX_LINE;
            let content = trim_newline(&next);
            if is_comment(content) {
                comments.push(at..at + content.len());
            } else if content.trim_start().is_empty() {
                empty.push(at..at + content.len());
            } else {
                let (content, more) = trim_continuation(content, escape);
                logical.push(content, at);
                continues = more;
            }
            source.push_str(&next);
        }
        let head = instruction::head(Lines {
            source,
            logical,
            comments,
            empty_continuations: empty,
            head_lines: lines,
            escape: state.escape,
        });
        let (instruction, lines) = self.heredocs(head, lines, too_long);
        (Block::Instruction(Arc::new(instruction)), lines)
    }

    /// Reads the heredoc bodies that follow an instruction's head.
    fn heredocs(
        &mut self,
        mut head: instruction::Head,
        mut lines: usize,
        too_long: bool,
    ) -> (Instruction, usize) {
        let mut heredocs = Vec::new();
        for marker in std::mem::take(&mut head.markers) {
            let from = head.lines.source.len();
            let back = (self.pos, lines);
            let mut body_end = from;
            let mut terminated = false;
            // Where a half-typed heredoc's body is taken to end: the next line that is plainly an instruction.
            let mut recovery: Option<(usize, usize)> = None;
            let mut text = String::new();
            while !self.at_end() {
                let at = self.pos;
                let line = self.line().into_owned();
                let mut candidate = trim_newline(&line);
                if marker.chomp {
                    candidate = candidate.trim_start_matches('\t');
                }
                if recovery.is_none() && starts_instruction(&line) {
                    recovery = Some((at, lines));
                }
                lines += 1;
                text.push_str(&line);
                if candidate == marker.name {
                    terminated = true;
                    break;
                }
                body_end += line.len();
            }
            if terminated {
                head.lines.source.push_str(&text);
            } else {
                // BuildKit gives up on the whole file here. We take back what looks like the rest of it.
                let (end, end_lines) = recovery.unwrap_or((self.pos, lines));
                text.truncate(end - back.0);
                head.lines.source.push_str(&text);
                body_end = from + text.len();
                self.pos = end;
                lines = end_lines;
            }
            heredocs.push(Heredoc {
                name: marker.name,
                expand: marker.expand,
                chomp: marker.chomp,
                fd: marker.fd,
                body: from..body_end,
                terminated,
            });
            if !terminated {
                break;
            }
        }
        (head.finish(heredocs, lines, too_long), lines)
    }
}

/// Whether a line of a heredoc that never ends is plainly the next instruction: an upper-case keyword at its start,
/// followed by an argument. `RUN`, `COPY` and the like are no shell commands.
fn starts_instruction(line: &str) -> bool {
    let Some((word, rest)) = line.split_once([' ', '\t']) else { return false };
    !rest.trim().is_empty() && Keyword::parse(word).is_some_and(|k| k.as_str() == word)
}

fn trim_newline(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Cuts a continuation character and the blanks behind it off; says whether there was one. An escape character that
/// is itself escaped continues nothing.
fn trim_continuation(line: &str, escape: char) -> (&str, bool) {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        Some(before) if !before.ends_with(escape) => (before, true),
        _ => (line, false),
    }
}

/// Reads a line as a directive and notes in `state` what it means for the lines below.
fn directive(content: &str, indent: usize, state: &mut State) -> Option<Directive> {
    let seen = state.seen.as_mut()?;
    let Some(found) = parse_directive(content, indent) else {
        state.seen = None;
        return None;
    };
    let (name, value, value_range) = found;
    let mut error = None;
    if seen.contains(&name) {
        error = Some(format!("Only one `{name}` directive can be used; delete this one."));
    } else {
        seen.push(name.clone());
        if name == "escape" {
            match value.as_str() {
                "`" => state.escape = '`',
                "\\" => state.escape = '\\',
                _ => error = Some(format!("The escape character can be \\ or `, not `{value}`.")),
            }
        }
    }
    Some(Directive { name, value, value_range, error })
}

/// Looks for one directive at the top of a text without parsing it: its value and its line (from 0). With `any_format`
/// also `// name = value` and a JSON object, as BuildKit does when it chooses the frontend. A shebang line is skipped.
pub fn detect_directive(text: &str, name: &str, any_format: bool) -> Option<(String, usize)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (body, skipped) = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => (rest, 1),
        None if text.starts_with("#!") => return None,
        _ => (text, 0),
    };
    let scan = |prefix: &str| {
        let mut seen: Vec<String> = Vec::new();
        for (line, content) in body.lines().enumerate() {
            let (found, value, _) = parse_directive(&format!("#{}", content.strip_prefix(prefix)?), 0)?;
            if seen.contains(&found) {
                return None;
            }
            if found == name {
                return Some((value, skipped + line));
            }
            seen.push(found);
        }
        None
    };
    if let Some(found) = scan("#") {
        return Some(found);
    }
    if !any_format {
        return None;
    }
    scan("//").or_else(|| json_array::string_member(body, name).map(|value| (value, skipped)))
}

/// `# name = value` with a name that BuildKit knows.
fn parse_directive(content: &str, indent: usize) -> Option<(String, String, Range<usize>)> {
    let body = content.strip_prefix('#')?.trim_start();
    let (name, value) = body.split_once('=')?;
    // Go's `\s` before the `=` is ASCII white space only.
    let name = name.trim_end_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    let mut letters = name.bytes();
    if !letters.next()?.is_ascii_alphabetic() || !letters.all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    if !matches!(name.as_str(), "syntax" | "escape" | "check") {
        return None;
    }
    let ascii_space: &[char] = &['\t', '\n', '\u{c}', '\r', ' '];
    let leading = value.len() - value.trim_start_matches(ascii_space).len();
    let trimmed = value.trim_matches(ascii_space);
    if trimmed.is_empty() {
        return None;
    }
    let start = indent + (content.len() - value.len()) + leading;
    Some((name, trimmed.to_owned(), start..start + trimmed.len()))
}
