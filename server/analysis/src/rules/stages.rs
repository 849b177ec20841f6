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

/// The facts of the stage that an instruction belongs to.
pub(super) fn of<'a>(cx: &FileCx<'a>, number: usize) -> Option<&'a StageFacts> {
    cx.facts.stages.get(cx.file.stage_of(number)?.index)
}
