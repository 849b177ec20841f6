//! One instruction, parsed from its own lines and nothing else.
//!
//! An [`Instruction`] owns its source text and every range in it is relative to its own first byte, so that it
//! stays valid, and shareable between snapshots, when text above it is edited.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::heredoc::{self, Heredoc};
use crate::json_array::{self, NotExec};
use crate::keyword::Keyword;
use crate::logical::Logical;
use crate::shell::Script;
use crate::split::{self, Piece};
use crate::tree;
use crate::validate;

use tree_sitter::Tree;

/// A word of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The value as BuildKit's parser has it: quotes kept except in the exec form and in flags, variables not
    /// expanded.
    pub value: String,
    /// Where it stands in the instruction's source. Empty separators of `ENV k v` have an empty range.
    pub range: Range<usize>,
}

/// How an instruction's arguments are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Words: COPY, ENV, EXPOSE ...
    Words,
    /// One string for a shell: RUN, CMD, ENTRYPOINT, HEALTHCHECK CMD.
    Shell,
    /// A JSON array.
    Exec,
}

/// Something in an instruction that BuildKit refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in the instruction's source.
    pub range: Range<usize>,
    /// What is wrong and what to do.
    pub message: String,
    /// Which stage of BuildKit refuses it.
    pub kind: ProblemKind,
}

/// What refuses an instruction; BuildKit runs the first over the whole file before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The parser: the text has no structure.
    Parse,
    /// The instruction parser: keyword, flags or number of arguments.
    Instruction,
}

/// One instruction.
#[derive(Debug)]
pub struct Instruction {
    source: Box<str>,
    logical: Logical,
    keyword: Word,
    kind: Option<Keyword>,
    flags: Vec<Word>,
    form: Form,
    args: Vec<Word>,
    /// The arguments in the logical line.
    rest: Range<usize>,
    heredocs: Vec<Heredoc>,
    trigger: Option<Box<Instruction>>,
    comments: Vec<Range<usize>>,
    empty_continuations: Vec<Range<usize>>,
    lines: usize,
    head_lines: usize,
    escape: char,
    problems: Vec<Problem>,
    script: OnceLock<Option<Arc<Script>>>,
    tree_alone: OnceLock<Option<(Tree, usize)>>,
}

impl Instruction {
    /// Its source text, from the first byte of its first line to the end of its last line, line break
    /// included.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its lines joined.
    pub fn logical(&self) -> &Logical {
        &self.logical
    }

    /// The keyword as written.
    pub fn keyword(&self) -> &Word {
        &self.keyword
    }

    /// The keyword, if it is one.
    pub fn kind(&self) -> Option<Keyword> {
        self.kind
    }

    /// The flags, `--name` or `--name=value`.
    pub fn flags(&self) -> &[Word] {
        &self.flags
    }

