//! What the rules of this folder share: which instructions make layers of the image, and what a RUN leaves in its layer.

use std::cell::OnceCell;
use std::ops::Range;

use layerwise_model::eval::State;
use layerwise_model::facts::{Argument, Command, InstructionFacts, Purpose};
use layerwise_syntax::mount::{self, MountKind};
use layerwise_syntax::shell::Origin;
use layerwise_syntax::{Form, Instruction, Keyword};

use crate::actions::layout::Layout;
use crate::cost::run::{self, What};
use crate::fix::Fix;
use crate::rules::FileCx;

/// A RUN whose layer is in an image: that of the target or of a stage that it stands on, or, behind ONBUILD, that of
/// whoever builds on the image. Fragments without FROM count as one stage.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The instruction's number.
    pub(super) number: usize,
    /// The RUN; inside ONBUILD, what that triggers.
    pub(super) instruction: &'a Instruction,
    /// Its facts.
    pub(super) facts: &'a InstructionFacts,
    /// What it finds.
    pub(super) state: &'a State,
    /// Its stage.
    pub(super) stage: Option<usize>,
}

/// The stage that is built where no target is named.
pub(super) fn target(cx: &FileCx<'_>) -> Option<usize> {
    cx.eval.target.or(cx.file.stages().len().checked_sub(1))
}

/// The stages whose layers are in the image: the target and what it stands on, the target first.
pub(super) fn chain<'a>(cx: &FileCx<'a>) -> &'a [usize] {
    target(cx).and_then(|stage| cx.facts.stages.get(stage)).map_or(&[], |facts| &facts.chain)
}

/// Whether a stage's layers are in the image. `None`, before any FROM, counts only where there is no FROM.
pub(super) fn is_shipped(cx: &FileCx<'_>, stage: Option<usize>) -> bool {
    match stage {
        Some(stage) => chain(cx).contains(&stage),
        None => cx.file.stages().is_empty(),
    }
}

/// Whether the image is for running a program: nothing says that it is for tests or development, and the stages that it is
/// made of say what it starts. Images of tools to build with mostly say nothing.
pub(super) fn is_application(cx: &FileCx<'_>) -> bool {
    let Some(facts) = target(cx).and_then(|stage| cx.facts.stages.get(stage)) else { return false };
    // A shell, a build script and the like are what images of tools start.
    let is_tool = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        matches!(name, "bash" | "sh" | "zsh" | "ash" | "fish" | "true" | "exec" | "tail")
            || name.starts_with("build")
    };
    let mut words = starts(cx).flat_map(|(_, i)| i.args()).flat_map(|arg| arg.value.split_whitespace());
    facts.purpose == Purpose::Final
        && words.any(|word| !word.starts_with('-') && word != "/dev/null" && !is_tool(word))
}

/// CMD and ENTRYPOINT of the image's stages, with their numbers.
pub(super) fn starts<'a>(cx: &FileCx<'a>) -> impl Iterator<Item = (usize, &'a Instruction)> {
    let file = cx.file;
    let stages = chain(cx).iter().filter_map(|stage| file.stages().get(*stage));
    stages.flat_map(move |stage| {
        let of_kind = file.instructions(stage.body.clone()).filter(|(_, _, i)| {
            matches!(i.kind(), Some(Keyword::Cmd | Keyword::Entrypoint)) && !i.args().is_empty()
        });
        of_kind.map(|(number, _, i)| (number, i.as_ref()))
    })
}

/// The RUNs whose layers are in an image, in file order, which is that of the layers.
pub(super) fn runs<'a>(cx: &FileCx<'a>) -> impl Iterator<Item = Run<'a>> {
    let (file, facts, eval) = (cx.file, cx.facts, cx.eval);
    let shipped = chain(cx);
    let fragment = file.stages().is_empty();
    file.of_kind_or_trigger(&[Keyword::Run]).filter_map(move |(number, _, whole)| {
        let instruction = whole.trigger().unwrap_or(whole);
        let stage = file.stage_of(number).map(|stage| stage.index);
        let counts = stage.map_or(fragment, |stage| shipped.contains(&stage));
        (counts || whole.trigger().is_some()).then(|| Run {
            number,
            instruction,
            facts: &facts.instructions[number],
            state: &eval.step(number).state,
            stage,
        })
    })
}

