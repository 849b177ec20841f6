//! A Dockerfile as stages: which instruction belongs to which, and what each stage is called.

use std::ops::Range;
use std::sync::Arc;

use layerwise_syntax::lines::Block;
use layerwise_syntax::{Instruction, Keyword, Parsed, Placed};

/// A parsed Dockerfile with its instructions numbered and its stages found.
#[derive(Clone, Debug)]
pub struct File {
    parsed: Parsed,
    /// Block index of each instruction.
    blocks: Vec<usize>,
    stages: Vec<Stage>,
    /// Stage of each instruction; `None` before the first FROM.
    owners: Vec<Option<usize>>,
    /// Kind of each instruction, and of what it triggers if it is ONBUILD: close together, as every rule looks for its own.
    kinds: Vec<(Option<Keyword>, Option<Keyword>)>,
}

/// A build stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its number, from 0.
    pub index: usize,
    /// The FROM instruction.
    pub from: usize,
    /// The name after AS in lower case, as BuildKit compares it.
    pub name: Option<String>,
    /// The instructions after FROM, up to the next FROM.
    pub body: Range<usize>,
}

impl File {
    /// Finds the stages of a parsed text.
    pub fn new(parsed: Parsed) -> File {
        let mut blocks = Vec::new();
        let mut stages: Vec<Stage> = Vec::new();
        let mut owners = Vec::new();
        let mut kinds = Vec::new();
        for (index, placed) in parsed.layer().blocks().iter().enumerate() {
            let Some(instruction) = placed.instruction() else { continue };
            let number = blocks.len();
            blocks.push(index);
            if instruction.kind() == Some(Keyword::From) {
                let name = match instruction.args() {
                    [_, word, name] if word.value.eq_ignore_ascii_case("as") => {
                        Some(name.value.to_lowercase())
                    }
                    _ => None,
                };
                stages.push(Stage { index: stages.len(), from: number, name, body: number + 1..number + 1 });
            } else if let Some(stage) = stages.last_mut() {
                stage.body.end = number + 1;
            }
            owners.push(stages.len().checked_sub(1));
            kinds.push((instruction.kind(), instruction.trigger().unwrap_or(instruction).kind()));
        }
        File { parsed, blocks, stages, owners, kinds }
    }

    /// The parsed text.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// The frontend that `# syntax=` asks for, as written.
    pub fn syntax(&self) -> Option<&str> {
        self.parsed.layer().blocks().iter().find_map(|placed| match &placed.block {
            Block::Directive(directive, _) if directive.name == "syntax" => Some(directive.value.as_str()),
            _ => None,
        })
    }

    /// How many instructions there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is no instruction.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// An instruction by its number, from 0 in file order, and where it stands.
    ///
    /// # Panics
    /// If `number` is not below [`Self::len`].
    pub fn instruction(&self, number: usize) -> (&Placed, &Arc<Instruction>) {
        let placed = &self.parsed.layer().blocks()[self.blocks[number]];
        match placed.instruction() {
            Some(instruction) => (placed, instruction),
            None => unreachable!("`blocks` holds the blocks that are instructions"),
        }
    }

    /// The index in [`layerwise_syntax::LineLayer::blocks`] of an instruction.
    pub fn block_of(&self, number: usize) -> usize {
        self.blocks[number]
    }

    /// The instructions of a range of numbers.
    pub fn instructions(
        &self,
        numbers: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (usize, &Placed, &Arc<Instruction>)> {
        numbers.map(|n| {
            let (placed, instruction) = self.instruction(n);
            (n, placed, instruction)
        })
    }

    /// All instructions.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (usize, &Placed, &Arc<Instruction>)> {
        self.instructions(0..self.len())
    }

    /// The instructions of these kinds; triggers of ONBUILD are not among them.
    pub fn of_kind<'a>(
        &'a self,
        kinds: &'a [Keyword],
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Placed, &'a Arc<Instruction>)> {
        self.of_kind_in(0..self.len(), kinds)
    }

    /// Those of a range of numbers.
    pub fn of_kind_in<'a>(
        &'a self,
        numbers: Range<usize>,
        kinds: &'a [Keyword],
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Placed, &'a Arc<Instruction>)> {
        let is_one = move |number: &usize| self.kinds[*number].0.is_some_and(|kind| kinds.contains(&kind));
        numbers.filter(is_one).map(|number| {
            let (placed, instruction) = self.instruction(number);
            (number, placed, instruction)
        })
    }

    /// The instructions of these kinds, and ONBUILD where its trigger is of one.
    pub fn of_kind_or_trigger<'a>(
        &'a self,
        kinds: &'a [Keyword],
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Placed, &'a Arc<Instruction>)> {
        let is_one = move |number: &usize| self.kinds[*number].1.is_some_and(|kind| kinds.contains(&kind));
        (0..self.len()).filter(is_one).map(|number| {
            let (placed, instruction) = self.instruction(number);
            (number, placed, instruction)
        })
    }

    /// The number of the instruction that holds the byte `at`.
    pub fn at(&self, at: usize) -> Option<usize> {
        let block = self.parsed.layer().block_at(at)?;
        self.blocks.binary_search(&block).ok()
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage that an instruction belongs to (FROM to its own); `None` before the first FROM.
    pub fn stage_of(&self, number: usize) -> Option<&Stage> {
        self.owners.get(number).copied().flatten().map(|s| &self.stages[s])
    }

    /// The bytes of an instruction in the document, without white space around it.
    pub fn range(&self, number: usize) -> Range<usize> {
        let (placed, instruction) = self.instruction(number);
        let trimmed = instruction.trimmed_range();
        placed.start + trimmed.start..placed.start + trimmed.end
    }

    /// A range of an instruction's source in the document.
    pub fn absolute(&self, number: usize, range: Range<usize>) -> Range<usize> {
        let start = self.instruction(number).0.start;
        start + range.start..start + range.end
    }

    /// The first line of an instruction, from 1, as BuildKit counts.
    pub fn line(&self, number: usize) -> usize {
        self.instruction(number).0.line + 1
    }

    /// The last line of an instruction, from 1, heredoc bodies included.
    pub fn end_line(&self, number: usize) -> usize {
        let placed = self.instruction(number).0;
        placed.line + placed.lines
    }
}
