//! Ranges around a place, each in the next: what an editor's "expand selection" walks through.

use std::collections::VecDeque;
use std::ops::Range;

use tree_sitter::Node;

use crate::document::Parsed;
use crate::instruction::Instruction;
use crate::keyword::Keyword;
use crate::lines::{Block, Placed};

/// How many nodes of one tree are listed, the innermost ones. Nobody presses a key more often, and an editor nests one
/// JSON object per range.
const MAX_NODES: usize = 100;

/// The ranges (bytes of the document, half-open) around `offset`, innermost first, each larger than the one before and
/// holding it: nodes of the tree and of the script inside RUN, the word, the instruction or comment, the stage, the
/// file. An offset past the end stands for the end; an empty text has the one range 0..0.
pub fn selection_ranges(parsed: &Parsed, offset: usize) -> Vec<Range<usize>> {
    let offset = parsed.text().byte_to_char_boundary(offset);
    let mut found = Vec::new();
    if let Some(index) = parsed.layer().block_at(offset) {
        let placed = &parsed.layer().blocks()[index];
        match &placed.block {
            Block::Blank => {}
            Block::Comment(text) | Block::Directive(_, text) => {
                found.push(placed.start..placed.start + text.len());
            }
            Block::Instruction(instruction) => inside(parsed, placed, instruction, offset, &mut found),
        }
        found.extend(stage(parsed, index));
    }
    found.retain(|range| range.start <= offset && offset <= range.end);
    // Some tokens take the white space behind them in.
    for range in &mut found {
        range.end = range.start + parsed.text().slice(range.clone()).trim_end().len();
    }
    found.push(0..parsed.text().len());
    found.retain(|range| range.start <= offset && offset <= range.end);
    // Short to long; of equal length, the one that begins at the offset rather than ends there.
    found.sort_by_key(|range| (range.len(), std::cmp::Reverse(range.start)));
    let mut nested: Vec<Range<usize>> = Vec::new();
    for range in found {
        let fits = nested.last().is_none_or(|inner| {
            range.start <= inner.start && inner.end <= range.end && range.len() > inner.len()
        });
        // An empty node (a value that is not written) selects nothing.
        if fits && (!range.is_empty() || parsed.text().is_empty()) {
            nested.push(range);
        }
    }
    nested
}

/// The ranges within one instruction, in no order.
fn inside(
    parsed: &Parsed,
    placed: &Placed,
    instruction: &Instruction,
    offset: usize,
    found: &mut Vec<Range<usize>>,
) {
    let at = |range: &Range<usize>| placed.start + range.start..placed.start + range.end;
    found.push(at(&(instruction.keyword().range.start..instruction.trimmed_range().end)));
    if let Some(root) = parsed.node(placed) {
        let local = root.local(offset);
        found.extend(nodes(root.node(), local).into_iter().map(|node| root.range(node)));
    }
    let inner = instruction.trigger().unwrap_or(instruction);
    for words in [instruction, inner] {
        let all = std::iter::once(words.keyword()).chain(words.flags()).chain(words.args());
        found.extend(all.map(|word| at(&word.range)));
    }
    found.extend(instruction.heredocs().iter().map(|heredoc| at(&heredoc.body)));
    let script = inner
        .script()
        .and_then(|script| Some((script, script.text_offset(offset.checked_sub(placed.start)?)?)));
    if let Some((script, local)) = script {
        let nodes = nodes(script.root(), local);
        found.extend(nodes.into_iter().map(|node| at(&script.source_range(node.byte_range()))));
    }
}

/// The named nodes around byte `at`, innermost [`MAX_NODES`] of them. Walks down once: asking each node for its parent
/// would start at the root each time.
fn nodes(root: Node<'_>, at: usize) -> VecDeque<Node<'_>> {
    let mut found = VecDeque::new();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.is_named() {
            found.push_back(node);
            if found.len() > MAX_NODES {
                found.pop_front();
            }
        }
        // The child that begins before the offset and ends behind it; where two meet at the offset, the second.
        if cursor.goto_first_child_for_byte(at).is_some() && cursor.node().start_byte() <= at {
            continue;
        }
        // The offset is at the end of the last child, where a cursor often is.
        if cursor.node() != node {
            cursor.goto_parent();
        }
        match at.checked_sub(1) {
            Some(before)
                if cursor.goto_first_child_for_byte(before).is_some()
                    && cursor.node().start_byte() <= before
                    && cursor.node().end_byte() >= at => {}
            _ => return found,
        }
    }
}

/// From a stage's FROM to the end of its last instruction, for the stage that the block `index` is in.
fn stage(parsed: &Parsed, index: usize) -> Option<Range<usize>> {
    let blocks = parsed.layer().blocks();
    let is_from = |placed: &Placed| placed.instruction().is_some_and(|i| i.kind() == Some(Keyword::From));
    let from = blocks[..=index].iter().rposition(is_from)?;
    let next = blocks[index + 1..].iter().position(is_from).map_or(blocks.len(), |at| index + 1 + at);
    let last = blocks[from..next].iter().rev().find_map(|b| b.instruction().map(|i| (b, i)))?;
    let keyword = blocks[from].instruction()?.keyword().range.start;
    Some(blocks[from].start + keyword..last.0.start + last.1.trimmed_range().end)
}
