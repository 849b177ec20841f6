//! A text with its line layer and its tree, edited in step.
//!
//! The line layer is brought up to date with each edit. The tree is only told of it, and parsed when somebody asks: a
//! burst of edits costs one parse, and diagnostics, which stand on the line layer, none.

use std::ops::Range;
use std::sync::Arc;

use tree_sitter::{Node, Tree};

use crate::instruction::Instruction;
use crate::lines::{LineLayer, Placed};
use crate::text::{BadRange, Text};
use crate::tree::{self, LazyTree};

/// What one edit cost; the unit of "incremental means work".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Bytes lexed again by the line layer.
    pub bytes_lexed: usize,
    /// Instructions parsed again.
    pub instructions_parsed: usize,
}

/// The most bytes that an edit may lex again for the old tree to be of use.
const MAX_REUSED_BLOCK: usize = 64 * 1024;

/// A document that is being edited.
#[derive(Clone, Debug)]
pub struct Document {
    parsed: Parsed,
}

/// An immutable state of a document: cheap to clone, safe to send.
#[derive(Clone, Debug)]
pub struct Parsed {
    text: Text,
    layer: Arc<LineLayer>,
    tree: Option<Arc<LazyTree>>,
}

/// A node of a tree that may be the document's or that of one instruction alone.
#[derive(Clone, Copy, Debug)]
pub struct TreeNode<'a> {
    node: Node<'a>,
    /// The byte `tree` of the node's tree stands at the byte `document` of the document.
    document: usize,
    tree: usize,
}

impl<'a> TreeNode<'a> {
    /// The node. Its offsets are those of its own tree: use [`Self::range`], and never its points.
    pub fn node(&self) -> Node<'a> {
        self.node
    }

    /// Where `node`, of the same tree, stands in the document (bytes).
    pub fn range(&self, node: Node<'_>) -> Range<usize> {
        let place = |byte: usize| byte.saturating_sub(self.tree) + self.document;
        place(node.start_byte())..place(node.end_byte())
    }

    /// The byte of the node's tree that stands at the byte `offset` of the document.
    pub fn local(&self, offset: usize) -> usize {
        offset.saturating_sub(self.document) + self.tree
    }
}

impl Document {
    /// Parses a whole text. This never fails: any text gives blocks and a tree.
    pub fn new(text: &str) -> Document {
        let text = Text::new(text);
        let layer = Arc::new(LineLayer::new(&text));
        Document { parsed: Parsed { text, layer, tree: Some(Arc::default()) } }
    }

    /// A document without the tree-sitter tree, for tests that show what the tree is for.
    pub fn lines_only(text: &str) -> Document {
        let text = Text::new(text);
        let layer = Arc::new(LineLayer::new(&text));
        Document { parsed: Parsed { text, layer, tree: None } }
    }

    /// The current state.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// Replaces the bytes `range` by `new` and brings the line layer up to date; the tree follows on its next use.
    ///
    /// # Errors
    /// [`BadRange`] when the range does not fit the text; nothing is changed then.
    pub fn edit(&mut self, range: Range<usize>, new: &str) -> Result<Work, BadRange> {
        let parsed = &mut self.parsed;
        let old_text = parsed.text.clone();
        parsed.text.replace(range.clone(), new)?;
        let added = range.start..range.start + new.len();
        let mut tree = parsed.tree.as_ref().and_then(|tree| tree.latest());
        let old_points = tree.is_some().then(|| {
            let at = |byte| tree::point((&parsed.layer, &old_text), byte);
            (at(range.start), at(range.end))
        });
        let layer = Arc::make_mut(&mut parsed.layer);
        let relexed = layer.relex(&parsed.text, range.clone(), added.clone());
        // With very many comment lines in one block, reusing them costs tree-sitter the square of their number.
        if relexed.range.len() > MAX_REUSED_BLOCK {
            tree = None;
        }
        if let (Some(tree), Some((start_position, old_end_position))) = (tree.as_mut(), old_points) {
            let at = |byte| tree::point((&parsed.layer, &parsed.text), byte);
            tree.edit(&tree_sitter::InputEdit {
                start_byte: range.start,
                old_end_byte: range.end,
                new_end_byte: added.end,
                start_position,
                old_end_position,
                new_end_position: at(added.end),
            });
            // tree-sitter may keep a node that a change behind it should have made longer: `FROM e:3./` without its
            // dot is `FROM e:3/`, and the image's name goes on. So nothing of the blocks that the edit touched is kept.
            let Range { start, end } = relexed.range;
            tree.edit(&tree_sitter::InputEdit {
                start_byte: start,
                old_end_byte: end,
                new_end_byte: end,
                start_position: at(start),
                old_end_position: at(end),
                new_end_position: at(end),
            });
        }
        if let Some(lazy) = &mut parsed.tree {
            *lazy = Arc::new(LazyTree::after(tree));
        }
        Ok(Work { bytes_lexed: relexed.bytes, instructions_parsed: relexed.instructions })
    }
}

impl Parsed {
    /// Parses a whole text.
    pub fn new(text: &str) -> Parsed {
        Document::new(text).parsed
    }

    /// The text.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// The line layer.
    pub fn layer(&self) -> &LineLayer {
        &self.layer
    }

    /// The tree over the whole text, parsed on first use; `None` for a document without one. Use [`Self::node`] for
    /// one instruction: it knows what to do about errors.
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref()?.get(&self.text)
    }

    /// The instructions and where they stand, in order.
    pub fn instructions(&self) -> impl DoubleEndedIterator<Item = (&Placed, &Arc<Instruction>)> {
        self.layer.blocks().iter().filter_map(|b| b.instruction().map(|i| (b, i)))
    }

    /// The instruction that holds the byte `at`.
    pub fn instruction_at(&self, at: usize) -> Option<(&Placed, &Arc<Instruction>)> {
        let placed = &self.layer.blocks()[self.layer.block_at(at)?];
        placed.instruction().map(|i| (placed, i))
    }

    /// The tree's node for an instruction.
    ///
    /// It comes from the document's tree where that agrees with the line layer and has no error there; otherwise from
    /// a parse of the instruction alone; `None` where that has errors too, or where there is no tree at all.
    pub fn node<'a>(&'a self, placed: &'a Placed) -> Option<TreeNode<'a>> {
        let instruction = placed.instruction()?;
        let tree = self.tree()?;
        let kind = instruction.kind()?;
        // A BOM belongs to the first instruction's source, but not to its node.
        let own = instruction.keyword().range.start..instruction.trimmed_range().end;
        let range = placed.start + own.start..placed.start + own.end;
        if let Some(node) = tree::clean_node(tree, range, placed.start + placed.len, kind) {
            return Some(TreeNode { node, document: 0, tree: 0 });
        }
        let (alone, prefix) = instruction.tree_alone()?;
        let limit = prefix + placed.len;
        let node = tree::clean_node(alone, prefix + own.start..prefix + own.end, limit, kind)?;
        Some(TreeNode { node, document: placed.start, tree: prefix })
    }

    /// Why BuildKit refuses the file as a whole, if it does so for a reason that no single instruction has.
    pub fn file_problem(&self) -> Option<&'static str> {
        self.instructions()
            .next()
            .is_none()
            .then_some("This file has no instructions; a Dockerfile starts with FROM.")
    }
}
