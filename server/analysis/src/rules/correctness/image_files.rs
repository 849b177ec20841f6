//! What the context rules share: which file of the build context stands at a path of the image when an instruction runs.
//!
//! Only COPY, ADD and bind mounts bring files of the context. What a RUN, another stage or an unknown base image brings is
//! not known, and a path that one of them may have made counts as [`Found::Maybe`].

use std::collections::BTreeSet;

use layerwise_model::context::{Entry, EntryKind};
use layerwise_model::eval::{Base, Command, Copy, Source, is_url};
use layerwise_model::facts::Command as ShellCommand;
use layerwise_model::facts::base::Family;
use layerwise_model::gopath::{go_match, path_base, path_clean, path_join};
use layerwise_syntax::Keyword;
use layerwise_syntax::mount::MountKind;

use crate::rules::FileCx;

/// Whether a file is at a path of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is this file of the context, brought by this instruction.
    Context { path: String, by: usize },
    /// It may be there.
    Maybe,
    /// Nothing brings it.
    No,
}

/// The instructions of a stage and the stages below it that run before instruction `before`, the nearest first.
pub(super) fn earlier<'a>(
    cx: &'a FileCx<'_>,
    stage: usize,
    before: usize,
) -> impl Iterator<Item = usize> + use<'a> {
    let chain = cx.facts.stages.get(stage).map(|s| s.chain.as_slice()).unwrap_or_default();
    chain
        .iter()
        .filter_map(|&number| cx.file.stages().get(number))
        .flat_map(move |stage| stage.body.clone().rev().filter(move |&number| number < before))
}

/// Whether nothing but what the Dockerfile says is in the folders of an application: a plain image of a language or a
/// distribution, without ONBUILD triggers.
pub(super) fn starts_plain(cx: &FileCx<'_>, stage: usize) -> bool {
    let Some(facts) = cx.facts.stages.get(stage) else { return false };
    let bottom = facts.chain.last().and_then(|&number| cx.eval.stages.get(number));
    let image = bottom.is_some_and(|bottom| match &bottom.base {
        Base::Scratch => true,
        Base::Image(_) => {
            (facts.base.official
                || facts.base.family == Family::Distroless
                || facts.base.name.starts_with("mcr.microsoft.com/dotnet/"))
                && !facts.base.tag.contains("onbuild")
        }
        _ => false,
    });
    image
        && facts
            .chain
            .iter()
            .all(|&number| cx.eval.stages[number].triggers.is_empty() && !cx.eval.stages[number].replaced)
}

/// What stands at the absolute path `path` of the image when instruction `at` of `stage` runs.
pub(super) fn at_path(cx: &FileCx<'_>, stage: usize, at: usize, path: &str) -> Found {
    // A mount of the instruction itself hides what is below it.
    if let Command::Run(run) = &cx.eval.step(at).command {
        for (mount, source) in &run.mounts {
            let target = target_of(cx, at, &mount.target);
            let Some(below) = below(path, &target) else { continue };
            match (mount.kind, source) {
                (MountKind::Bind, Source::Context) => {
                    let of_context = path_join(&[&clean(&mount.source), below]);
                    return match cx.context {
                        Some(context)
                            if context.incomplete.is_none() && context.get(&of_context).is_none() =>
                        {
                            Found::No
                        }
                        _ => Found::Context { path: of_context, by: at },
                    };
                }
                _ => return Found::Maybe,
            }
        }
    }
    for number in earlier(cx, stage, at) {
        match &cx.eval.step(number).command {
            Command::Copy(copy) => match brings(cx, copy, path) {
                Some(Some(of_context)) => return Found::Context { path: of_context, by: number },
                Some(None) => return Found::Maybe,
                None => {}
            },
            Command::Run(_) => {
                let facts = &cx.facts.instructions[number];
                let instruction = cx.file.instruction(number).1;
                if facts.unclear
                    || instruction.source().contains(path_base(path))
                    || facts.commands.iter().any(may_bring_files)
                {
                    return Found::Maybe;
                }
            }
            _ => {}
        }
    }
    if starts_plain(cx, stage) { Found::No } else { Found::Maybe }
}

