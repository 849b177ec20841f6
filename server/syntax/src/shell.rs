//! The shell inside RUN, CMD, ENTRYPOINT and HEALTHCHECK: tree-sitter-bash over the joined text, with offsets back.
//!
//! Continuations and comment lines are taken out first (the logical line), so every range goes through
//! [`Script::source_range`] on its way to the document.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::OnceLock;

use tree_sitter::{Node, Parser, Tree};

use crate::heredoc;
use crate::instruction::{Form, Instruction};
use crate::keyword::Keyword;
use crate::logical::Logical;

thread_local! {
    static BASH: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

/// A shell script and its syntax tree.
#[derive(Debug)]
pub struct Script {
    logical: Logical,
    tree: Tree,
    origin: Origin,
    /// What [`Script::simple_commands`] found.
    simple: OnceLock<Vec<SimpleCommand>>,
}

/// Where a script's text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The instruction's own arguments.
    Inline,
    /// The body of the instruction's only heredoc (`RUN <<EOF`).
    Heredoc,
    /// Arguments and heredoc bodies together (`RUN cat <<EOF > file`).
    Mixed,
}

/// A word of a shell command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellWord {
    /// Where it stands in the script's text.
    pub range: Range<usize>,
    /// Its text as written.
    pub raw: String,
    /// Its value, if the shell expands nothing in it.
    pub literal: Option<String>,
}

/// How many commands within one another (`$(a $(b ...))`) [`Script::commands`] follows. Each holds the text of all that
/// lie in it, so without a bound hostile nesting would cost the square of its length.
pub const MAX_NESTING: usize = 100;

/// How many `<<` a script may have. The grammar's scanner copies all heredocs that it waits for with every token.
const MAX_HEREDOCS: usize = 1_000;

/// A node on the way through a script.
struct Visit<'a> {
    node: Node<'a>,
    parent: Option<Node<'a>>,
    top_level: bool,
    /// How many commands lie around it.
    nesting: usize,
    /// Where it ends a list that the grammar puts a redirection around (`a && b > c` as `(a && b) > c`): that statement,
    /// whose redirections are its own.
    redirected: Option<Node<'a>>,
}

/// A simple command: `A=1 name word word > file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleCommand {
    /// The whole command with its redirections, in the script's text.
    pub range: Range<usize>,
    /// Variable assignments before the name, as written.
    pub assignments: Vec<ShellWord>,
    /// The name and the arguments; empty for a command of assignments only.
    pub words: Vec<ShellWord>,
    /// The redirections, as written.
    pub redirects: Vec<ShellWord>,
    /// Whether it stands at the top level of the script, in its and-chain or list, and not inside a pipeline, a
    /// subshell, a substitution, a condition, a loop or a function.
    pub top_level: bool,
}

impl SimpleCommand {
    /// The name, if it is literal, without its directory.
    pub fn name(&self) -> Option<&str> {
        let name = self.words.first()?.literal.as_deref()?;
        Some(name.rsplit('/').next().unwrap_or(name))
    }

    /// The literal values of the arguments; `None` where an argument is not literal.
    pub fn arguments(&self) -> impl Iterator<Item = Option<&str>> {
        self.words.iter().skip(1).map(|w| w.literal.as_deref())
    }

    /// Whether some argument is exactly `word`.
    pub fn has(&self, word: &str) -> bool {
        self.arguments().any(|a| a == Some(word))
    }
}

impl Script {
    /// The script of an instruction: its shell-form arguments, or its heredoc when that is all there is.
    /// `None` for instructions without a shell, the exec form, and heredocs that another program runs.
    pub(crate) fn of(instruction: &Instruction) -> Option<Script> {
        if !matches!(
            instruction.kind()?,
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck
        ) || instruction.form() != Form::Shell
        {
            return None;
        }
        let command = instruction.args().last()?;
        if instruction.kind() == Some(Keyword::Healthcheck) && instruction.args().len() < 2 {
            return None;
        }
        let source = instruction.source();
        let mut logical = Logical::default();
        let mut origin = Origin::Inline;
        match instruction.heredocs() {
            [only] if heredoc::marker(&command.value).is_some() => {
                origin = Origin::Heredoc;
                let body = &source[only.body.clone()];
                if body.starts_with("#!") && !is_shell_shebang(body) {
                    return None;
                }
                if only.chomp {
                    let mut at = only.body.start;
                    for line in body.split_inclusive('\n') {
                        let kept = line.trim_start_matches('\t');
                        logical.push(kept, at + (line.len() - kept.len()));
                        at += line.len();
                    }
                } else {
                    logical.push(body, only.body.start);
                }
            }
            heredocs => {
                let all = instruction.logical();
                // For HEALTHCHECK the command starts behind the word CMD.
                let skip = instruction.args_text().len().saturating_sub(command.value.len());
                let from = instruction.args_logical().start + skip;
                copy(all, from..instruction.args_logical().end, &mut logical);
                for doc in heredocs {
                    origin = Origin::Mixed;
                    // The line break before the body and the terminator's line follow the body in the source.
                    logical.push("\n", doc.body.start.saturating_sub(1));
                    logical.push(&source[doc.body.clone()], doc.body.start);
                    logical.push(&doc.name, doc.body.end);
                }
            }
        }
        let tree = parse(logical.text())?;
        Some(Script { logical, tree, origin, simple: OnceLock::new() })
    }

