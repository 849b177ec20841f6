//! What COPY, ADD and bind mounts take from the build context, with the words that say so.

use layerwise_model::eval::{Command, Copy, Source, State, Step};
use layerwise_model::graph::{is_git, is_http};
use layerwise_syntax::mount::MountKind;
use layerwise_syntax::words::Lex;
use layerwise_syntax::{Form, Instruction, Word, heredoc};

/// A source that is read from the build context.
pub(super) struct ContextSource<'a> {
    /// The expanded path, as written otherwise.
    pub(super) path: &'a str,
    /// The word that gives it; for a bind mount the flag.
    pub(super) word: &'a Word,
    /// Whether its value is certain: it uses no variable without a value.
    pub(super) known: bool,
    /// How messages name what reads it: `COPY`, `ADD`, `the mount`.
    pub(super) reader: &'static str,
}

/// The sources of a COPY or ADD with the words that give them, in order; heredocs are left out.
pub(super) fn words<'a>(instruction: &'a Instruction, copy: &'a Copy) -> Vec<(&'a str, &'a Word)> {
    let sources = instruction.args().split_last().map_or(&[][..], |(_, sources)| sources);
    let exec = instruction.form() == Form::Exec;
    let plain = sources.iter().filter(|word| exec || heredoc::marker(&word.value).is_none());
    copy.sources.iter().map(String::as_str).zip(plain).collect()
}

/// What an instruction reads from the build context. URLs and git repositories are no part of it.
pub(super) fn from_context<'a>(instruction: &'a Instruction, step: &'a Step) -> Vec<ContextSource<'a>> {
    match &step.command {
        Command::Copy(copy) if copy.from == Source::Context => words(instruction, copy)
            .into_iter()
            .filter(|(path, _)| !(copy.add && (is_http(path) || is_git(path))))
            .map(|(path, word)| ContextSource {
                path,
                word,
                known: is_known(instruction, &word.value, &step.state),
                reader: if copy.add { "ADD" } else { "COPY" },
            })
            .collect(),
        Command::Run(run) => {
            let flags = instruction.flag_values_words("mount");
            let mounts = flags.zip(&run.mounts).filter(|_| run.mounts.len() == mount_count(instruction));
            mounts
                .filter(|(_, (mount, from))| {
                    mount.kind == MountKind::Bind && *from == Source::Context && !mount.source.is_empty()
                })
                .map(|((value, word), (mount, _))| ContextSource {
                    path: mount.source.as_str(),
                    word,
                    known: is_known(instruction, value, &step.state),
                    reader: "the mount",
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

fn mount_count(instruction: &Instruction) -> usize {
    instruction.flag_values("mount").count()
}

/// Whether every variable that a word uses has a value.
pub(super) fn is_known(instruction: &Instruction, word: &str, state: &State) -> bool {
    !word.contains('$')
        || Lex::new(instruction.escape())
            .variables(word)
            .iter()
            .all(|used| state.env.get(&used.name).is_some_and(|value| !value.is_empty()))
}
