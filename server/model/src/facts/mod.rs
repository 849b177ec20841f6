//! Facts that rules read: what the shell of an instruction does, what a base image has, what a stage is for.
//!
//! Facts of one instruction follow from the instruction and the state that it finds, and are kept as long as both stay
//! the same ([`InstructionFacts::of`]); those of stages are put together from them with every edit ([`FileFacts::of`]).

pub mod base;
pub mod command;
pub mod installs;
pub mod stage;

use std::sync::Arc;

use layerwise_syntax::shell::Origin;
use layerwise_syntax::{Form, Instruction, Keyword};

use crate::eval::{Evaluation, State};
use crate::file::File;

pub use base::{BaseFacts, Family, Libc, Shell, Tool};
pub use command::{Argument, Command, Pipeline};
pub use installs::{Install, Manager, Package};
pub use stage::{Purpose, StageFacts};

/// What an instruction does, as far as its text tells.
#[derive(Debug, Default)]
pub struct InstructionFacts {
    /// The shell that its shell form runs in, as SHELL says; `None` for the base image's own.
    pub shell: Option<Shell>,
    /// Every simple command, in order, nested ones too. An exec form is one command. Empty where the shell is not a POSIX
    /// shell or its text is not understood.
    pub commands: Vec<Command>,
    /// Every pipeline of two commands or more.
    pub pipelines: Vec<Pipeline>,
    /// What package managers install, in order.
    pub installs: Vec<Install>,
    /// Whether there is shell text that was not understood: nothing may be concluded from what is missing above.
    pub unclear: bool,
}

impl InstructionFacts {
    /// Facts of an instruction that finds `state`. For ONBUILD, those of what it triggers.
    pub fn of(instruction: &Instruction, state: &State) -> InstructionFacts {
        let instruction = instruction.trigger().unwrap_or(instruction);
        let mut facts = InstructionFacts {
            shell: state.shell.as_deref().map(Shell::of_words),
            ..InstructionFacts::default()
        };
        if !matches!(
            instruction.kind(),
            Some(Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck)
        ) {
            return facts;
        }
        if instruction.form() == Form::Exec {
            facts.commands.extend(command::of_exec(instruction));
        } else if facts.shell.is_none_or(Shell::is_posix) {
            match instruction.script() {
                // A heredoc that another program reads is not shell text, and the grammar does not know that order.
                Some(script) if script.origin() == Origin::Mixed && script.has_error() => {
                    facts.unclear = true
                }
                Some(script) => {
                    facts.unclear = script.has_error();
                    (facts.commands, facts.pipelines) = command::of_script(instruction, script);
                }
                None => facts.unclear = true,
            }
        } else {
            facts.unclear = true;
        }
        facts.installs =
            facts.commands.iter().enumerate().filter_map(|(at, c)| installs::of(at, c)).collect();
        facts
    }

    /// The commands of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Command> {
        self.commands.iter().filter(move |command| command.name == name)
    }
}

/// The facts of a whole file.
#[derive(Debug)]
pub struct FileFacts {
    /// Per instruction, in file order.
    pub instructions: Vec<Arc<InstructionFacts>>,
    /// Per stage, in file order.
    pub stages: Vec<StageFacts>,
}

impl FileFacts {
    /// Puts the facts of a file together from those of its instructions, of which there is one each. `path` is the
    /// Dockerfile's, as far as it is known: a stage is recognised as a dev container's by it.
    pub fn of(
        file: &File,
        eval: &Evaluation,
        instructions: Vec<Arc<InstructionFacts>>,
        path: Option<&str>,
    ) -> FileFacts {
        let stages = stage::stages(file, eval, &instructions, path);
        FileFacts { instructions, stages }
    }

    /// The same, with the facts of each instruction found anew.
    pub fn new(file: &File, eval: &Evaluation, path: Option<&str>) -> FileFacts {
        let instructions = file
            .all()
            .map(|(number, _, i)| Arc::new(InstructionFacts::of(i, &eval.step(number).state)))
            .collect();
        FileFacts::of(file, eval, instructions, path)
    }
}
