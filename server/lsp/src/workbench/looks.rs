//! What is drawn of a plan, tied to instructions and not to places: so it can keep its place while the text around it
//! changes, and be compared with what was drawn before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use layerwise_model::File;
use layerwise_syntax::Instruction;

use crate::engine::LensAction;

/// What is drawn.
#[derive(Default)]
pub(crate) struct Looks {
    /// The instructions of the text that it was made for.
    pub(crate) instructions: Vec<Arc<Instruction>>,
    pub(crate) drawn: Drawn,
}

/// Hints and lenses by the number of their instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) hints: Vec<Hint>,
    pub(crate) lenses: Vec<Lens>,
}

/// A hint at the end of an instruction's first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) number: usize,
    pub(crate) said: Arc<Said>,
}

/// What a hint says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) label: String,
    pub(crate) markdown: String,
    /// The same as plain text in one line, for a diagnostic.
    pub(crate) message: String,
}

/// A lens above an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lens {
    pub(crate) number: usize,
    pub(crate) title: String,
    pub(crate) action: LensAction,
}

impl Looks {
    pub(crate) fn new(file: &File, drawn: Drawn) -> Looks {
        Looks { instructions: instructions(file), drawn }
    }

    /// The same on another text: each instruction keeps what it had, also the one that is being edited. What is new has
    /// nothing yet, and what belonged to something that is gone is gone.
    pub(crate) fn carried(&self, file: &File) -> Drawn {
        let to = moved(&self.instructions, &instructions(file));
        let place = |number: usize| to.get(number).copied().flatten();
        let hints = self.drawn.hints.iter();
        let lenses = self.drawn.lenses.iter();
        Drawn {
            hints: hints
                .filter_map(|h| Some(Hint { number: place(h.number)?, said: Arc::clone(&h.said) }))
                .collect(),
            lenses: lenses.filter_map(|l| Some(Lens { number: place(l.number)?, ..l.clone() })).collect(),
        }
    }
}

fn instructions(file: &File) -> Vec<Arc<Instruction>> {
    file.all().map(|(_, _, instruction)| Arc::clone(instruction)).collect()
}

/// Where each old instruction is among the new ones. An instruction that did not change is the same object; of those
/// between two that did not, each is taken for the one in the same place.
fn moved(old: &[Arc<Instruction>], new: &[Arc<Instruction>]) -> Vec<Option<usize>> {
    let same = |(a, b): &(&Arc<Instruction>, &Arc<Instruction>)| Arc::ptr_eq(a, b);
    let start = old.iter().zip(new).take_while(same).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(same).count();
    let mut to: Vec<Option<usize>> = vec![None; old.len()];
    (0..start).for_each(|number| to[number] = Some(number));
    (1..=end).for_each(|back| to[old.len() - back] = Some(new.len() - back));
    let (old_end, new_end) = (old.len() - end, new.len() - end);
    let places: HashMap<_, _> = (start..new_end).map(|n| (Arc::as_ptr(&new[n]), n)).collect();
    let old_ones: HashSet<_> = old[start..old_end].iter().map(Arc::as_ptr).collect();
    // The place after the last one that was found: what was edited follows what stands before it.
    let mut next = start;
    for number in start..old_end {
        let place = match places.get(&Arc::as_ptr(&old[number])) {
            Some(&place) if place >= next => Some(place),
            _ => (next < new_end && !old_ones.contains(&Arc::as_ptr(&new[next]))).then_some(next),
        };
        to[number] = place;
        next = place.map_or(next, |place| place + 1);
    }
    to
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Document;

    use super::*;

    /// Where the instructions of `text` are after replacing `range` by `new`.
    fn after(text: &str, range: std::ops::Range<usize>, new: &str) -> Vec<Option<usize>> {
        let mut document = Document::new(text);
        let old = instructions(&File::new(document.parsed().clone()));
        document.edit(range, new).expect("the edit fits");
        moved(&old, &instructions(&File::new(document.parsed().clone())))
    }

    const TEXT: &str = "FROM a\nRUN b\nRUN c\nRUN d\n";

    #[test]
    fn what_is_edited_stays_what_it_was() {
        let all = [Some(0), Some(1), Some(2), Some(3)];
        assert_eq!(after(TEXT, 12..12, "x"), all);
        assert_eq!(after(TEXT, 7..10, "R"), all);
        assert_eq!(after(TEXT, 0..0, "# comment\n"), all);
    }

    #[test]
    fn what_is_inserted_moves_the_rest() {
        assert_eq!(after(TEXT, 7..7, "WORKDIR /x\n"), [Some(0), Some(2), Some(3), Some(4)]);
        assert_eq!(after(TEXT, 25..25, "RUN e\n"), [Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn what_is_gone_has_no_place() {
        assert_eq!(after(TEXT, 13..19, ""), [Some(0), Some(1), None, Some(2)]);
        assert_eq!(after(TEXT, 0..TEXT.len(), ""), [None; 4]);
        assert_eq!(after(TEXT, 12..13, " "), [Some(0), Some(1), None, Some(2)]);
    }
}