    /// The value of the last flag of this name; "" for a flag without `=`.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().rev().find_map(|f| flag_value(&f.value, name))
    }

    /// The values of all flags of this name, in order.
    pub fn flag_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.flags.iter().filter_map(move |f| flag_value(&f.value, name))
    }

    /// The values of all flags of this name, in order, each with the flag as a word.
    pub fn flag_values_words<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Word)> {
        self.flags.iter().filter_map(move |f| Some((flag_value(&f.value, name)?, f)))
    }

    /// The flag of this name as a word.
    pub fn flag_word(&self, name: &str) -> Option<&Word> {
        self.flags.iter().rev().find(|f| flag_value(&f.value, name).is_some())
    }

    /// How the arguments are written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The arguments as BuildKit's parser has them; ENV and LABEL as name, value, separator triples; the shell
    /// form as one joined string.
    pub fn args(&self) -> &[Word] {
        &self.args
    }

    /// Where the arguments stand in the logical line.
    pub fn args_logical(&self) -> Range<usize> {
        self.rest.clone()
    }

    /// The heredocs, in order.
    pub fn heredocs(&self) -> &[Heredoc] {
        &self.heredocs
    }

    /// The instruction inside ONBUILD.
    pub fn trigger(&self) -> Option<&Instruction> {
        self.trigger.as_deref()
    }

    /// The comment lines between its continuation lines, without their line breaks.
    pub fn comments(&self) -> &[Range<usize>] {
        &self.comments
    }

    /// The empty lines between its continuation lines.
    pub fn empty_continuations(&self) -> &[Range<usize>] {
        &self.empty_continuations
    }

    /// How many lines (ended by a line feed) it has, heredoc bodies included.
    pub fn line_count(&self) -> usize {
        self.lines
    }

    /// How many lines it has before its heredoc bodies.
    pub fn head_line_count(&self) -> usize {
        self.head_lines
    }

    /// The escape character in force.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// What BuildKit refuses in it, in the order in which it would say so.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether BuildKit accepts it.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }

    /// The instruction without the white space and line breaks at its ends.
    pub fn trimmed_range(&self) -> Range<usize> {
        split::trim(&self.source, 0..self.source.len())
    }

    /// The arguments' joined text. For RUN in shell form this is the script.
    pub fn args_text(&self) -> &str {
        &self.logical.text()[self.rest.clone()]
    }

    /// The shell script of a shell-form RUN, CMD, ENTRYPOINT or HEALTHCHECK, parsed on first use. Instructions
    /// inside ONBUILD have theirs too.
    pub fn script(&self) -> Option<&Arc<Script>> {
        self.script.get_or_init(|| Script::of(self).map(Arc::new)).as_ref()
    }

    /// tree-sitter's tree of this instruction by itself, made on first use, and the offset in it at which the source
    /// starts.
    pub(crate) fn tree_alone(&self) -> Option<(&Tree, usize)> {
        let alone = self.tree_alone.get_or_init(|| tree::parse_alone(&self.source, self.escape));
        alone.as_ref().map(|(tree, prefix)| (tree, *prefix))
    }

    /// Whether [`Self::script`] was called on it; counts work in tests.
    pub fn script_was_parsed(&self) -> bool {
        self.script.get().is_some()
    }
}

/// Two instructions are equal when everything that was parsed of them is; what is computed on first use does not count.
impl PartialEq for Instruction {
    fn eq(&self, other: &Instruction) -> bool {
        let Instruction {
            source,
            logical,
            keyword,
            kind,
            flags,
            form,
            args,
            rest,
            heredocs,
            trigger,
            comments,
            empty_continuations,
            lines,
            head_lines,
            escape,
            problems,
            script: _,
            tree_alone: _,
        } = self;
        *source == other.source
            && *logical == other.logical
            && *keyword == other.keyword
            && *kind == other.kind
            && *flags == other.flags
            && *form == other.form
            && *args == other.args
            && *rest == other.rest
            && *heredocs == other.heredocs
            && *trigger == other.trigger
            && *comments == other.comments
            && *empty_continuations == other.empty_continuations
            && (*lines, *head_lines, *escape) == (other.lines, other.head_lines, other.escape)
            && *problems == other.problems
    }
}

/// The value of `flag` if its name is `name`.
fn flag_value<'a>(flag: &'a str, name: &str) -> Option<&'a str> {
    let rest = flag.strip_prefix("--")?.strip_prefix(name)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('=') }
}

/// What the line layer collects for one instruction.
pub(crate) struct Lines {
    pub(crate) source: String,
    pub(crate) logical: Logical,
    pub(crate) comments: Vec<Range<usize>>,
    pub(crate) empty_continuations: Vec<Range<usize>>,
    pub(crate) head_lines: usize,
    pub(crate) escape: char,
}

/// How deep `ONBUILD ONBUILD ...` is followed. BuildKit refuses the second, so more than a few help nobody, and
/// a bound keeps the recursion off the stack.
const MAX_TRIGGER_DEPTH: usize = 4;

/// An instruction whose heredoc bodies are still to be read.
pub(crate) struct Head {
    pub(crate) lines: Lines,
    pub(crate) markers: Vec<heredoc::Marker>,
    parts: Parts,
}

/// Parses the head: everything but the heredoc bodies.
pub(crate) fn head(lines: Lines) -> Head {
    let text = lines.logical.text();
    let parts = parts(&lines.logical, 0..text.len(), lines.escape, 0);
    let markers = if parts.can_contain_heredoc() { heredoc::markers(text) } else { Vec::new() };
    Head { lines, markers, parts }
}

