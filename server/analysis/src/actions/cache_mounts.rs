//! `cache-mounts`: what a package manager downloads is kept from build to build, and out of the image.
//!
//! ```dockerfile
//! RUN pip install --no-cache-dir -r requirements.txt
//! ```
//! becomes
//! ```dockerfile
//! RUN --mount=type=cache,target=/root/.cache/pip \
//!     pip install -r requirements.txt
//! ```
//!
//! # Why
//! A step that runs again downloads everything again. With a cache mount it downloads what is new, and no layer holds the
//! downloads. On a builder that starts empty each time, such as a fresh CI runner, a mount brings nothing.
//!
//! # When it is offered
//! For a RUN of root in shell form that downloads into a directory that is known and not mounted yet. Flags and commands
//! that keep a program from using its cache, or empty it, go (`--no-cache-dir`, `rm -rf /var/lib/apt/lists/*`). Images of
//! Debian and Ubuntu delete what apt downloads; a step that stops that comes first.
//!
//! A mount hides what lies at its place in the image, and what is written there is in no later step. Where later steps read
//! it (Go modules, crates, Maven and NuGet packages), all steps that may are mounted at once, and nothing is offered if one
//! of them is a program of which nothing is known, if the image itself starts such a program, or if something is copied to
//! that place or from it.
//!
//! # Promise
//! A suggestion: the downloads are no longer in the image, and a cache that several builds share is not the empty one that
//! the step had so far.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::{Command as Shell, Family, FileFacts};
use layerwise_model::gopath::{path_clean, path_join};
use layerwise_syntax::mount::MountKind;
use layerwise_syntax::{Form, Keyword};

use super::cache_cleanup::cleanups;
use super::cache_dirs::{CacheDir, cache_dirs, inside, mount_flag};
use super::layout::Layout;
use super::{Cx, Offer, Refactoring, is_core_command, is_system_command, selected};
use crate::fix::{Applicability, Edit};

const ID: &str = "cache-mounts";

/// Where apt keeps the lists of packages.
const LISTS: &str = "/var/lib/apt/lists";

/// What Docker's documentation has to stop images of Debian from deleting what apt downloads.
pub(crate) const KEEP: &str = "RUN rm -f /etc/apt/apt.conf.d/docker-clean && \
                    echo 'Binary::apt::APT::Keep-Downloaded-Packages \"true\";' > /etc/apt/apt.conf.d/keep-cache";

/// The refactoring.
#[derive(Clone, Copy, Debug)]
pub struct CacheMounts;

/// Mounts of steps that must come together: of one step, or of all that read one directory.
#[derive(Debug)]
struct Group {
    /// By the number of the RUN.
    mounts: BTreeMap<usize, Vec<CacheDir>>,
}

impl Refactoring for CacheMounts {
    fn id(&self) -> &'static str {
        ID
    }

    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer> {
        let chosen = selected(cx.file, &selection);
        let facts = FileFacts::new(cx.file, cx.evaluation, None);
        let groups = groups(cx, &facts);
        let touched = |group: &&Group| group.mounts.keys().any(|number| chosen.contains(number));
        let here: Vec<&Group> = groups.iter().filter(touched).collect();
        let mut offers = Vec::new();
        if !here.is_empty() {
            offers.push(offer(cx, &facts, &here, false));
            if here.len() < groups.len() {
                offers.push(offer(cx, &facts, &groups.iter().collect::<Vec<_>>(), true));
            }
        }
        offers
    }

    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>> {
        let facts = FileFacts::new(cx.file, cx.evaluation, None);
        let numbers: Vec<usize> = offer.key.split('+').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        let wanted: Vec<Group> = groups(cx, &facts)
            .into_iter()
            .filter(|group| group.mounts.keys().any(|number| numbers.contains(number)))
            .collect();
        let found: BTreeSet<usize> = wanted.iter().flat_map(|group| group.mounts.keys().copied()).collect();
        found.iter().copied().eq(numbers).then(|| edits(cx, &facts, &wanted.iter().collect::<Vec<_>>()))
    }
}

