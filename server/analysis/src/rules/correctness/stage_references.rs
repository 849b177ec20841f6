//! The stages that `--from` and `from=` name.

use std::collections::HashMap;

use layerwise_model::eval::{Command, Source};
use layerwise_syntax::{Keyword, Word};

use crate::rules::FileCx;

/// A `--from` of COPY or a `from=` of a mount.
pub(super) struct Reference<'a> {
    /// The instruction.
    pub(super) number: usize,
    /// The flag.
    pub(super) word: &'a Word,
    /// What it names.
    pub(super) name: &'a str,
    /// The stage, if it is one's name or, for COPY, its number.
    pub(super) stage: Option<usize>,
    /// What it is otherwise, as far as that is known.
    pub(super) source: Option<&'a Source>,
    /// How messages name it: `COPY --from=x`, `The mount from x`.
    pub(super) shown: String,
}

/// Every such reference in the file, in order. Those of ONBUILD are about the file that triggers them, and left out.
pub(super) fn references<'a>(cx: &FileCx<'a>) -> Vec<Reference<'a>> {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for stage in cx.file.stages() {
        if let Some(name) = &stage.name {
            names.insert(name, stage.index);
        }
    }
    let by_name = |name: &str| names.get(name.to_lowercase().as_str()).copied();
    let mut found = Vec::new();
    for (number, _, instruction) in cx.file.all() {
        match instruction.kind() {
            Some(Keyword::Copy) => {
                let Some(word) = instruction.flag_word("from") else { continue };
                let Some(name) = instruction.flag("from").filter(|name| !name.is_empty()) else { continue };
                let source = match &cx.eval.step(number).command {
                    Command::Copy(copy) => Some(&copy.from),
                    _ => None,
                };
                let stage = match name.parse::<usize>() {
                    Ok(index) => Some(index).filter(|&index| index < cx.file.stages().len()),
                    Err(_) => by_name(name),
                };
                let shown = format!("COPY --from={name}");
                found.push(Reference { number, word, name, stage, source, shown });
            }
            Some(Keyword::Run) => {
                let Command::Run(run) = &cx.eval.step(number).command else { continue };
                let flags: Vec<_> = instruction.flag_values_words("mount").collect();
                if flags.len() != run.mounts.len() {
                    continue;
                }
                for ((_, word), (mount, source)) in flags.into_iter().zip(&run.mounts) {
                    let name = mount.from.as_str();
                    if !name.is_empty() {
                        let shown = format!("The mount from `{name}`");
                        let stage = by_name(name);
                        found.push(Reference { number, word, name, stage, source: Some(source), shown });
                    }
                }
            }
            _ => {}
        }
    }
    found
}