/// What an instruction that is COPY or ADD brings to a path: `None` nothing, `Some(None)` it is not known, else the path of
/// the context.
pub(super) fn brings(cx: &FileCx<'_>, copy: &Copy, path: &str) -> Option<Option<String>> {
    let dest = copy.dest_path.trim_end_matches('/');
    if path != dest {
        below(path, dest)?;
    }
    let name = path_base(path);
    for (inline, _) in &copy.inline {
        if path == dest || path == path_join(&[dest, inline]) || dest.is_empty() {
            return Some(None);
        }
    }
    if copy.from != Source::Context {
        return (!copy.sources.is_empty()).then_some(None);
    }
    let context = cx.context.filter(|context| context.incomplete.is_none());
    let several = copy.sources.len() > 1 || copy.dest_path.ends_with('/');
    let mut unknown = false;
    for source in copy.sources.iter().rev() {
        if is_url(source) || source.contains('$') {
            unknown = true;
            continue;
        }
        let archive = copy.add
            && [".tar", ".gz", ".tgz", ".xz", ".bz2", ".zst", ".txz", ".tbz2"]
                .iter()
                .any(|end| source.ends_with(end));
        if archive {
            unknown = true;
            continue;
        }
        let source = clean(source);
        let relative = below(path, dest).unwrap_or_default();
        if copy.parents || !copy.excludes.is_empty() {
            // What is kept of the folders, and what is left out, depends on patterns.
            match context {
                Some(context) if copy.parents && copy.excludes.is_empty() => {
                    let pattern = source.replace("/./", "/");
                    let fits = go_match(&pattern, relative).unwrap_or(false)
                        || below(relative, &pattern).is_some()
                        || pattern.contains("**");
                    if fits && context.get(relative).is_some() {
                        return Some(Some(relative.to_owned()));
                    }
                    unknown |= fits && source.contains("./");
                }
                _ => unknown = true,
            }
            continue;
        }
        let is_pattern = source.contains(['*', '?', '[']);
        if let Some(context) = context {
            let matches: Vec<(String, &Entry)> = if is_pattern {
                let parent = source.rsplit_once('/').map_or("", |(parent, _)| parent);
                if parent.contains(['*', '?', '[']) {
                    unknown = true;
                    continue;
                }
                let children = context.entries.children(parent).map(|(name, entry)| {
                    (path_join(&[parent, name.rsplit('/').next().unwrap_or(name)]), entry)
                });
                children.filter(|(path, _)| go_match(&source, path).unwrap_or(false)).collect()
            } else if source.is_empty() {
                match at(context, relative) {
                    Some(_) => return Some(Some(relative.to_owned())),
                    None => continue,
                }
            } else {
                context.get(&source).map(|entry| (source.clone(), entry)).into_iter().collect()
            };
            for (found, entry) in matches {
                if entry.kind == EntryKind::Dir {
                    let inner = path_join(&[&found, relative]);
                    if at(context, &inner).is_some() {
                        return Some(Some(inner));
                    }
                } else if relative == path_base(&found)
                    || (relative.is_empty() && !copy.dest_path.ends_with('/'))
                {
                    return Some(Some(found));
                }
            }
            continue;
        }
        // Without the context a source that is not `.` may be a file or a folder.
        if source.is_empty() {
            return Some(Some(relative.to_owned()));
        }
        if is_pattern {
            let pattern = path_base(&source);
            if go_match(pattern, name).unwrap_or(true) || pattern == "*" {
                let parent = source.rsplit_once('/').map_or("", |(parent, _)| parent);
                return Some(Some(path_join(&[parent, name])));
            }
            continue;
        }
        let base = path_base(&source);
        if base == name && (relative == name || relative.is_empty()) {
            return Some(Some(source));
        }
        let is_file = base.trim_start_matches('.').contains('.') || FILES.contains(&base);
        if !is_file {
            unknown = true;
        } else if relative.is_empty() && !several {
            return Some(Some(source));
        }
    }
    unknown.then_some(None)
}

/// Names of files without an end.
const FILES: [&str; 9] =
    ["Gemfile", "Pipfile", "Makefile", "Rakefile", "Procfile", "LICENSE", "README", "gradlew", "mvnw"];

fn at<'a>(context: &'a layerwise_model::Context, path: &str) -> Option<&'a Entry> {
    context.get(path)
}

/// A path of the context without `./` and slashes around it; empty for the context itself.
pub(super) fn clean(path: &str) -> String {
    let path = path_clean(path);
    let path = path.trim_matches('/');
    if path == "." { String::new() } else { path.to_owned() }
}