/// The directories that a command of a step downloads into.
fn dirs(cx: &Cx<'_>, facts: &FileFacts, number: usize, command: &Shell) -> Vec<CacheDir> {
    let stage = cx.file.stage_of(number).and_then(|stage| facts.stages.get(stage.index));
    cache_dirs(
        command,
        &cx.evaluation.step(number).state,
        Some(stage.map_or("", |stage| stage.base.name.as_str())),
    )
}

/// A mount's target, as an absolute path.
fn absolute(dir: &str, target: &str) -> String {
    if target.starts_with('/') { path_clean(target) } else { path_join(&["/", dir, target]) }
}

/// All mounts that the file can have, in order.
fn groups(cx: &Cx<'_>, facts: &FileFacts) -> Vec<Group> {
    let mut mounts: BTreeMap<usize, Vec<CacheDir>> = BTreeMap::new();
    // Directories that later steps read, by stage and path.
    let mut shared: BTreeSet<(usize, String)> = BTreeSet::new();
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(stage) = cx.file.stage_of(number).map(|stage| stage.index) else { continue };
        for dir in missing(cx, facts, number) {
            if dir.needed_later {
                // The lowest stage that the directory may be filled in.
                shared.insert((facts.stages[stage].chain.last().copied().unwrap_or(stage), dir.path.clone()));
            } else {
                mounts.entry(number).or_default().push(dir);
            }
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for (root, path) in shared {
        let Some(together) = together(cx, facts, root, &path) else { continue };
        groups.push(Group { mounts: together });
    }
    for (number, dirs) in mounts {
        groups.push(Group { mounts: std::iter::once((number, dirs)).collect() });
    }
    // Groups that share a step are one.
    let mut merged: Vec<Group> = Vec::new();
    for group in groups {
        let (with, mut rest): (Vec<Group>, Vec<Group>) =
            merged.into_iter().partition(|other| other.mounts.keys().any(|n| group.mounts.contains_key(n)));
        let mut one = group;
        for (number, dirs) in with.into_iter().flat_map(|group| group.mounts) {
            let own = one.mounts.entry(number).or_default();
            own.extend(
                dirs.into_iter().filter(|dir| !own.iter().any(|o| o.path == dir.path)).collect::<Vec<_>>(),
            );
        }
        rest.push(one);
        merged = rest;
    }
    merged.sort_by_key(|group| group.mounts.keys().next().copied());
    merged
}

/// The directories that a RUN downloads into and that it can have mounted.
fn missing(cx: &Cx<'_>, facts: &FileFacts, number: usize) -> Vec<CacheDir> {
    let instruction = cx.file.instruction(number).1;
    let step = cx.evaluation.step(number);
    let state = &step.state;
    let root = matches!(state.user.as_str(), "" | "root" | "0" | "root:root" | "0:0");
    let Command::Run(run) = &step.command else { return Vec::new() };
    let own = &facts.instructions[number];
    if !root || own.unclear || instruction.form() != Form::Shell || !instruction.is_valid() {
        return Vec::new();
    }
    // A script of another program, or a mount whose target is not known.
    if own.commands.iter().any(|command| command.exec)
        || run.mounts.iter().any(|(mount, _)| mount.target.contains('$'))
    {
        return Vec::new();
    }
    let mounted: Vec<String> =
        run.mounts.iter().map(|(mount, _)| absolute(&state.dir, &mount.target)).collect();
    let mut found: Vec<CacheDir> = Vec::new();
    for dir in own.commands.iter().flat_map(|command| dirs(cx, facts, number, command)) {
        let there = mounted.iter().any(|m| inside(&dir.path, m) || inside(m, &dir.path));
        let listed = dir.path != LISTS || lists_are_own(cx, facts, number);
        if !there && listed && !found.contains(&dir) && is_free(cx, number, &dir.path) {
            found.push(dir);
        }
    }
    found
}

/// Whether a RUN downloads apt's lists itself before it installs, and no later step needs them: a mount hides those of the
/// image, and leaves none there.
fn lists_are_own(cx: &Cx<'_>, facts: &FileFacts, number: usize) -> bool {
    let own = |number: usize| {
        let commands = &facts.instructions[number].commands;
        let apt = |verb: &'static str| {
            commands.iter().position(move |c| {
                matches!(c.name.as_str(), "apt-get" | "apt" | "aptitude") && c.subcommand() == Some(verb)
            })
        };
        let installs = ["install", "upgrade", "dist-upgrade", "build-dep", "download", "source"];
        let first = installs.into_iter().filter_map(apt).min();
        match (apt("update"), first) {
            (Some(update), Some(first)) => update < first,
            (_, first) => first.is_none(),
        }
    };
    let Some(stage) = cx.file.stage_of(number).map(|stage| stage.index) else { return false };
    own(number)
        && cx.file.of_kind(&[Keyword::Run]).all(|(other, _, instruction)| {
            let Some(place) = cx.file.stage_of(other).map(|stage| stage.index) else { return true };
            let later = other > number && facts.stages[place].chain.contains(&stage);
            // A script may install something, too, if it is one of which the text is not understood.
            let known = !facts.instructions[other].unclear || !instruction.source().contains("apt");
            !later || (own(other) && known)
        })
}

