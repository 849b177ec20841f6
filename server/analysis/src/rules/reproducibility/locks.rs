//! Installs that may change the lock file that is there.

use layerwise_model::eval::{Command as Step, Source};
use layerwise_model::facts::{Command, Install, Manager, Purpose};
use layerwise_syntax::Keyword;

use crate::rules::{FileCx, stages};

/// An install of what the manifest says, in a stage that has the lock file.
pub(super) struct Locked<'a> {
    pub(super) number: usize,
    pub(super) install: &'a Install,
    pub(super) command: &'a Command,
    /// The lock file.
    pub(super) lock: &'static str,
}

/// The installs by a manager of a whole project, in stages that have copied one of these lock files before. Stages for
/// development change their lock files on purpose.
pub(super) fn installs<'a>(cx: &FileCx<'a>, manager: Manager, locks: &[&'static str]) -> Vec<Locked<'a>> {
    let mut found = Vec::new();
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        let installs = facts
            .installs
            .iter()
            .filter(|install| install.manager == manager && install.packages.is_empty() && !install.global);
        for install in installs {
            let Some(command) = facts.commands.get(install.command) else { continue };
            if let Some(lock) = locks.iter().find(|lock| has(cx, number, lock)) {
                found.push(Locked { number, install, command, lock });
            }
        }
    }
    found
}

/// Whether the stage has copied a file of this name from the build context before the instruction.
pub(super) fn has(cx: &FileCx<'_>, number: usize, name: &str) -> bool {
    let Some(stage) = stages::of(cx, number).filter(|stage| stage.purpose != Purpose::Development) else {
        return false;
    };
    let in_context = cx.context.is_some_and(|context| context.get(name).is_some());
    stages::chain(cx, stage).take_while(|(other, _)| *other < number).any(|(other, _)| {
        let Step::Copy(copy) = &cx.eval.step(other).command else { return false };
        copy.from == Source::Context
            && copy.sources.iter().any(|source| {
                let last = source.trim_end_matches('*').rsplit('/').next().unwrap_or(source);
                let prefix = source.trim_start_matches("./").split('*').next().unwrap_or_default();
                last == name
                    || (in_context
                        && (matches!(source.as_str(), "." | "./" | "/")
                            || (source.contains('*') && name.starts_with(prefix))))
            })
    })
}
