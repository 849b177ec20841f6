//! What file rules ask about stages.

use std::sync::Arc;

use layerwise_model::facts::{Purpose, StageFacts};
use layerwise_syntax::Instruction;

use super::FileCx;

/// The stage that a plain build makes, if nothing says that it is for tests or development.
pub(super) fn shipped<'a>(cx: &FileCx<'a>) -> Option<(usize, &'a StageFacts)> {
    let last = cx.eval.target.or(cx.eval.stages.len().checked_sub(1))?;
    let facts = cx.facts.stages.get(last)?;
    (facts.purpose == Purpose::Final).then_some((last, facts))
}

/// The instructions that a stage is made by, those of the stages below it first; FROM is not among them.
pub(super) fn chain<'a>(
    cx: &FileCx<'a>,
    stage: &'a StageFacts,
) -> impl DoubleEndedIterator<Item = (usize, &'a Arc<Instruction>)> {
    let file = cx.file;
    stage
        .chain
        .iter()
        .rev()
        .filter_map(|&index| file.stages().get(index))
        .flat_map(|stage| stage.body.clone())
        .map(|number| (number, file.instruction(number).1))
}

/// Whether an ARG says which image a stage is made from, and not just which version: its default is one of several.
pub(super) fn base_is_chosen(cx: &FileCx<'_>, stage: &StageFacts) -> bool {
    let bottom = stage.chain.last().and_then(|&index| cx.file.stages().get(index));
    let from = bottom.map(|stage| cx.file.instruction(stage.from).1);
    from.and_then(|from| from.args().first())
        .and_then(|word| word.value.split_once('$'))
        .is_some_and(|(before, _)| !before.rsplit('/').next().unwrap_or(before).contains([':', '@']))
}

/// The facts of the stage that an instruction belongs to.
pub(super) fn of<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a StageFacts> {
    cx.facts.stages.get(cx.file.stage_of(number)?.index)
}
