//! The labels of an instruction.

use std::ops::Range;

use layerwise_syntax::words::Lex;
use layerwise_syntax::{Instruction, Keyword};

use crate::rules::InstructionCx;

/// A label: its key and value, with variables filled in and quotes taken off, and where they stand in the instruction's
/// source. A value with a variable that is not set is `None`.
pub(super) struct Label {
    pub(super) key: String,
    pub(super) key_range: Range<usize>,
    pub(super) value: Option<String>,
    pub(super) value_range: Range<usize>,
}

/// The keys of a LABEL as written, without quotes.
pub(super) fn keys(instruction: &Instruction) -> impl Iterator<Item = &str> {
    let words = if instruction.kind() == Some(Keyword::Label) { instruction.args() } else { &[] };
    words.iter().step_by(3).map(|word| word.value.trim_matches(['"', '\'']))
}

/// The labels of a LABEL.
pub(super) fn labels(cx: &InstructionCx<'_>) -> Vec<Label> {
    if cx.instruction.kind() != Some(Keyword::Label) {
        return Vec::new();
    }
    let lex = Lex::new(cx.instruction.escape());
    let expand = |text: &str| {
        let word = lex.process_word(text, &cx.step.state.env).ok()?;
        word.unmatched.is_empty().then_some(word.value)
    };
    let triples = cx.instruction.args().chunks(3);
    let labels = triples.filter_map(|triple| {
        let (key, value) = (triple.first()?, triple.get(1)?);
        Some(Label {
            key: expand(&key.value)?,
            key_range: key.range.clone(),
            value: expand(&value.value),
            value_range: value.range.clone(),
        })
    });
    labels.collect()
}
