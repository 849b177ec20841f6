//! What E061 and E062 share: whether apt's package lists are there when a command runs.

use layerwise_model::eval::{Base, Command, Source};
use layerwise_model::facts::base::Family;
use layerwise_model::facts::{Command as ShellCommand, Manager};
use layerwise_syntax::Keyword;
use layerwise_syntax::mount::MountKind;

use super::image_files::earlier;
use crate::rules::FileCx;

/// Whether a command fetches the package lists.
pub(super) fn updates(command: &ShellCommand) -> bool {
    matches!(command.name.as_str(), "apt-get" | "apt" | "aptitude")
        && command.args.iter().any(|arg| arg.text == "update")
}

/// What is known of the lists before an instruction: `Some(false)` none are there, `None` they may be.
pub(super) fn lists_before(cx: &FileCx<'_>, stage: usize, number: usize) -> Option<bool> {
    for at in earlier(cx, stage, number) {
        if let Command::Copy(copy) = &cx.eval.step(at).command {
            // Lists come from elsewhere, alone or with a whole tree.
            let dest = copy.dest_path.trim_end_matches('/');
            let tree = matches!(dest, "" | "/var" | "/var/lib") && copy.from != Source::Context;
            if tree || dest.starts_with("/var/lib/apt") {
                return None;
            }
        }
        if cx.file.instruction(at).1.kind() != Some(Keyword::Run) {
            continue;
        }
        let facts = &cx.facts.instructions[at];
        if facts.unclear || mounts_lists(cx, at) {
            return None;
        }
        for command in facts.commands.iter().rev() {
            match effect(command) {
                Effect::Present => return Some(true),
                Effect::Empty => return Some(false),
                Effect::Unknown => return None,
                Effect::None => {}
            }
        }
    }
    let facts = &cx.facts.stages[stage];
    let bottom = facts.chain.last().and_then(|&stage| cx.eval.stages.get(stage))?;
    let plain = matches!(bottom.base, Base::Image(_)) && facts.base.official && bottom.triggers.is_empty();
    (plain && matches!(facts.base.family, Family::Debian | Family::Ubuntu)).then_some(false)
}

/// What a command does to the lists.
pub(super) enum Effect {
    /// It fetches them.
    Present,
    /// It removes them.
    Empty,
    /// It may do either.
    Unknown,
    /// Nothing.
    None,
}

/// What a command does to apt's lists.
pub(super) fn effect(command: &ShellCommand) -> Effect {
    match command.name.as_str() {
        _ if updates(command) => Effect::Present,
        "rm" if command.args.iter().any(|arg| arg.text.contains("/var/lib/apt")) => Effect::Empty,
        "rm" if command.args.iter().all(|arg| arg.literal) => Effect::None,
        // It fetches the lists itself on Ubuntu.
        "add-apt-repository" | "apt-add-repository" => Effect::Present,
        "apt-get"
        | "apt"
        | "apt-cache"
        | "apt-key"
        | "apt-mark"
        | "aptitude"
        | "dpkg"
        | "dpkg-reconfigure"
        | "echo"
        | "mkdir"
        | "chmod"
        | "chown"
        | "useradd"
        | "groupadd"
        | "adduser"
        | "addgroup"
        | "pip"
        | "pip3"
        | "npm"
        | "yarn"
        | "gem"
        | "curl"
        | "wget"
        | "tar"
        | "ln"
        | "cp"
        | "mv"
        | "sed"
        | "cat"
        | "tee"
        | "gpg"
        | "export"
        | "set"
        | "cd"
        | "touch"
        | "test"
        | "["
        | "true"
        | "locale-gen"
        | "git"
        | "go"
        | "cargo"
        | "pecl"
        | "docker-php-ext-install"
        | "docker-php-ext-configure"
        | "docker-php-ext-enable"
        | "unzip"
        | "a2enmod"
        | "usermod"
        | "which"
        | "ls"
        | "" => Effect::None,
        name if name.starts_with("python") && (command.has("pip") || command.has("venv")) => Effect::None,
        _ => Effect::Unknown,
    }
}

/// Whether a RUN mounts the folder of the lists or one around it.
pub(super) fn mounts_lists(cx: &FileCx<'_>, number: usize) -> bool {
    let Command::Run(run) = &cx.eval.step(number).command else { return false };
    run.mounts.iter().any(|(mount, _)| mount.kind == MountKind::Cache && mount.target.starts_with("/var/lib"))
}

/// Whether a RUN installs packages with apt.
pub(super) fn installs(cx: &FileCx<'_>, number: usize) -> bool {
    cx.facts.instructions[number].installs.iter().any(|install| install.manager == Manager::Apt)
}
