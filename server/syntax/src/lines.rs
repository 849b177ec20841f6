//! The line layer: where each instruction, comment and directive begins and ends, exactly as BuildKit sees it.
//!
//! The layer tiles the text: every byte belongs to one [`Block`]. An edit lexes again from the block that it touches
//! until the new blocks meet the old ones; the rest is moved, not read. Blocks that come out as they were keep their
//! [`Arc`], and with it all that was computed from them.
//! Source: frontend/dockerfile/parser/{parser,directives}.go.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::absent::Absent;
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

/// Two instructions are equal when everything that was parsed of them is.
impl PartialEq for Block {
    fn eq(&self, other: &Block) -> bool {
        match (self, other) {
            (Block::Blank, Block::Blank) => true,
            (Block::Comment(a), Block::Comment(b)) => a == b,
            (Block::Directive(a, x), Block::Directive(b, y)) => a == b && x == y,
            (Block::Instruction(a), Block::Instruction(b)) => a == b,
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

    /// The heredoc that never ends, if it has one; it is its last.
    fn open_heredoc(&self) -> Option<&Heredoc> {
        self.instruction()?.heredocs().last().filter(|h| !h.terminated)
    }

    /// Whether lexing gave the same block as before. What is parsed of an instruction is a function of its source, the
    /// escape character, and whether a BOM in front of it is the file's, so nothing else needs to be compared.
    fn comes_out_as(&self, old: &Placed) -> bool {
        match (&self.block, &old.block) {
            (Block::Instruction(a), Block::Instruction(b)) => {
                a.escape() == b.escape()
                    && a.source() == b.source()
                    && ((self.start == 0) == (old.start == 0) || !a.source().starts_with('\u{feff}'))
            }
            (a, b) => a == b,
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
    /// The blocks with a heredoc that never ends: ascending indices into `blocks`.
    open: Vec<usize>,
}

/// What an edit made the line layer do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relexed {
    /// Bytes lexed again.
    pub bytes: usize,
    /// Instructions parsed again.
    pub instructions: usize,
    /// The new blocks: indices into [`LineLayer::blocks`].
    pub blocks: Range<usize>,
    /// Where the new blocks stand in the text as it is now. The edit lies within.
    pub range: Range<usize>,
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
        let mut lexer = Lexer { text, pos: 0, bytes: 0, absent: Absent::default(), piece: ("", 0) };
        let first = self.first_to_relex(&mut lexer, &old, &new);
        self.note_absent(first, &mut lexer, &old, &new);
        let in_directives = first < self.directive_blocks || self.blocks.is_empty();
        // With directives in play everything above the edit is lexed again too; it is a handful of lines.
        let first = if in_directives { 0 } else { first };
        let (start, line) = match (self.blocks.get(first), self.blocks.last()) {
            (Some(block), _) => (block.start, block.line),
            (None, Some(last)) => (last.start + last.len, last.line + last.lines),
            (None, None) => (0, 0),
        };
        let mut state = if in_directives {
            State { escape: '\\', seen: Some(Vec::new()) }
        } else {
            State { escape: self.escape(), seen: None }
        };
        let old_escape = self.escape();
        lexer.pos = start;
        let mut fresh: Vec<Placed> = Vec::new();
        let mut next_line = line;
        let mut instructions = 0;
        let mut directive_blocks = if in_directives { 0 } else { self.directive_blocks };
        let mut resume = self.blocks.len();
        let mut candidate = first;
        loop {
            // Behind the edit, where an old block began at the same byte, the lexer would find the old blocks again.
            if state.seen.is_none() && state.escape == old_escape && lexer.pos >= new.end {
                let at = lexer.pos - new.end + old.end;
                while self.blocks.get(candidate).is_some_and(|b| b.start < at) {
                    candidate += 1;
                }
                if self.blocks.get(candidate).is_some_and(|b| b.start == at)
                    && candidate >= self.directive_blocks
                {
                    resume = candidate;
                    break;
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
        if let Some(at) = self.blocks.get(resume) {
            let (old_start, old_line) = (at.start, at.line);
            let (new_start, new_line) = (lexer.pos, next_line);
            for placed in &mut self.blocks[resume..] {
                placed.start = placed.start - old_start + new_start;
                placed.line = placed.line - old_line + new_line;
            }
        }
        keep_unchanged(&self.blocks[first..resume], &mut fresh);
        let count = fresh.len();
        self.reopen(first..resume, &fresh);
        self.blocks.splice(first..resume, fresh);
        self.directive_blocks = directive_blocks;
        self.escape = Some(state.escape);
        Relexed {
            bytes: lexer.bytes + lexer.absent.bytes_read(),
            instructions,
            blocks: first..first + count,
            range: start..lexer.pos,
        }
    }

    /// The first block that an edit can change; the number of blocks if it can change none of them.
    ///
    /// That is the block that holds the edit's first byte: the one before it ends in a line feed and looked at nothing
    /// behind that, unless it has a heredoc that never ends. Such a one depends on two things below it: on the line at
    /// which it was given up, which is the next block's first, and on there being no line that ends it.
    fn first_to_relex(&self, lexer: &mut Lexer<'_>, old: &Range<usize>, new: &Range<usize>) -> usize {
        let Some(mut first) = self.block_at(old.start) else { return 0 };
        let above = self.open.partition_point(|&at| at < first);
        if above > 0 {
            let start = self.blocks[first].start;
            let before = lexer.text.slice(start..old.start);
            lexer.bytes += before.len();
            let line_start = before.rfind('\n').map_or(start, |at| start + at + 1);
            if line_start == start && self.open.binary_search(&(first - 1)).is_ok() {
                first -= 1;
            }
            // The lines that the edit changed; most often one.
            lexer.pos = line_start;
            let mut changed = Vec::new();
            while lexer.pos <= new.end && !lexer.at_end() {
                changed.push(lexer.line());
            }
            let lines: HashSet<&str> = changed.iter().map(|line| trim_newline(line)).collect();
            let chomped: HashSet<&str> = lines.iter().map(|line| line.trim_start_matches('\t')).collect();
            let ends = |h: &Heredoc| if h.chomp { &chomped } else { &lines }.contains(h.name.as_str());
            let ended = |&&at: &&usize| self.blocks[at].open_heredoc().is_some_and(ends);
            first = self.open[..above].iter().find(ended).map_or(first, |&at| at.min(first));
        }
        first
    }

    /// Tells the lexer what is known about the heredoc of the block that it starts with: that no line behind the edit
    /// ends it. Without this each character typed in its body would read the file to its end.
    fn note_absent(&self, first: usize, lexer: &mut Lexer<'_>, old: &Range<usize>, new: &Range<usize>) {
        let Some(placed) = self.blocks.get(first) else { return };
        let Some(heredoc) = placed.open_heredoc() else { return };
        lexer.pos = new.end;
        lexer.line();
        let search = placed.start + heredoc.body.start;
        let moved = if search >= old.end { search - old.end + new.end } else { 0 };
        lexer.absent.note(&heredoc.name, heredoc.chomp, lexer.pos.max(moved));
    }

    /// Brings `open` up to date for `fresh` in the place of the blocks `replaced`.
    fn reopen(&mut self, replaced: Range<usize>, fresh: &[Placed]) {
        let from = self.open.partition_point(|&at| at < replaced.start);
        let to = self.open.partition_point(|&at| at < replaced.end);
        for at in &mut self.open[to..] {
            *at = *at - replaced.end + replaced.start + fresh.len();
        }
        let new = fresh.iter().enumerate().filter(|(_, b)| b.open_heredoc().is_some());
        self.open.splice(from..to, new.map(|(at, _)| replaced.start + at));
    }
}

/// Gives the blocks of `fresh` that equal those of `old`, counted from either end, the old content.
fn keep_unchanged(old: &[Placed], fresh: &mut [Placed]) {
    let keep = |(old, fresh): (&Placed, &mut Placed)| {
        let same = fresh.comes_out_as(old);
        if same {
            fresh.block = old.block.clone();
        }
        same
    };
    let front = old.iter().zip(fresh.iter_mut()).map(keep).take_while(|&same| same).count();
    let (old, fresh) = (&old[front..], &mut fresh[front..]);
    old.iter().rev().zip(fresh.iter_mut().rev()).map(keep).take_while(|&same| same).count();
}

/// Reads blocks off a text.
struct Lexer<'a> {
    text: &'a Text,
    pos: usize,
    bytes: usize,
    absent: Absent,
    /// The piece of the rope that was read last, and where it starts.
    piece: (&'a str, usize),
}

impl<'a> Lexer<'a> {
    /// The line at the current position, its line feed included, and moves behind it.
    fn line(&mut self) -> Cow<'a, str> {
        let start = self.pos;
        let mut end = start;
        loop {
            let (piece, piece_start) = self.piece;
            match end.checked_sub(piece_start).and_then(|at| piece.as_bytes().get(at..)) {
                Some(rest) if !rest.is_empty() => match rest.iter().position(|&byte| byte == b'\n') {
                    Some(at) => {
                        end += at + 1;
                        break;
                    }
                    None => end += rest.len(),
                },
                _ => match self.text.piece_at(end) {
                    Some(piece) => self.piece = piece,
                    None => break,
                },
            }
        }
        self.pos = end;
        self.bytes += end - start;
        // Most lines lie in one piece of the rope.
        let (piece, piece_start) = self.piece;
        match start.checked_sub(piece_start).and_then(|at| piece.get(at..end.checked_sub(piece_start)?)) {
            Some(line) => Cow::Borrowed(line),
            None => self.text.slice(start..end),
        }
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
            let start = self.pos;
            let absent_from = self.absent.from(&marker.name, marker.chomp, start, self.text);
            let mut terminator: Option<usize> = None;
            // Where a half-typed heredoc's body is taken to end: the next line that is plainly an instruction.
            let mut recovery: Option<(usize, usize)> = None;
            while !self.at_end() {
                let at = self.pos;
                if recovery.is_some() && at >= absent_from {
                    break;
                }
                let line = self.line();
                let mut candidate = trim_newline(&line);
                if marker.chomp {
                    candidate = candidate.trim_start_matches('\t');
                }
                if recovery.is_none() && starts_instruction(&line) {
                    recovery = Some((at, lines));
                }
                lines += 1;
                if candidate == marker.name {
                    terminator = Some(at);
                    break;
                }
            }
            if terminator.is_none() {
                self.absent.note_search(&marker.name, marker.chomp, start);
                // BuildKit gives up on the whole file here. We take back what looks like the rest of it.
                (self.pos, lines) = recovery.unwrap_or((self.pos, lines));
            }
            head.lines.source.push_str(&self.text.slice(start..self.pos));
            heredocs.push(Heredoc {
                name: marker.name,
                expand: marker.expand,
                chomp: marker.chomp,
                fd: marker.fd,
                body: from..from + (terminator.unwrap_or(self.pos) - start),
                terminated: terminator.is_some(),
            });
            if terminator.is_none() {
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

/// A line without its line break, as BuildKit cuts it: all carriage returns and line feeds at its end.
pub(crate) fn trim_newline(line: &str) -> &str {
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