/// The part of `path` below the folder `dir` (without a slash at its end); `None` if it is not below it.
pub(super) fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    let dir = dir.trim_end_matches('/');
    path.strip_prefix(dir)?.strip_prefix('/').filter(|rest| !rest.is_empty())
}

/// The absolute target of a mount.
pub(super) fn target_of(cx: &FileCx<'_>, at: usize, target: &str) -> String {
    let dir = &cx.eval.step(at).state.dir;
    let target = if target.starts_with('/') { path_clean(target) } else { path_join(&["/", dir, target]) };
    if target.len() > 1 { target.trim_end_matches('/').to_owned() } else { target }
}

/// An absolute path from a word and the working directory that an instruction finds.
pub(super) fn absolute(cx: &FileCx<'_>, at: usize, word: &str) -> String {
    target_of(cx, at, word)
}

/// Programs that bring no manifests, scripts or sources into an application's folder, as far as their arguments do not
/// name one.
const HARMLESS: [&str; 70] = [
    "",
    ":",
    "[",
    "addgroup",
    "adduser",
    "apk",
    "apt",
    "apt-cache",
    "apt-get",
    "apt-key",
    "apt-mark",
    "aptitude",
    "awk",
    "break",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "command",
    "corepack",
    "dnf",
    "docker-php-ext-configure",
    "docker-php-ext-enable",
    "docker-php-ext-install",
    "dpkg",
    "dpkg-reconfigure",
    "echo",
    "env",
    "exit",
    "export",
    "false",
    "find",
    "gem",
    "grep",
    "groupadd",
    "id",
    "ldconfig",
    "locale-gen",
    "ls",
    "microdnf",
    "mkdir",
    "n",
    "pacman",
    "pecl",
    "pip",
    "pip3",
    "printf",
    "pwd",
    "rm",
    "rmdir",
    "rpm",
    "rustup",
    "sed",
    "set",
    "setcap",
    "sleep",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "update-alternatives",
    "update-ca-certificates",
    "useradd",
    "usermod",
    "which",
    "whoami",
    "xargs",
    "yum",
    "zypper",
];

/// Package managers of languages: what they bring lies in folders of their own.
const MANAGERS: [&str; 12] =
    ["npm", "yarn", "pnpm", "bun", "uv", "poetry", "pipenv", "bundle", "composer", "cargo", "go", "pipx"];

/// Whether a command may bring files into the folders of an application.
pub(super) fn may_bring_files(command: &ShellCommand) -> bool {
    let name = command.name.as_str();
    if name.is_empty() && !command.program.text.is_empty() {
        return true;
    }
    if MANAGERS.contains(&name) {
        let verb = command.subcommand().unwrap_or_default();
        return matches!(
            verb,
            "init"
                | "create"
                | "new"
                | "run"
                | "exec"
                | "dlx"
                | "create-project"
                | "generate"
                | "export"
                | "lock"
        );
    }
    if name.starts_with("python") {
        return !command.has("pip")
            && !command.has("venv")
            && !command.has("ensurepip")
            && !command.has_flag(&["version", "V"]);
    }
    name != "cd" && !HARMLESS.contains(&name)
}

/// Whether a RUN's mounts put something at a path or around it.
pub(super) fn mounted(cx: &FileCx<'_>, at: usize, path: &str) -> bool {
    let Command::Run(run) = &cx.eval.step(at).command else { return false };
    run.mounts.iter().any(|(mount, _)| {
        let target = target_of(cx, at, &mount.target);
        path == target || below(path, &target).is_some()
    })
}

/// The stage of an instruction.
pub(super) fn stage_of(cx: &FileCx<'_>, at: usize) -> Option<usize> {
    cx.file.stage_of(at).map(|stage| stage.index)
}

/// The numbers of all instructions of these kinds that are in a stage.
pub(super) fn of_kind<'a>(cx: &'a FileCx<'_>, kinds: &'a [Keyword]) -> impl Iterator<Item = (usize, usize)> {
    cx.file
        .of_kind(kinds)
        .filter(|(_, _, instruction)| instruction.is_valid())
        .filter_map(|(number, _, _)| Some((number, stage_of(cx, number)?)))
}

/// Names without those that occur twice, in order.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let names: BTreeSet<&str> = names.collect();
    let shown: Vec<String> = names.iter().take(most).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