    /// The text that the shell gets.
    pub fn text(&self) -> &str {
        self.logical.text()
    }

    /// Where the text comes from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The root of tree-sitter-bash's tree over [`Self::text`].
    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// Whether the shell grammar does not understand the text. No edit may be made inside such a script.
    pub fn has_error(&self) -> bool {
        self.tree.root_node().has_error()
    }

    /// The range in the instruction's source of a range of the text.
    pub fn source_range(&self, range: Range<usize>) -> Range<usize> {
        self.logical.source_range(range)
    }

    /// The offset in the text of the byte `source` of the instruction's source; `None` where the source has what the
    /// shell does not get.
    pub fn text_offset(&self, source: usize) -> Option<usize> {
        self.logical.text_offset(source)
    }

    /// Whether a range of the text stands in one piece in the source.
    pub fn is_contiguous(&self, range: Range<usize>) -> bool {
        self.logical.is_contiguous(range)
    }

    /// What [`Self::commands`] gives, found once and kept: for what looks at a script with every edit elsewhere.
    pub fn simple_commands(&self) -> &[SimpleCommand] {
        self.simple.get_or_init(|| self.commands())
    }

    /// Every simple command, in order, nested ones too, down to [`MAX_NESTING`] commands within one another.
    pub fn commands(&self) -> Vec<SimpleCommand> {
        let mut found = Vec::new();
        // An explicit stack: hostile nesting must not overflow ours. Parents are carried along, since a node looks for
        // its parent from the root down.
        let mut stack =
            vec![Visit { node: self.root(), parent: None, top_level: true, nesting: 0, redirected: None }];
        while let Some(Visit { node, parent, top_level, nesting, redirected }) = stack.pop() {
            let parent_kind = parent.map_or("", |parent| parent.kind());
            let mut top_below = top_level;
            let mut nesting_below = nesting;
            let mut add = |command: SimpleCommand| {
                found.push(command);
                top_below = false;
                nesting_below += 1;
            };
            match node.kind() {
                "command" => {
                    let outer = parent.filter(|parent| parent.kind() == "redirected_statement");
                    let mut command = self.simple(node, outer.or(redirected).unwrap_or(node), top_level);
                    if outer.is_none() {
                        command.range.start = node.start_byte();
                    }
                    add(command);
                }
                "variable_assignment"
                    if matches!(
                        parent_kind,
                        "program" | "list" | "redirected_statement" | "variable_assignments"
                    ) =>
                {
                    add(SimpleCommand {
                        range: node.byte_range(),
                        assignments: vec![self.word(node)],
                        words: Vec::new(),
                        redirects: Vec::new(),
                        top_level,
                    });
                }
                "declaration_command" | "unset_command" | "test_command" => {
                    add(SimpleCommand {
                        range: node.byte_range(),
                        assignments: Vec::new(),
                        words: self.children_as_words(node),
                        redirects: Vec::new(),
                        top_level,
                    });
                }
                "variable_assignments"
                    if matches!(parent_kind, "program" | "list" | "redirected_statement") => {}
                "program" | "list" | "redirected_statement" => {}
                _ => top_below = false,
            }
            if nesting_below >= MAX_NESTING {
                continue;
            }
            let mut cursor = node.walk();
            let first = stack.len();
            stack.extend(node.named_children(&mut cursor).map(|child| Visit {
                node: child,
                parent: Some(node),
                top_level: top_below,
                nesting: nesting_below,
                redirected: None,
            }));
            // A redirection belongs to the last command of a list.
            let last = if node.kind() == "redirected_statement" { stack.get_mut(first) } else { None };
            if let Some(body) = last.filter(|body| body.node.kind() == "list") {
                body.redirected = Some(node);
            } else if let (Some(last), "list") = (stack[first..].last_mut(), node.kind()) {
                last.redirected = redirected;
            }
            stack[first..].reverse();
        }
        found
    }

    /// The commands of a script that is nothing but simple commands joined by `&&`, in order. `None` for anything
    /// else: other operators, compound commands, comments, several statements, errors.
    pub fn and_chain(&self) -> Option<Vec<SimpleCommand>> {
        if self.has_error() {
            return None;
        }
        let root = self.root();
        let mut cursor = root.walk();
        let mut children = root.children(&mut cursor);
        let only = children.next()?;
        if children.next().is_some() {
            return None;
        }
        let mut found = Vec::new();
        let mut rest = Some(only);
        // `a && b && c` is a list whose first child is a list.
        while let Some(node) = rest.take() {
            if node.kind() == "list" {
                let operator = node.child(1)?;
                if operator.kind() != "&&" || node.child_count() != 3 {
                    return None;
                }
                found.push(self.chain_link(node.child(2)?)?);
                rest = node.child(0);
            } else {
                found.push(self.chain_link(node)?);
            }
        }
        found.reverse();
        Some(found)
    }

