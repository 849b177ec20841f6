//! What E086 to E090 share: commands that install what a manifest names, and the files that they need.

use std::ops::Range;

use layerwise_model::facts::Command as ShellCommand;
use layerwise_model::gopath::path_join;
use layerwise_syntax::Keyword;

use super::image_files::{Found, at_path, may_bring_files, of_kind};
use super::programs::dir_of;
use crate::rules::FileCx;

/// A command that installs what a manifest names.
pub(crate) struct Step {
    /// The RUN.
    pub(super) number: usize,
    /// Its stage.
    pub(super) stage: usize,
    /// The program, without its folder: `npm`.
    pub(super) program: String,
    /// Where the program and its first argument stand, in the document.
    pub(super) range: Range<usize>,
    /// How messages name it: `npm ci`.
    pub(super) name: String,
    /// The folder that it runs in.
    pub(super) dir: String,
    /// The manifest, relative to `dir`.
    pub(super) manifest: String,
    /// Lock files of which it needs one; empty if it runs without.
    pub(super) locks: &'static [&'static str],
}

impl Step {
    /// An absolute path of the image.
    pub(super) fn path(&self, file: &str) -> String {
        if file.starts_with('/') { file.to_owned() } else { path_join(&[&self.dir, file]) }
    }

    /// Whether a file is there when the step runs.
    pub(super) fn at(&self, cx: &FileCx<'_>, file: &str) -> Found {
        at_path(cx, self.stage, self.number, &self.path(file))
    }
}

/// Every such command whose folder is known and that nothing in its own RUN brings files for.
pub(super) fn steps<'a>(cx: &'a FileCx<'_>) -> &'a [Step] {
    cx.dependency_steps.get_or_init(|| find(cx))
}

fn find(cx: &FileCx<'_>) -> Vec<Step> {
    let mut found = Vec::new();
    for (number, stage) in of_kind(cx, &[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        if facts.unclear {
            continue;
        }
        for (at, command) in facts.commands.iter().enumerate() {
            let Some((manifest, locks)) = needs(command) else { continue };
            let before = &facts.commands[..at];
            let text = cx.file.instruction(number).1.source();
            let made = before.iter().any(may_bring_files)
                || before.iter().any(|c| c.redirects.iter().any(|r| r.text.contains(manifest.as_str())))
                || before.iter().any(|c| c.args.iter().any(|arg| arg.text.contains(manifest.as_str())))
                || locks.iter().any(|lock| text.contains(lock));
            // Each of these names another folder.
            let elsewhere = command.has_flag(&[
                "prefix",
                "C",
                "cwd",
                "dir",
                "working-dir",
                "directory",
                "project",
                "manifest-path",
                "gemfile",
                "file",
            ]);
            if made || elsewhere || !command.program.literal {
                continue;
            }
            let Some(dir) = dir_of(cx, number, command) else { continue };
            let verb = command
                .subcommand()
                .filter(|verb| verb.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            let name = [command.name.as_str(), verb.unwrap_or_default()].join(" ").trim().to_owned();
            let end = command.args.first().map_or(0, |arg| arg.range.end).max(command.program.range.end);
            let range = cx.file.absolute(number, command.program.range.start..end);
            let program = command.name.clone();
            found.push(Step { number, stage, program, range, name, dir, manifest, locks });
        }
    }
    found
}

/// The manifest that a command needs, and its lock files.
///
/// Sources: each program's documentation of the command.
fn needs(command: &ShellCommand) -> Option<(String, &'static [&'static str])> {
    let mut operands = command.operands();
    let verb = operands.next().map(|arg| arg.text.as_str());
    let bare = operands.next().is_none();
    let frozen = command.has_flag(&["frozen-lockfile", "immutable"]);
    let not_global = !command.has_flag(&["g", "global", "help", "version"]);
    let package = "package.json".to_owned();
    match (command.name.as_str(), verb) {
        ("npm", Some("ci" | "clean-install" | "ic" | "install-clean")) if not_global => {
            Some((package, &["package-lock.json", "npm-shrinkwrap.json"]))
        }
        ("npm" | "pnpm" | "bun" | "yarn", Some("install" | "i")) | ("yarn", None) if bare && not_global => {
            let locks: &'static [&'static str] = match command.name.as_str() {
                "pnpm" if frozen => &["pnpm-lock.yaml"],
                "bun" if frozen => &["bun.lock", "bun.lockb"],
                "yarn" if frozen => &["yarn.lock"],
                _ => &[],
            };
            Some((package, locks))
        }
        ("bundle" | "bundler", Some("install")) if bare => {
            let frozen = command.has_flag(&["deployment", "frozen"]);
            Some(("Gemfile".to_owned(), if frozen { &["Gemfile.lock"] } else { &[] }))
        }
        ("composer", Some("install")) if bare => Some(("composer.json".to_owned(), &[])),
        ("go", Some("mod"))
            if command.operands().nth(1).is_some_and(|arg| arg.text == "download")
                && command.operands().count() == 2 =>
        {
            Some(("go.mod".to_owned(), &[]))
        }
        ("cargo", Some("build" | "fetch")) => {
            let locked = command.has_flag(&["locked", "frozen"]);
            Some(("Cargo.toml".to_owned(), if locked { &["Cargo.lock"] } else { &[] }))
        }
        ("uv", Some("sync")) => {
            let locked = command.has_flag(&["locked", "frozen"]);
            Some(("pyproject.toml".to_owned(), if locked { &["uv.lock"] } else { &[] }))
        }
        ("poetry", Some("install")) if bare => Some(("pyproject.toml".to_owned(), &[])),
        ("pipenv", Some("sync" | "install")) if bare => {
            let deploy = verb == Some("sync") || command.has_flag(&["deploy"]);
            Some(("Pipfile".to_owned(), if deploy { &["Pipfile.lock"] } else { &[] }))
        }
        ("mvn", Some(_)) if !command.has_flag(&["f", "file"]) && !command.has_flag(&["version"]) => {
            let goal =
                ["package", "install", "verify", "compile", "dependency:go-offline", "dependency:resolve"];
            goal.iter().any(|goal| command.has(goal)).then(|| ("pom.xml".to_owned(), &[] as &[&str]))
        }
        (name, Some("install")) if name.starts_with("pip") && name != "pipx" && name != "pipenv" => {
            let file = command.flag(&["r", "requirement"])?;
            let at = command.args.iter().position(|arg| arg.range == file.range)?;
            let text = match file.text.split_once('=') {
                Some((_, value)) => value,
                None if file.text == "-r" || file.text == "--requirement" => {
                    command.args.get(at + 1).filter(|arg| arg.literal)?.text.as_str()
                }
                _ => return None,
            };
            let plain = file.literal && !text.contains(['$', '*', ':', '<']) && !text.starts_with("/dev/");
            plain.then(|| (text.to_owned(), &[] as &[&str]))
        }
        _ => None,
    }
}