impl Head {
    /// Completes the instruction; `lines.source` now includes the heredoc bodies.
    pub(crate) fn finish(self, heredocs: Vec<Heredoc>, line_count: usize, too_long: bool) -> Instruction {
        let Head { lines, parts, .. } = self;
        let mut instruction = parts.build(&lines.logical, &lines.source, &heredocs, lines.escape);
        if heredocs.iter().any(|h| !h.terminated) {
            let name = heredocs.iter().find(|h| !h.terminated).map_or("", |h| &h.name);
            let at = instruction.keyword.range.start..lines.logical.source_offset(lines.logical.text().len());
            let range = split::trim(&lines.source, at.start..at.end.min(lines.source.len()));
            let message =
                format!("The heredoc `{name}` is never closed; end it with a line that is exactly `{name}`.");
            instruction.problems.insert(0, Problem { range, message, kind: ProblemKind::Parse });
        }
        if too_long {
            let message =
                "A line here is longer than 65,535 bytes, which BuildKit does not read; split it.".to_owned();
            let range = instruction.keyword.range.clone();
            instruction.problems.insert(0, Problem { range, message, kind: ProblemKind::Parse });
        }
        instruction.source = lines.source.into_boxed_str();
        instruction.logical = lines.logical;
        instruction.heredocs = heredocs;
        instruction.comments = lines.comments;
        instruction.empty_continuations = lines.empty_continuations;
        instruction.lines = line_count;
        instruction.head_lines = lines.head_lines;
        instruction
    }
}

/// The structure of one logical line (or of the part of it that ONBUILD triggers).
struct Parts {
    keyword: Piece,
    kind: Option<Keyword>,
    flags: Vec<Piece>,
    form: Form,
    args: Vec<Piece>,
    rest: Range<usize>,
    trigger: Option<Box<Parts>>,
    error: Option<(Range<usize>, String)>,
}

impl Parts {
    fn can_contain_heredoc(&self) -> bool {
        let inner = match (&self.trigger, self.kind) {
            (Some(trigger), Some(Keyword::Onbuild)) => trigger,
            _ => self,
        };
        matches!(inner.kind, Some(Keyword::Add | Keyword::Copy | Keyword::Run)) && inner.form != Form::Exec
    }

    fn build(self, logical: &Logical, source: &str, heredocs: &[Heredoc], escape: char) -> Instruction {
        let word = |piece: Piece| Word { range: logical.source_range(piece.range), value: piece.value };
        let trigger = self.trigger.map(|parts| {
            let mut inner = parts.build(logical, source, heredocs, escape);
            inner.logical = logical.clone();
            inner.source = source.into();
            inner.heredocs = heredocs.to_vec();
            Box::new(inner)
        });
        let mut problems = Vec::new();
        if let Some((range, message)) = self.error {
            problems.push(Problem { range: logical.source_range(range), message, kind: ProblemKind::Parse });
        }
        if let Some(trigger) = &trigger {
            problems.extend(trigger.problems.iter().filter(|p| p.kind == ProblemKind::Parse).cloned());
        }
        let mut instruction = Instruction {
            source: Box::default(),
            logical: Logical::default(),
            keyword: word(self.keyword),
            kind: self.kind,
            flags: self.flags.into_iter().map(word).collect(),
            form: self.form,
            args: self.args.into_iter().map(word).collect(),
            rest: self.rest,
            heredocs: Vec::new(),
            trigger,
            comments: Vec::new(),
            empty_continuations: Vec::new(),
            lines: 0,
            head_lines: 0,
            escape,
            problems,
            script: OnceLock::new(),
            tree_alone: OnceLock::new(),
        };
        if instruction.problems.is_empty() {
            let found = validate::check(&instruction);
            instruction.problems.extend(found);
        }
        instruction
    }
}

