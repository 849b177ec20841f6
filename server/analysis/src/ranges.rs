//! Where in an instruction a finding stands. BuildKit puts a check's finding on the instruction's first line, so a range is
//! as precise as it can be without leaving that line. All ranges are bytes of the instruction's source.

use std::ops::Range;

use layerwise_syntax::{Instruction, Word};

/// The first line of an instruction, without its continuation character and line break.
pub fn head(instruction: &Instruction) -> Range<usize> {
    let trimmed = instruction.trimmed_range();
    let source = &instruction.source()[trimmed.clone()];
    let line = source.find('\n').map_or(source, |at| &source[..at]);
    let line = line.trim_end().trim_end_matches(instruction.escape()).trim_end();
    trimmed.start..trimmed.start + line.len()
}

/// The range itself if it starts on the instruction's first line, else that line.
pub fn on_first_line(instruction: &Instruction, range: &Range<usize>) -> Range<usize> {
    let start = instruction.trimmed_range().start;
    match instruction.source().get(start..range.start) {
        Some(before) if !before.contains('\n') => range.clone(),
        _ => head(instruction),
    }
}

/// Whether a word stands in the source exactly as its value has it: no continuation in it, nothing unquoted.
pub fn is_verbatim(instruction: &Instruction, word: &Word) -> bool {
    instruction.source().get(word.range.clone()) == Some(word.value.as_str())
}

/// The `nth` reference (from 0) to a variable within a range: the bytes of its name. The last one if there are fewer.
pub fn variable(
    instruction: &Instruction,
    within: Range<usize>,
    name: &str,
    nth: usize,
) -> Option<Range<usize>> {
    let text = instruction.source().get(within.clone())?;
    let mut found = None;
    let mut count = 0;
    for (at, _) in text.match_indices('$') {
        let escapes = text[..at].chars().rev().take_while(|&c| c == instruction.escape()).count();
        if escapes % 2 == 1 {
            continue;
        }
        let rest = &text[at + 1..];
        let (rest, start) = match rest.strip_prefix('{') {
            Some(rest) => (rest, at + 2),
            None => (rest, at + 1),
        };
        let Some(behind) = rest.strip_prefix(name) else { continue };
        if behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        found = Some(within.start + start..within.start + start + name.len());
        if count == nth {
            break;
        }
        count += 1;
    }
    found
}
