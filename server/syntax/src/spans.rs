//! The parts of one instruction that have a meaning of their own: what the tree knows and a list of words does not.

use std::ops::Range;

use tree_sitter::{Node, QueryCursor, StreamingIterator};

use crate::document::{Parsed, TreeNode};
use crate::lines::{Block, Placed};
use crate::queries;

/// How deep in an instruction's node spans are looked for. Deep nodes are `${A:-${B:-...}}` only, and each costs the query
/// as much as it is deep.
const MAX_DEPTH: u32 = 64;

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpanKind {
    /// FROM's image without tag and digest; a stage's name stands there too.
    ImageName,
    /// An image's tag, without the `:`.
    ImageTag,
    /// An image's digest, without the `@`.
    ImageDigest,
    /// The name behind AS.
    StageAlias,
    /// A flag's name, without the `--`.
    FlagName,
    /// A flag's value.
    FlagValue,
    /// The name of an option of `--mount`.
    MountKey,
    /// The value of an option of `--mount`.
    MountValue,
    /// The name in ENV.
    EnvKey,
    /// The value in ENV, quotes included.
    EnvValue,
    /// The name in ARG.
    ArgKey,
    /// The default in ARG, quotes included.
    ArgValue,
    /// The name in LABEL.
    LabelKey,
    /// The value in LABEL, quotes included.
    LabelValue,
    /// `$NAME` or `${NAME...}` as a whole.
    Expansion,
    /// The name in an expansion.
    Variable,
    /// A string of an exec form, quotes included.
    JsonString,
    /// A path of ADD, COPY, VOLUME or WORKDIR.
    Path,
    /// A port or range of ports, with its protocol.
    Port,
    /// `<<EOF` with its `-` and quotes.
    HeredocMarker,
    /// A heredoc's lines, line breaks included.
    HeredocBody,
    /// The delimiter that ends a heredoc.
    HeredocEnd,
    /// A quoted string, quotes included.
    String,
    /// A comment, from its `#` to the end of its line; a directive too.
    Comment,
}

/// A part of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// Where it stands, in bytes of the document.
    pub range: Range<usize>,
}

/// The spans of one block, by start, the longer first where two start together; they may lie in one another.
///
/// Comments come from the line layer. All others come from the tree, so an instruction has none of them if the
/// document has no tree, or if neither it nor a parse of the instruction alone understands the instruction. The
/// script of a shell form is no part of this: see [`crate::shell`].
pub fn spans(parsed: &Parsed, placed: &Placed) -> Vec<Span> {
    let mut found = Spans { parsed, list: Vec::new() };
    match &placed.block {
        Block::Blank => {}
        Block::Comment(text) | Block::Directive(_, text) => {
            let indent = text.len() - text.trim_start_matches('\u{feff}').trim_start().len();
            let end = text.trim_end().len();
            found.push(SpanKind::Comment, placed.start + indent..placed.start + end.max(indent));
        }
        Block::Instruction(instruction) => {
            for comment in instruction.comments() {
                let text = &instruction.source()[comment.clone()];
                let indent = text.len() - text.trim_start().len();
                let start = placed.start + comment.start;
                found.push(SpanKind::Comment, start + indent..start + text.trim_end().len());
            }
            if let Some(node) = parsed.node(placed) {
                found.query(&node);
            }
        }
    }
    found.list.sort_by_key(|span| (span.range.start, std::cmp::Reverse(span.range.end), span.kind));
    found.list
}

struct Spans<'a> {
    parsed: &'a Parsed,
    list: Vec<Span>,
}

impl Spans<'_> {
    fn push(&mut self, kind: SpanKind, range: Range<usize>) {
        if range.start < range.end {
            self.list.push(Span { kind, range });
        }
    }

    fn query(&mut self, root: &TreeNode<'_>) {
        let Some(query) = queries::spans() else { return };
        let mut cursor = QueryCursor::new();
        cursor.set_max_start_depth(Some(MAX_DEPTH));
        // No pattern of this query has a text predicate, so nobody asks for the text.
        let mut matches = cursor.matches(query, root.node(), |_: Node<'_>| std::iter::empty::<&[u8]>());
        while let Some(found) = matches.next() {
            for capture in found.captures() {
                let name = query.capture_names()[capture.index as usize];
                self.capture(name, capture.node, root);
            }
        }
    }

    fn capture(&mut self, name: &str, node: Node<'_>, root: &TreeNode<'_>) {
        let range = root.range(node);
        let behind = range.start + 1..range.end;
        match name {
            "image.name" => self.push(SpanKind::ImageName, range),
            "image.tag" => self.push(SpanKind::ImageTag, behind),
            "image.digest" => self.push(SpanKind::ImageDigest, behind),
            "stage.alias" => self.push(SpanKind::StageAlias, range),
            "flag" => self.split(range.start + 2..range.end, SpanKind::FlagName, SpanKind::FlagValue),
            "mount" => {
                self.push(SpanKind::FlagName, range.clone());
                if let Some(flag) = node.parent() {
                    self.push(SpanKind::FlagValue, range.end + 1..root.range(flag).end);
                }
            }
            "mount.option" => self.split(range, SpanKind::MountKey, SpanKind::MountValue),
            "env" => self.pair(node, root, ("name", SpanKind::EnvKey), ("value", SpanKind::EnvValue)),
            "arg" => self.pair(node, root, ("name", SpanKind::ArgKey), ("default", SpanKind::ArgValue)),
            "label" => self.pair(node, root, ("key", SpanKind::LabelKey), ("value", SpanKind::LabelValue)),
            "expansion" => self.push(SpanKind::Expansion, range),
            "variable" => self.push(SpanKind::Variable, range),
            "json" => self.push(SpanKind::JsonString, range),
            "string" => self.push(SpanKind::String, range),
            "path" => {
                let heredoc = node.named_child(0).is_some_and(|child| child.kind() == "heredoc_marker");
                if !heredoc {
                    self.push(SpanKind::Path, range);
                }
            }
            "port" => self.push(SpanKind::Port, range),
            "heredoc.marker" => {
                // The token takes the blanks before the marker in.
                let text = self.parsed.text().slice(range.clone());
                let blanks = text.len() - text.trim_start().len();
                self.push(SpanKind::HeredocMarker, range.start + blanks..range.end);
            }
            "heredoc.body" => {
                // For `<<-` the node begins behind the first line's tabs.
                let mut start = range.start;
                while start > 0 && self.parsed.text().byte(start - 1) == Some(b'\t') {
                    start -= 1;
                }
                self.push(SpanKind::HeredocBody, start..range.end);
            }
            "heredoc.end" => self.push(SpanKind::HeredocEnd, range),
            _ => {}
        }
    }

    /// `key=value` that the grammar keeps in one node; the value may be missing.
    fn split(&mut self, range: Range<usize>, key: SpanKind, value: SpanKind) {
        let text = self.parsed.text().slice(range.clone());
        match text.find('=') {
            Some(at) => {
                self.push(key, range.start..range.start + at);
                self.push(value, range.start + at + 1..range.end);
            }
            None => self.push(key, range),
        }
    }

    /// A node with a field for its key and one for its value, which goes on to the node's end.
    fn pair(
        &mut self,
        node: Node<'_>,
        root: &TreeNode<'_>,
        (key_field, key): (&str, SpanKind),
        (value_field, value): (&str, SpanKind),
    ) {
        if let Some(found) = node.child_by_field_name(key_field) {
            self.push(key, root.range(found));
        }
        if let Some(found) = node.child_by_field_name(value_field) {
            self.push(value, root.range(found).start..root.range(node).end);
        }
    }
}