/// Splits `within` of the logical line into its parts (BuildKit's `newNodeFromLine`).
fn parts(logical: &Logical, within: Range<usize>, escape: char, depth: usize) -> Parts {
    let line = logical.text();
    let command = split::command(line, within);
    let kind = Keyword::parse(&command.keyword.value);
    let rest = command.rest.clone();
    let mut parts = Parts {
        keyword: command.keyword,
        kind,
        flags: command.flags,
        form: Form::Words,
        args: Vec::new(),
        rest: rest.clone(),
        trigger: None,
        error: None,
    };
    let whole = |form| {
        let args = if rest.is_empty() {
            Vec::new()
        } else {
            vec![Piece { value: line[rest.clone()].to_owned(), range: rest.clone() }]
        };
        (form, args)
    };
    match kind {
        None => {}
        Some(Keyword::Maintainer | Keyword::Stopsignal | Keyword::User | Keyword::Workdir) => {
            (parts.form, parts.args) = whole(Form::Words);
        }
        Some(Keyword::Expose | Keyword::From) => parts.args = split::by_blanks(line, rest),
        Some(Keyword::Arg) => parts.args = split::quoted_words(line, rest, escape),
        Some(keyword @ (Keyword::Env | Keyword::Label)) => match name_values(line, rest, escape, keyword) {
            Ok(args) => parts.args = args,
            Err(error) => parts.error = Some(error),
        },
        Some(Keyword::Add | Keyword::Copy | Keyword::Volume) => match exec_form(line, rest.clone()) {
            Ok(args) => (parts.form, parts.args) = (Form::Exec, args),
            Err(NotExec::NotJson) => parts.args = split::by_blanks(line, rest),
            Err(NotExec::NotStrings) => parts.error = Some(not_strings(rest)),
        },
        Some(Keyword::Cmd | Keyword::Entrypoint | Keyword::Run | Keyword::Shell) => {
            match exec_form(line, rest.clone()) {
                _ if rest.is_empty() => parts.form = Form::Shell,
                Ok(args) => (parts.form, parts.args) = (Form::Exec, args),
                Err(NotExec::NotJson) => (parts.form, parts.args) = whole(Form::Shell),
                Err(NotExec::NotStrings) => parts.error = Some(not_strings(rest)),
            }
        }
        Some(Keyword::Healthcheck) => {
            let Some(first) = split::by_blanks(line, rest.clone()).into_iter().next() else { return parts };
            let command = split::trim(line, first.range.end..rest.end);
            parts.args.push(first);
            if command.is_empty() {
                return parts;
            }
            match exec_form(line, command.clone()) {
                Ok(args) => {
                    parts.form = Form::Exec;
                    parts.args.extend(args);
                }
                Err(NotExec::NotJson) => {
                    parts.form = Form::Shell;
                    parts.args.push(Piece { value: line[command.clone()].to_owned(), range: command });
                }
                Err(NotExec::NotStrings) => {
                    parts.args.clear();
                    parts.error = Some(not_strings(command));
                }
            }
        }
        Some(Keyword::Onbuild) if !rest.is_empty() && depth < MAX_TRIGGER_DEPTH => {
            parts.trigger = Some(Box::new(self::parts(logical, rest, escape, depth + 1)));
        }
        Some(Keyword::Onbuild) => {}
    }
    parts
}

fn not_strings(range: Range<usize>) -> (Range<usize>, String) {
    (range, "A JSON array here may hold strings only; put quotes around each value.".to_owned())
}

fn exec_form(line: &str, within: Range<usize>) -> Result<Vec<Piece>, NotExec> {
    let start = within.start;
    let strings = json_array::parse(&line[within])?;
    Ok(strings
        .into_iter()
        .map(|s| Piece { value: s.value, range: start + s.range.start..start + s.range.end })
        .collect())
}

/// ENV and LABEL: `name=value ...`, or the legacy `name value`, as name, value, separator triples.
fn name_values(
    line: &str,
    rest: Range<usize>,
    escape: char,
    keyword: Keyword,
) -> Result<Vec<Piece>, (Range<usize>, String)> {
    let words = split::quoted_words(line, rest.clone(), escape);
    let Some(first) = words.first() else { return Ok(Vec::new()) };
    if !first.value.contains('=') {
        let Some((name, value)) = split::in_two(line, rest.clone()) else {
            let message = format!("{keyword} needs a name and a value: `{keyword} {}=value`.", first.value);
            return Err((rest, message));
        };
        let end = value.range.end;
        return Ok(vec![name, value, Piece { value: String::new(), range: end..end }]);
    }
    let mut triples = Vec::with_capacity(words.len() * 3);
    for word in words {
        let Some((name, value)) = word.value.split_once('=') else {
            let message = format!(
                "`{}` has no `=`; write `name=value`, and quote a value that has spaces in it.",
                word.value
            );
            return Err((word.range, message));
        };
        // Escapes at the end of a line are dropped from values, so ranges are found from the front.
        let split_at = word.range.start + name.len();
        triples.push(Piece { value: name.to_owned(), range: word.range.start..split_at });
        triples.push(Piece { value: value.to_owned(), range: split_at + 1..word.range.end });
        triples.push(Piece { value: "=".to_owned(), range: split_at..split_at + 1 });
    }
    Ok(triples)
}