/// Whether nothing but downloads is at a path: no COPY brings something to it or takes something from it.
fn is_free(cx: &Cx<'_>, number: usize, path: &str) -> bool {
    let owner = cx.file.stage_of(number).map(|stage| stage.index);
    cx.file.of_kind(&[Keyword::Copy, Keyword::Add]).all(|(other, _, _)| {
        let Command::Copy(copy) = &cx.evaluation.step(other).command else { return true };
        let stage = cx.file.stage_of(other).map(|stage| stage.index);
        let to = path_clean(&copy.dest_path);
        let brings = stage == owner && (inside(&to, path) && to != "/");
        let takes = matches!(copy.from, Source::Stage(_))
            && copy.sources.iter().any(|source| {
                let source = path_join(&["/", source]);
                source != "/" && (inside(&source, path) || inside(path, &source))
            });
        !brings && !takes
    })
}

/// The mounts of a directory in every step that may read it, in the stage at the bottom and all that stand on it; `None` if
/// one of them cannot have it.
fn together(
    cx: &Cx<'_>,
    facts: &FileFacts,
    root: usize,
    path: &str,
) -> Option<BTreeMap<usize, Vec<CacheDir>>> {
    let mut found: BTreeMap<usize, Vec<CacheDir>> = BTreeMap::new();
    let mut tools: BTreeSet<&str> = BTreeSet::new();
    let stages: Vec<usize> =
        (0..facts.stages.len()).filter(|stage| facts.stages[*stage].chain.last() == Some(&root)).collect();
    for &stage in &stages {
        for (number, _, _) in cx.file.of_kind_in(cx.file.stages()[stage].body.clone(), &[Keyword::Run]) {
            let own = missing(cx, facts, number).into_iter().find(|dir| dir.path == path);
            if let Some(dir) = own {
                let programs = facts.instructions[number].commands.iter();
                let uses = programs.filter(|c| dirs(cx, facts, number, c).iter().any(|dir| dir.path == path));
                tools.extend(uses.map(|command| command.name.as_str()));
                found.insert(number, vec![dir]);
            }
        }
    }
    for &stage in &stages {
        let body = cx.file.stages()[stage].body.clone();
        let kinds = [Keyword::Run, Keyword::Cmd, Keyword::Entrypoint, Keyword::Healthcheck];
        for (number, _, instruction) in cx.file.of_kind_in(body, &kinds) {
            if found.contains_key(&number) {
                continue;
            }
            let facts = &facts.instructions[number];
            let starts = instruction.kind() != Some(Keyword::Run);
            let reads = |command: &Shell| match starts {
                // What an image starts is mostly what was built; a tool that reads its packages is not.
                true => tools.contains(command.name.as_str()),
                false => !does_not_read(command),
            };
            // It has the mount already.
            let state = &cx.evaluation.step(number).state;
            let mounted = matches!(&cx.evaluation.step(number).command, Command::Run(run) if run.mounts.iter().any(|(mount, _)| {
                mount.kind == MountKind::Cache && inside(path, &absolute(&state.dir, &mount.target))
            }));
            if !mounted && (facts.unclear && !starts || facts.commands.iter().any(reads)) {
                return None;
            }
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Whether a command certainly reads no packages.
fn does_not_read(command: &Shell) -> bool {
    let name = command.name.as_str();
    let asks =
        command.args.iter().any(|arg| matches!(arg.text.as_str(), "version" | "--version" | "env" | "-V"));
    is_core_command(name)
        || is_system_command(name)
        || matches!(name, "cd" | "set" | "export" | "echo")
        || asks
}

fn offer(cx: &Cx<'_>, facts: &FileFacts, groups: &[&Group], all: bool) -> Offer {
    let numbers: BTreeSet<usize> = groups.iter().flat_map(|group| group.mounts.keys().copied()).collect();
    let mut programs: Vec<&str> = Vec::new();
    let mut paths: Vec<&str> = Vec::new();
    for (number, found) in groups.iter().flat_map(|group| &group.mounts) {
        for dir in found {
            if !paths.contains(&dir.path.as_str()) {
                paths.push(&dir.path);
            }
            let uses = |c: &&Shell| dirs(cx, facts, *number, c).iter().any(|other| other.path == dir.path);
            for command in facts.instructions[*number].commands.iter().filter(uses) {
                if !programs.contains(&command.name.as_str()) {
                    programs.push(&command.name);
                }
            }
        }
    }
    let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
    let steps = if numbers.len() == 1 { String::new() } else { format!(" in {} steps", numbers.len()) };
    let whose = programs.join(", ");
    let title = match all {
        true => format!("Keep all downloads ({whose}) in cache mounts{steps}"),
        false => format!("Keep the downloads of {whose} in a cache mount{steps}"),
    };
    let mut notes = vec![format!(
        "The image no longer holds {}; a step that runs again downloads only what is new.",
        paths.join(", ")
    )];
    if keeps(cx, facts, groups).next().is_some() {
        notes.push(
            "Images of Debian and Ubuntu delete what apt downloads; a new step above stops that.".to_owned(),
        );
    }
    if programs.contains(&"uv") {
        notes.push(
            "uv warns that it cannot link across file systems; UV_LINK_MODE=copy says that this is meant."
                .to_owned(),
        );
    }
    notes.push("Builders that start empty, such as fresh CI runners, have nothing in the cache.".to_owned());
    Offer {
        id: ID,
        title,
        kind: "refactor.rewrite",
        applicability: Applicability::Suggestion,
        range: cx.file.range(first).start..cx.file.range(last).end,
        notes,
        key: numbers.iter().map(usize::to_string).collect::<Vec<_>>().join("+"),
    }
}

/// The first steps of stages above which apt must be told to keep what it downloads.
fn keeps<'a>(cx: &'a Cx<'_>, facts: &'a FileFacts, groups: &'a [&Group]) -> impl Iterator<Item = usize> + 'a {
    let mut done: BTreeSet<usize> = BTreeSet::new();
    let numbers: BTreeSet<usize> = groups
        .iter()
        .flat_map(|group| &group.mounts)
        .filter(|(_, dirs)| dirs.iter().any(|dir| dir.path == "/var/cache/apt"))
        .map(|(number, _)| *number)
        .collect();
    let said = cx.file.of_kind(&[Keyword::Run, Keyword::Copy]).any(|(_, _, instruction)| {
        let source = instruction.source();
        source.contains("docker-clean")
            || source.contains("Keep-Downloaded-Packages")
            || source.contains("apt.conf.d")
    });
    numbers.into_iter().filter(move |number| {
        let Some(stage) = cx.file.stage_of(*number).map(|stage| stage.index) else { return false };
        let stage = &facts.stages[stage];
        // Once for all stages on the same one.
        let below = stage.chain.iter().any(|below| done.contains(below));
        let first = stage.chain.first().copied();
        done.extend(first);
        !said && !below && matches!(stage.base.family, Family::Debian | Family::Ubuntu)
    })
}

fn edits(cx: &Cx<'_>, facts: &FileFacts, groups: &[&Group]) -> Vec<Edit> {
    let layout = Layout::of(cx.file);
    let mut edits = Vec::new();
    for number in keeps(cx, facts, groups) {
        // Right below FROM, where it runs again for another base image only.
        let Some(stage) = cx.file.stage_of(number) else { continue };
        let at = cx.file.range(stage.from).end;
        edits.push(Edit { range: at..at, text: format!("{}{KEEP}", layout.newline) });
    }
    for (&number, dirs) in groups.iter().flat_map(|group| &group.mounts) {
        let instruction = cx.file.instruction(number).1;
        let mut flags: Vec<String> = dirs.iter().map(mount_flag).collect();
        let keyword = instruction.keyword().range.end;
        let text = if instruction.flags().is_empty() {
            // Before the command, which begins on a line of its own; a heredoc stays beside its mounts.
            let joint = format!("{}{}", layout.continued(), layout.indent);
            let here = !instruction.heredocs().is_empty();
            let head = format!(" {}", if here { flags.join(" ") } else { flags.join(&joint) });
            let behind = instruction.source().get(keyword..).unwrap_or_default();
            let blank = behind.len() - behind.trim_start_matches([' ', '\t']).len();
            let continued = behind.trim_start_matches([' ', '\t']).starts_with(instruction.escape());
            if !here && !continued {
                edits.push(Edit {
                    range: cx.file.absolute(number, keyword..keyword + blank),
                    text: format!("{head}{joint}"),
                });
                None
            } else {
                Some(head)
            }
        } else {
            flags.insert(0, String::new());
            Some(flags.join(" "))
        };
        if let Some(text) = text {
            edits.push(Edit { range: cx.file.absolute(number, keyword..keyword), text });
        }
        let targets: Vec<String> = dirs.iter().map(|dir| dir.path.clone()).collect();
        for cleanup in cleanups(instruction, &facts.instructions[number], &targets) {
            if let Some(cut) = cleanup.cut {
                edits.push(Edit { range: cx.file.absolute(number, cut), text: String::new() });
            }
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{applied, offers, only};

    fn added(text: &str, line: usize) -> String {
        only(&CacheMounts, text, None, line, Applicability::Suggestion)
    }

    #[track_caller]
    fn none(text: &str) {
        for line in 1..=text.lines().count() {
            let offers = offers(&CacheMounts, text, None, line..=line);
            assert!(offers.is_empty(), "{text}: {offers:#?}");
        }
    }

    #[test]
    fn a_mount_and_what_is_against_it() {
        assert_eq!(
            added("FROM python:3.13\nRUN pip install --no-cache-dir -r r.txt\n", 2),
            "FROM python:3.13\nRUN --mount=type=cache,target=/root/.cache/pip \\\n    pip install -r r.txt\n"
        );
        assert_eq!(
            added("FROM node:22\nRUN npm ci && npm cache clean --force\n", 2),
            "FROM node:22\nRUN --mount=type=cache,target=/root/.npm \\\n    npm ci\n"
        );
        assert_eq!(
            added("FROM node:22\nENV npm_config_cache=/tmp/npm\nRUN npm ci\n", 3),
            "FROM node:22\nENV npm_config_cache=/tmp/npm\nRUN --mount=type=cache,target=/tmp/npm \\\n    npm ci\n"
        );
        assert_eq!(
            added("FROM python:3.13\nRUN --network=host pip install x\n", 2),
            "FROM python:3.13\nRUN --mount=type=cache,target=/root/.cache/pip --network=host pip install x\n"
        );
        assert_eq!(
            added("FROM python:3.13\nRUN \\\n  # The tools.\n  pip install x\n", 2),
            "FROM python:3.13\nRUN --mount=type=cache,target=/root/.cache/pip \\\n  # The tools.\n  pip install x\n"
        );
        assert_eq!(
            added("FROM python:3.13\nRUN <<EOF\npip install x\nEOF\n", 2),
            "FROM python:3.13\nRUN --mount=type=cache,target=/root/.cache/pip <<EOF\npip install x\nEOF\n"
        );
    }

    #[test]
    fn apt_is_told_to_keep_its_packages() {
        assert_eq!(
            added(
                "FROM debian:12\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
                2
            ),
            format!(
                "FROM debian:12\n{KEEP}\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\\n    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \\\n    apt-get update && apt-get install -y curl\n"
            )
        );
        let kept = format!("FROM debian:12\n{KEEP}\nRUN apt-get update && apt-get install -y curl\n");
        assert!(!added(&kept, 3).contains(&format!("{KEEP}\n{KEEP}")));
    }

    #[test]
    fn lists_that_other_steps_made_or_need_stay_in_the_image() {
        for text in [
            "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\n",
            "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nRUN apt-get install -y git\n",
            "FROM debian:12 AS a\nRUN apt-get install -y curl && apt-get update\nFROM a\nRUN apt-get install -y git\n",
        ] {
            let found = offers(&CacheMounts, text, None, 2..=3);
            let after = found.first().map_or(String::new(), |offer| applied(&CacheMounts, text, None, offer));
            assert!(!after.contains("lists"), "{after}");
        }
        let fine = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nRUN apt-get update && apt-get install -y git\n";
        assert!(added_first(fine, 2).contains("lists"), "each has its own");
    }

    fn added_first(text: &str, line: usize) -> String {
        let found = offers(&CacheMounts, text, None, line..=line);
        applied(&CacheMounts, text, None, &found[0])
    }

    #[test]
    fn all_steps_that_read_a_directory_are_mounted_together() {
        let text = "\
FROM golang:1.23 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -o /app .
FROM scratch
COPY --from=build /app /app
CMD [\"/app\"]
";
        let expected = "\
FROM golang:1.23 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \\
    go mod download
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build \\
    --mount=type=cache,target=/go/pkg/mod \\
    go build -o /app .
FROM scratch
COPY --from=build /app /app
CMD [\"/app\"]
";
        for line in [4, 6] {
            let after = added(text, line);
            assert!(
                after.contains("RUN --mount=type=cache,target=/go/pkg/mod \\\n    go mod download"),
                "{after}"
            );
            assert_eq!(after.matches("target=/go/pkg/mod").count(), 2, "{after}");
            assert_eq!(after.matches("target=/root/.cache/go-build").count(), 1, "{after}");
            assert_eq!(after.len(), expected.len(), "{after}");
        }
    }

    #[test]
    fn what_may_read_it_otherwise_forbids_it() {
        for text in [
            "FROM golang:1.23\nRUN go mod download\nRUN make\n",
            "FROM golang:1.23\nRUN go mod download\nCMD [\"go\", \"run\", \".\"]\n",
            "FROM golang:1.23 AS a\nRUN go mod download\nFROM a\nRUN ./build.sh\n",
            "FROM golang:1.23 AS a\nRUN go mod download\nFROM scratch\nCOPY --from=a /go /go\n",
            "FROM maven:3\nCOPY settings.xml /root/.m2/repository/\nRUN mvn package\n",
            "FROM node:22\nUSER node\nRUN npm ci\n",
            "FROM node:22\nRUN --mount=type=cache,target=/root npm ci\n",
            "FROM node:22\nRUN [\"npm\", \"ci\"]\n",
            "FROM node:22\nRUN npm ci --cache /x\n",
            "FROM node:22 AS a\nRUN npm ci\nFROM node:22\nCOPY --from=a /root /root\n",
            "FROM alpine\nRUN apk add --no-cache curl\n",
            "FROM node:22\nRUN npm run build\n",
        ] {
            none(text);
        }
    }

    #[test]
    fn one_step_or_all() {
        let text = "FROM node:22\nRUN npm ci\nRUN pip install x\n";
        let found = offers(&CacheMounts, text, None, 2..=2);
        let titles: Vec<&str> = found.iter().map(|offer| offer.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Keep the downloads of npm in a cache mount",
                "Keep all downloads (npm, pip) in cache mounts in 2 steps"
            ]
        );
        let after = applied(&CacheMounts, text, None, &found[1]);
        assert_eq!(after.matches("type=cache").count(), 2);
        // Twice changes nothing.
        none(&after);
        none(&added("FROM node:22\nWORKDIR /app\nRUN npm ci\n", 3));
    }
}
