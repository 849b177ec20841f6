//! What can be folded away.

use crate::document::Parsed;
use crate::keyword::Keyword;
use crate::lines::{Block, Placed};

/// What a fold holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FoldKind {
    /// An instruction of several lines.
    Instruction,
    /// The lines of a heredoc, without the one that ends it.
    Heredoc,
    /// Comment lines and directives, one below the other.
    Comments,
    /// A build stage: from its FROM to its last instruction.
    Stage,
}

/// A run of lines that can be folded: at least two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Its first line, from 0, as [`crate::Text`] counts lines.
    pub first: usize,
    /// Its last line.
    pub last: usize,
    /// What it holds.
    pub kind: FoldKind,
}

/// All folds, by first line, the longer first where two start together. They come from the line layer alone, so that
/// they are right in a file that is half typed.
pub fn folding(parsed: &Parsed) -> Vec<Fold> {
    let mut folds = Vec::new();
    let mut add = |start: usize, end: usize, kind: FoldKind| {
        // The end is where the last line's content ends; an empty range holds no line.
        if start < end {
            let (first, last) = (parsed.text().line_of(start), parsed.text().line_of(end - 1));
            if first < last {
                folds.push(Fold { first, last, kind });
            }
        }
    };
    let mut stage: Option<(usize, usize)> = None;
    let mut comments: Option<(usize, usize)> = None;
    for placed in parsed.layer().blocks() {
        if matches!(placed.block, Block::Comment(_) | Block::Directive(..)) {
            comments = Some((comments.map_or(placed.start, |(start, _)| start), content_end(placed)));
            continue;
        }
        if let Some((start, end)) = comments.take() {
            add(start, end, FoldKind::Comments);
        }
        let Some(instruction) = placed.instruction() else { continue };
        let end = content_end(placed);
        add(placed.start, end, FoldKind::Instruction);
        for heredoc in instruction.heredocs() {
            add(placed.start + heredoc.body.start, placed.start + heredoc.body.end, FoldKind::Heredoc);
        }
        if instruction.kind() == Some(Keyword::From) {
            if let Some((start, end)) = stage {
                add(start, end, FoldKind::Stage);
            }
            stage = Some((placed.start, end));
        } else if let Some((_, last)) = &mut stage {
            *last = end;
        }
    }
    for (open, kind) in [(comments, FoldKind::Comments), (stage, FoldKind::Stage)] {
        if let Some((start, end)) = open {
            add(start, end, kind);
        }
    }
    folds.sort_by_key(|fold| (fold.first, std::cmp::Reverse(fold.last)));
    folds
}

/// Where a block's content ends, its last line break excluded.
fn content_end(placed: &Placed) -> usize {
    match &placed.block {
        Block::Comment(text) | Block::Directive(_, text) => placed.start + text.len(),
        Block::Instruction(instruction) => placed.start + instruction.trimmed_range().end,
        Block::Blank => placed.start,
    }
}
