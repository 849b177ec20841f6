//! The tree-sitter tree of the whole text, kept up to date edit by edit.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::OnceLock;

use tree_sitter::{Node, Parser, Point, Tree};

use crate::keyword::Keyword;
use crate::lines::LineLayer;
use crate::text::Text;

thread_local! {
    static DOCKERFILE: RefCell<Option<Parser>> = const { RefCell::new(None) };
}

/// The tree of one state of a text, parsed on first use.
#[derive(Debug, Default)]
pub(crate) struct LazyTree {
    /// An earlier tree that was told of all edits since.
    old: Option<Tree>,
    tree: OnceLock<Option<Tree>>,
}

impl LazyTree {
    /// For a text that was edited, `old` being [`Self::latest`] of the state before, told of the edit.
    pub(crate) fn after(old: Option<Tree>) -> LazyTree {
        LazyTree { old, tree: OnceLock::new() }
    }

    /// The tree of `text`, which must always be the same text.
    pub(crate) fn get(&self, text: &Text) -> Option<&Tree> {
        self.tree.get_or_init(|| parse(text, self.old.as_ref())).as_ref()
    }

    /// The tree if it was parsed, else the one that it would be parsed from.
    pub(crate) fn latest(&self) -> Option<Tree> {
        self.tree.get().map_or_else(|| self.old.clone(), Clone::clone)
    }
}

/// Parses `text`, reusing `old` (already edited) where there is one.
///
/// tree-sitter's way out of an error depends on what it can reuse, so that a tree with errors may differ from that of
/// a parse from scratch. Such a tree is thrown away for the one from scratch: what a user sees must not depend on how
/// the text came about.
fn parse(text: &Text, old: Option<&Tree>) -> Option<Tree> {
    let parse =
        |old| with_parser(|parser| parser.parse_with_options(&mut |byte, _| text.chunk_at(byte), old, None));
    let tree = parse(old)?;
    if old.is_some() && tree.root_node().has_error() { parse(None) } else { Some(tree) }
}

/// Parses one instruction's source by itself. Gives the tree and the offset in it at which the source starts: with a
/// backtick as escape character, a directive that says so stands before it.
pub(crate) fn parse_alone(source: &str, escape: char) -> Option<(Tree, usize)> {
    if escape == '\\' {
        return Some((with_parser(|parser| parser.parse(source, None))?, 0));
    }
    let directive = format!("# escape={escape}\n");
    let text = format!("{directive}{source}");
    Some((with_parser(|parser| parser.parse(text, None))?, directive.len()))
}

fn with_parser(parse: impl FnOnce(&mut Parser) -> Option<Tree>) -> Option<Tree> {
    DOCKERFILE.with_borrow_mut(|slot| {
        if slot.is_none() {
            let mut parser = Parser::new();
            parser.set_language(&tree_sitter_dockerfile::LANGUAGE.into()).ok()?;
            *slot = Some(parser);
        }
        parse(slot.as_mut()?)
    })
}

/// The row and column (bytes) of an offset as tree-sitter counts them: rows end at line feeds only. Found from the
/// start of the block, so that it costs no more than the instruction is long.
pub(crate) fn point((layer, text): (&LineLayer, &Text), byte: usize) -> Point {
    let Some(index) = layer.block_at(byte) else { return Point::new(0, 0) };
    let block = &layer.blocks()[index];
    let within = text.slice(block.start..byte);
    let rows = within.bytes().filter(|&b| b == b'\n').count();
    let column = within.len() - within.rfind('\n').map_or(0, |at| at + 1);
    Point::new(block.line + rows, column)
}

/// The node of an instruction of this kind that stands exactly at `range`, if it has no error. Some tokens take the
/// white space behind them in, so the node may go on into what follows up to `limit`, which is white space.
pub(crate) fn clean_node(tree: &Tree, range: Range<usize>, limit: usize, kind: Keyword) -> Option<Node<'_>> {
    let is_instruction =
        |node: &Node<'_>| node.kind().ends_with("_instruction") && node.kind() != "cross_build_instruction";
    let mut node = tree.root_node().descendant_for_byte_range(range.start, range.end)?;
    while !is_instruction(&node) {
        node = node.parent()?;
    }
    // ONBUILD's inner instruction is an instruction node too, and HEALTHCHECK's CMD; the outer one is meant.
    while let Some(parent) = node.parent().filter(is_instruction) {
        node = parent;
    }
    let same_kind = node.kind().strip_suffix("_instruction")?.eq_ignore_ascii_case(kind.as_str());
    let same_place = node.start_byte() == range.start && (range.end..=limit).contains(&node.end_byte());
    (same_kind && same_place && !node.has_error()).then_some(node)
}