/// The value of a variable of the environment that a RUN finds. In a fragment without FROM, what an ENV above says.
pub(super) fn variable<'a>(cx: &FileCx<'a>, run: &Run<'a>, name: &str) -> Option<&'a str> {
    if let Some(value) = run.state.env.get(name) {
        return Some(value);
    }
    if run.stage.is_some() {
        return None;
    }
    let above = cx.file.instructions(0..run.number).filter(|(_, _, i)| i.kind() == Some(Keyword::Env));
    let found = above.flat_map(|(_, _, i)| i.args().chunks(3)).rfind(|pair| pair[0].value == name)?;
    found.get(1).map(|word| word.value.as_str())
}

/// Directories that commands leave things in, which only a later command of the same kind reads.
pub(super) struct Cache {
    /// The directories. One below `/root` stands for any user's.
    pub(super) dirs: &'static [&'static str],
    /// Whether a command empties them, other than by rm.
    pub(super) cleans: fn(&Command) -> bool,
    /// Whether a command puts something there.
    pub(super) fills: fn(&Command) -> bool,
}

impl Cache {
    /// Whether what command `at` of a RUN puts there stays in the RUN's layer.
    pub(super) fn stays(&self, run: &Run<'_>, at: usize) -> bool {
        let later = run.facts.commands.get(at + 1..).unwrap_or_default();
        !run.facts.unclear && !self.is_mounted(run) && !later.iter().any(|command| self.empties(command))
    }

    /// Whether a command empties one of the directories.
    pub(super) fn empties(&self, command: &Command) -> bool {
        (self.cleans)(command) || removes(command, self.dirs)
    }

    /// Whether something is mounted over the directories, so that they are in no layer.
    pub(super) fn is_mounted(&self, run: &Run<'_>) -> bool {
        mounted(run.instruction).iter().any(|target| self.dirs.iter().any(|dir| holds(target, dir)))
    }

    /// The number of the last RUN that empties the directories without having filled them itself: what lies in the layers
    /// above it is told there, by `cleanup-in-later-layer`.
    pub(super) fn last_emptied(&self, cx: &FileCx<'_>) -> Option<usize> {
        let mut last = None;
        for run in runs(cx) {
            let commands = &run.facts.commands;
            let Some(at) = commands.iter().position(|command| self.empties(command)) else { continue };
            if !commands[..at].iter().any(self.fills) {
                last = Some(run.number);
            }
        }
        last
    }
}

/// The targets of the cache and tmpfs mounts of a RUN, without variables expanded.
pub(super) fn mounted(instruction: &Instruction) -> Vec<String> {
    let parsed = instruction
        .flag_values("mount")
        .filter_map(|value| mount::parse(value, &mut |text| Ok(text.to_owned())).ok());
    let kept = parsed.filter(|mount| matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs));
    kept.map(|mount| mount.target.trim_end_matches('/').to_owned()).filter(|t| !t.is_empty()).collect()
}

/// Whether a path is `dir`, or a directory above it.
pub(super) fn holds(path: &str, dir: &str) -> bool {
    let below = |dir: &str, path: &str| {
        dir.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if below(dir, path) {
        return true;
    }
    // Another user's home has the same directories.
    let Some(rest) = dir.strip_prefix("/root") else { return false };
    path.ends_with(rest) || (rest.starts_with("/.cache/") && path.ends_with("/.cache"))
}

/// Whether a command deletes one of the directories, what is in it, or what holds it.
fn removes(command: &Command, dirs: &[&str]) -> bool {
    let deletes = match command.name.as_str() {
        "rm" | "rmdir" => true,
        "find" => command.args.iter().any(|arg| matches!(arg.text.as_str(), "-delete" | "rm")),
        _ => false,
    };
    deletes
        && command.operands().flat_map(|arg| alternatives(&arg.text)).any(|path| {
            let path = at_home(&path);
            let path = path.trim_end_matches('*').trim_end_matches('/');
            dirs.iter().any(|dir| {
                (!path.is_empty() && holds(path, dir))
                    || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
            })
        })
}

/// A path with the home directory of root in place of what stands for it.
pub(super) fn at_home(path: &str) -> String {
    for home in ["~/", "$HOME/", "${HOME}/"] {
        if let Some(rest) = path.trim_matches('"').strip_prefix(home) {
            return format!("/root/{rest}");
        }
    }
    path.trim_matches('"').to_owned()
}

/// What a word with one pair of braces stands for: `/a/{b,c}` is `/a/b` and `/a/c`.
fn alternatives(word: &str) -> Vec<String> {
    let braces = word.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        (!before.ends_with('$')).then_some((before, inner, after))
    });
    match braces {
        Some((before, inner, after)) => {
            inner.split(',').take(64).map(|part| format!("{before}{part}{after}")).collect()
        }
        None => vec![word.to_owned()],
    }
}