    fn chain_link(&self, node: Node<'_>) -> Option<SimpleCommand> {
        match node.kind() {
            "command" => Some(self.simple(node, node, true)),
            "redirected_statement" => {
                let body = node.child_by_field_name("body")?;
                (body.kind() == "command").then(|| self.simple(body, node, true))
            }
            "test_command" => Some(SimpleCommand {
                range: node.byte_range(),
                assignments: Vec::new(),
                words: self.children_as_words(node),
                redirects: Vec::new(),
                top_level: true,
            }),
            _ => None,
        }
    }

    fn simple(&self, command: Node<'_>, outer: Node<'_>, top_level: bool) -> SimpleCommand {
        let mut simple = SimpleCommand {
            range: outer.byte_range(),
            assignments: Vec::new(),
            words: Vec::new(),
            redirects: Vec::new(),
            top_level,
        };
        let mut cursor = command.walk();
        for child in command.children(&mut cursor) {
            match child.kind() {
                "variable_assignment" => simple.assignments.push(self.word(child)),
                "file_redirect" | "herestring_redirect" | "heredoc_redirect" => {
                    simple.redirects.push(self.word(child))
                }
                _ => simple.words.push(self.word(child)),
            }
        }
        if outer.id() != command.id() {
            let mut cursor = outer.walk();
            let redirects = outer.children_by_field_name("redirect", &mut cursor);
            simple.redirects.extend(redirects.map(|r| self.word(r)));
        }
        simple
    }

    fn children_as_words(&self, node: Node<'_>) -> Vec<ShellWord> {
        let mut cursor = node.walk();
        node.children(&mut cursor).map(|child| self.word(child)).collect()
    }

    fn word(&self, node: Node<'_>) -> ShellWord {
        let range = node.byte_range();
        let raw = self.text()[range.clone()].to_owned();
        ShellWord { literal: literal(node, self.text()), range, raw }
    }
}

/// The value of a word in which the shell expands nothing: no variables, substitutions, globs, braces or tilde.
fn literal(node: Node<'_>, text: &str) -> Option<String> {
    let raw = &text[node.byte_range()];
    match node.kind() {
        "word" | "number" | "command_name" | "variable_name" | "file_descriptor" => {
            if node.kind() == "command_name" {
                let inner = node.child(0)?;
                return literal(inner, text);
            }
            if raw.starts_with('~') || raw.contains(['*', '?', '[', '{', '$', '`']) {
                return None;
            }
            Some(unescape(raw))
        }
        "raw_string" => raw.strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned),
        "string" => {
            let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
            if inner.contains(['$', '`']) {
                return None;
            }
            let mut value = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                match (c, chars.clone().next()) {
                    ('\\', Some(next @ ('"' | '\\'))) => {
                        chars.next();
                        value.push(next);
                    }
                    _ => value.push(c),
                }
            }
            Some(value)
        }
        "concatenation" => {
            let mut cursor = node.walk();
            let mut value = String::new();
            let mut at = node.start_byte();
            for child in node.children(&mut cursor) {
                if child.start_byte() != at {
                    return None;
                }
                at = child.end_byte();
                value.push_str(&literal(child, text)?);
            }
            (at == node.end_byte()).then_some(value)
        }
        // Punctuation such as `[` of a test command, `==` and operators.
        _ if !node.is_named() => Some(raw.to_owned()),
        _ => None,
    }
}

fn unescape(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            value.extend(chars.next());
        } else {
            value.push(c);
        }
    }
    value
}

/// Whether a heredoc's first line names a POSIX shell.
fn is_shell_shebang(body: &str) -> bool {
    let line = body.lines().next().unwrap_or_default();
    let mut words = line.trim_start_matches("#!").split_ascii_whitespace();
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let name =
        if program == "env" { words.find(|w| !w.starts_with('-')).unwrap_or_default() } else { program };
    matches!(name, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh")
}

/// Copies a range of one logical text to the end of another, piece by piece.
fn copy(from: &Logical, range: Range<usize>, to: &mut Logical) {
    let mut at = range.start;
    while at < range.end {
        let source = from.source_offset(at);
        let mut end = at;
        while end < range.end && from.source_offset(end) == source + (end - at) {
            end += 1;
        }
        to.push(&from.text()[at..end], source);
        at = end;
    }
}

fn parse(text: &str) -> Option<Tree> {
    if text.matches("<<").count() > MAX_HEREDOCS {
        return None;
    }
    BASH.with_borrow_mut(|slot| {
        if slot.is_none() {
            let mut parser = Parser::new();
            parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
            *slot = Some(parser);
        }
        slot.as_mut()?.parse(text, None)
    })
}