/// Where a command starts, up to the end of `last` (its subcommand, say), in the document.
pub(super) fn call(
    cx: &FileCx<'_>,
    run: &Run<'_>,
    command: &Command,
    last: Option<&Argument>,
) -> Range<usize> {
    let start = command.program.range.start;
    let end = last.map_or(command.program.range.end, |arg| arg.range.end).max(start);
    cx.file.absolute(run.number, start..end)
}

/// What a command puts into directories that only a later one reads, in bytes, where that is known at all.
pub(super) fn cache_bytes(command: &Command) -> Option<f64> {
    let mut words = vec![command.name.as_str()];
    words.extend(command.args.iter().map(|arg| arg.text.as_str()));
    let made = run::work(&words, &run::Unknown).made;
    made.iter().find(|made| matches!(made.what, What::Cache(_)))?.bytes
}

/// Whether a text names a file or folder: the name with nothing around it that could be part of a name.
pub(super) fn mentions_path(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let before = text[..at].strip_suffix("./").unwrap_or(&text[..at]);
            !before.ends_with(part) && !text[at + name.len()..].starts_with(part)
        })
}

/// An estimated size in words: `~20 MB`.
pub(super) fn about(bytes: f64) -> String {
    let mb = bytes / 1e6;
    if mb < 0.95 {
        format!("~{:.0} kB", (bytes / 1e3).max(1.0))
    } else if mb < 9.5 {
        format!("~{mb:.1} MB")
    } else if mb < 950.0 {
        format!("~{mb:.0} MB")
    } else {
        format!("~{:.1} GB", mb / 1e3)
    }
}

/// Makes fixes in the file's own layout, which is found once.
pub(super) struct Fixes<'a> {
    cx: &'a FileCx<'a>,
    layout: OnceCell<Layout>,
}

impl<'a> Fixes<'a> {
    /// For a file.
    pub(super) fn new(cx: &'a FileCx<'a>) -> Fixes<'a> {
        Fixes { cx, layout: OnceCell::new() }
    }

    /// Adds a command at the end of a RUN that is nothing but commands joined by `&&`. It runs as the user that `like` runs
    /// as.
    pub(super) fn append(&self, run: &Run<'_>, like: &Command, command: &str) -> Option<Fix> {
        let script = run.instruction.script()?;
        if run.instruction.form() != Form::Shell || script.origin() != Origin::Inline || script.has_error() {
            return None;
        }
        let end = script.source_range(script.and_chain()?.last()?.range.clone()).end;
        let source = self.cx.file.instruction(run.number).1.source();
        if !source.get(end..)?.trim().is_empty() {
            return None;
        }
        let sudo = if like.wrappers.iter().any(|wrapper| wrapper == "sudo") { "sudo " } else { "" };
        let and = self.layout.get_or_init(|| Layout::of(self.cx.file)).and(&[]);
        let at = self.cx.file.absolute(run.number, end..end);
        Some(Fix::replace(format!("Add `{sudo}{command}`"), at, format!("{and}{sudo}{command}")))
    }

    /// Adds a flag right behind a word of a command.
    pub(super) fn flag(
        &self,
        run: &Run<'_>,
        command: &Command,
        behind: &Argument,
        flag: &str,
    ) -> Option<Fix> {
        let source = self.cx.file.instruction(run.number).1.source();
        if command.exec || source.get(behind.range.clone()) != Some(behind.text.as_str()) {
            return None;
        }
        let at = self.cx.file.absolute(run.number, behind.range.end..behind.range.end);
        Some(Fix::replace(format!("Add `{flag}`"), at, format!(" {flag}")))
    }
}

/// Whether what the image starts is for development or tests: `npm run dev`, `nodemon`, `flask run --debug`, `pytest`.
pub(super) fn starts_development(cx: &FileCx<'_>) -> bool {
    const WORDS: [&str; 16] = [
        "dev",
        "test",
        "tests",
        "watch",
        "nodemon",
        "pytest",
        "jest",
        "debug",
        "karma",
        "cypress",
        "develop",
        "development",
        "lint",
        "runserver",
        "tox",
        "ng",
    ];
    starts(cx).any(|(_, instruction)| {
        instruction.args().iter().any(|arg| {
            arg.value.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
        })
    })
}
