//! S005 `cleanup-in-later-layer`, S006 `package-removal-in-later-layer` and S027 `move-across-layers`: what a RUN takes away
//! although an earlier layer holds it.

use std::ops::Range;

use layerwise_model::eval::{self, Source};
use layerwise_model::gopath::path_clean;
use layerwise_syntax::shell::SimpleCommand;

use super::consecutive_runs::merged;
use super::layers::{about, at_home, holds, mounted, runs, variable};
use crate::actions::Cx;
use crate::actions::footprint::{self, Thing, Undone};
use crate::cost::run::{Unknown, What};
use crate::cost::run::{package_bytes, work};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static CLEANUP: Rule = Rule {
    meta: Meta {
        name: "cleanup-in-later-layer",
        code: "S005",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        supersedes: &["consecutive-runs"],
        doc: CLEANUP_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, Kind::Files, out)),
};

pub(super) static PACKAGES: Rule = Rule {
    meta: Meta {
        name: "package-removal-in-later-layer",
        code: "S006",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        supersedes: &["consecutive-runs"],
        doc: PACKAGES_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, Kind::Packages, out)),
};

pub(super) static MOVE: Rule = Rule {
    meta: Meta {
        name: "move-across-layers",
        code: "S027",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        supersedes: &["consecutive-runs"],
        doc: MOVE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, Kind::Moves, out)),
};

const CLEANUP_DOC: &str = "\
## What it does

Finds a RUN that deletes what an earlier instruction of this file put into a layer of the image: package lists, caches of
package managers, downloads, cloned repositories, and copied files that are big or look like archives.

## Why it matters

A layer that hides a file does not take it out of the layer below: it is stored and pulled all the same. Only the RUN that
makes a file can delete it for good.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl
RUN rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
```
";

const PACKAGES_DOC: &str = "\
## What it does

Finds a RUN that removes packages which an earlier RUN of this file installed.

## Why it matters

The packages stay in the layer of the RUN that installed them. Only that RUN can remove them for good.

## Example

```dockerfile
FROM alpine:3.20
RUN apk add --no-cache --virtual .build gcc musl-dev
RUN make install
RUN apk del .build
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add --no-cache --virtual .build gcc musl-dev && make install && apk del .build
```
";

const MOVE_DOC: &str = "\
## What it does

Finds `mv` of what an earlier instruction of this file downloaded or copied, where that is big or looks like an archive.

## Why it matters

The file is stored twice: in the layer that made it, and in that of the RUN that moves it.

## Example

```dockerfile
FROM debian:12
RUN curl -fsSLo /tmp/tool.bin https://example.com/tool.bin
RUN mv /tmp/tool.bin /usr/local/bin/tool
```

## Use instead

```dockerfile
FROM debian:12
RUN curl -fsSLo /usr/local/bin/tool https://example.com/tool.bin
```
";

/// Which of the rules looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Files,
    Packages,
    Moves,
}

/// How many things of earlier layers are kept in mind, and how many commands are held against them: bounds on the work.
const MAX_THINGS: usize = 512;
const MAX_UNDOING: usize = 256;

/// How many fixes are made: each looks at the RUNs around it.
const MAX_FIXES: usize = 10;

/// Copied files below this size are not worth a word.
const BIG: f64 = 1e6;

/// Ends of names of files that are big as a rule.
const ARCHIVES: [&str; 24] = [
    ".tar", ".gz", ".tgz", ".xz", ".txz", ".bz2", ".tbz2", ".zst", ".zip", ".7z", ".rar", ".deb", ".rpm",
    ".apk", ".whl", ".jar", ".war", ".iso", ".bin", ".run", ".exe", ".dump", ".img", ".tbz",
];

/// What an earlier instruction put into its layer.
struct Made {
    number: usize,
    thing: Thing,
    bytes: Option<f64>,
}

fn check(cx: &FileCx<'_>, kind: Kind, out: &mut Vec<Finding>) {
    let shipped: Vec<_> =
        runs(cx).filter(|run| cx.file.instruction(run.number).1.trigger().is_none()).collect();
    let undoes = |command: &layerwise_model::facts::Command| match kind {
        Kind::Files => matches!(
            command.name.as_str(),
            "rm" | "unlink"
                | "npm"
                | "yarn"
                | "pip"
                | "pip3"
                | "composer"
                | "yum"
                | "dnf"
                | "microdnf"
                | "tdnf"
        ),
        Kind::Packages => {
            matches!(command.name.as_str(), "apt-get" | "apt" | "apk" | "yum" | "dnf" | "microdnf" | "tdnf")
        }
        Kind::Moves => command.name == "mv",
    };
    // Most files have nothing that could undo anything.
    let Some(last) = shipped.iter().rposition(|run| run.facts.commands.iter().any(undoes)) else { return };
    let end = shipped[last].number;
    let mut runs = shipped[..=last].iter().peekable();
    let mut things: Vec<Made> = Vec::new();
    let mut left = MAX_UNDOING;
    let chain = super::layers::chain(cx);
    for number in 0..=end {
        let stage = cx.file.stage_of(number).map(|stage| stage.index);
        if !stage.map_or(cx.file.stages().is_empty(), |stage| chain.contains(&stage)) {
            continue;
        }
        if let eval::Command::Copy(copy) = &cx.eval.step(number).command {
            if kind != Kind::Packages {
                things.extend(copied(cx, number, copy));
            }
            continue;
        }
        let Some(run) = runs.next_if(|run| run.number == number) else { continue };
        let Some(script) = run.instruction.script().filter(|script| !script.has_error()) else { continue };
        let mut own: Vec<Made> = Vec::new();
        let mut dir = Some(run.state.dir.clone());
        for command in script.simple_commands() {
            if matches!(command.name(), Some("cd" | "pushd" | "popd")) {
                dir = None;
                continue;
            }
            for (how, thing) in footprint::undone(command) {
                let Some(thing) = absolute(thing, dir.as_deref()) else { continue };
                let counts = match kind {
                    Kind::Files => how == Undone::Deleted && matches!(thing, Thing::Path(_)),
                    Kind::Packages => how == Undone::Deleted && matches!(thing, Thing::Package(..)),
                    Kind::Moves => how == Undone::Rewritten && command.name() == Some("mv"),
                };
                // What it has made itself has to be deleted here.
                let mine = own.iter().any(|made| footprint::covers(&thing, &made.thing).is_some());
                if how == Undone::Deleted {
                    own.retain(|made| footprint::covers(&thing, &made.thing).is_none());
                }
                if !counts || mine || left == 0 {
                    continue;
                }
                left -= 1;
                let found: Vec<usize> = (0..things.len())
                    .filter(|at| footprint::covers(&thing, &things[*at].thing).is_some())
                    .collect();
                if let (Some(&first), true) = (found.first(), things.len() <= MAX_THINGS) {
                    let range = script.source_range(command.range.clone());
                    out.push(finding(cx, kind, (number, range), &things[first], out.len() < MAX_FIXES));
                    // It is told once.
                    for at in found.into_iter().rev() {
                        things.swap_remove(at);
                    }
                }
            }
            let mounts = mounted(run.instruction);
            for thing in footprint::made(command) {
                let Some(thing) = absolute(thing, dir.as_deref()) else { continue };
                if kind == Kind::Packages || matters(cx, run, command, &thing, &mounts) {
                    let bytes = bytes(command, &thing);
                    own.push(Made { number, thing, bytes });
                }
            }
        }
        own.retain(|made| matches!(made.thing, Thing::Package(..)) == (kind == Kind::Packages));
        own.truncate(MAX_THINGS.saturating_sub(things.len()));
        things.append(&mut own);
    }
    // Two commands of one RUN that undo one thing say the same.
    out.dedup_by(|a, b| a.range == b.range);
}

/// What a COPY or ADD puts into its layer, where that is a file of the context that is big, or seems to be.
fn copied(cx: &FileCx<'_>, number: usize, copy: &eval::Copy) -> Vec<Made> {
    if copy.from != Source::Context || copy.sources.len() > 32 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for source in &copy.sources {
        // A local tar archive is unpacked by ADD.
        if copy.add || source.contains(['*', '?', '[']) {
            continue;
        }
        let path = path_clean(source);
        let path = path.trim_start_matches('/');
        let name = path.rsplit('/').next().unwrap_or(path);
        let entry = cx.context.and_then(|context| context.get(path).map(|entry| (context, entry)));
        let bytes = entry.map(|(context, entry)| match entry.kind {
            layerwise_model::context::EntryKind::Dir => context.entries.totals(path).bytes as f64,
            _ => entry.size as f64,
        });
        let big = bytes.map_or_else(|| is_archive(name), |bytes| bytes >= BIG);
        if !big || name == "." {
            continue;
        }
        let is_dir = entry.is_some_and(|(context, _)| context.is_dir(path));
        let dest = copy.dest_path.as_str();
        let thing = match dest.ends_with('/') && !is_dir {
            true => format!("{dest}{name}"),
            false => dest.trim_end_matches('/').to_owned(),
        };
        found.push(Made { number, thing: Thing::Path(thing), bytes });
    }
    found
}

fn is_archive(path: &str) -> bool {
    let path = path.trim_end_matches(['"', '\'']);
    ARCHIVES.iter().any(|end| path.ends_with(end))
}

/// Whether a thing that a command makes stays in the layer and is big enough to speak of.
fn matters(
    cx: &FileCx<'_>,
    run: &super::layers::Run<'_>,
    command: &SimpleCommand,
    thing: &Thing,
    mounts: &[String],
) -> bool {
    let Thing::Path(path) = thing else { return false };
    if mounts.iter().any(|target| holds(target, path.trim_end_matches("/@"))) {
        return false;
    }
    if let Some(folder) = path.strip_suffix("/@") {
        let off = |name: &str| variable(cx, run, name).is_some();
        return match folder {
            "/root/.cache/pip" => !off("PIP_NO_CACHE_DIR"),
            "/root/.npm" => !off("npm_config_cache") && !off("NPM_CONFIG_CACHE"),
            _ => true,
        };
    }
    // A script or a key is small; of what has no such name nothing is known.
    let download = matches!(command.name(), Some("curl" | "wget"));
    is_archive(path) || (download && looks_big(path))
}

/// Whether a download without the name of an archive is likely to be a program: it has no extension that says otherwise.
fn looks_big(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !name.contains('.') && !name.contains("key") && !name.contains('$') && !name.contains("install")
}

fn bytes(command: &SimpleCommand, thing: &Thing) -> Option<f64> {
    match thing {
        Thing::Package(manager @ ("apt" | "apk"), name) if !name.starts_with('.') => {
            package_bytes(manager, name)
        }
        Thing::Package(..) => None,
        Thing::Path(path) => {
            let words: Vec<&str> =
                command.words.iter().map(|word| word.literal.as_deref().unwrap_or(&word.raw)).collect();
            let folder = path.strip_suffix("/@")?;
            // How many packages a file names is not known here.
            let from_file = matches!(folder, "/root/.cache/pip" | "/root/.npm" | "/usr/local/share/.cache");
            let made = work(&words, &Unknown).made;
            let cache = made.iter().find(|made| matches!(made.what, What::Cache(_)))?;
            cache.bytes.filter(|_| !from_file)
        }
    }
}

fn absolute(thing: Thing, dir: Option<&str>) -> Option<Thing> {
    match thing {
        Thing::Path(path) => {
            let path = at_home(&path);
            if path.starts_with('/') {
                return Some(Thing::Path(path));
            }
            // A variable may hold an absolute path.
            if path.starts_with('$') {
                return None;
            }
            let dir = dir?.trim_end_matches('/');
            Some(Thing::Path(format!("{dir}/{}", path.trim_start_matches("./"))))
        }
        thing => Some(thing),
    }
}

fn finding(cx: &FileCx<'_>, kind: Kind, at: (usize, Range<usize>), made: &Made, with_fix: bool) -> Finding {
    let (number, range) = at;
    let line = cx.file.line(made.number);
    let size = made.bytes.filter(|bytes| *bytes >= 50e3).map(about);
    let of = |size: Option<String>| size.map_or_else(String::new, |size| format!(" ({size})"));
    let name = match &made.thing {
        Thing::Path(path) => format!("`{}`", path.trim_end_matches("/@")),
        Thing::Package(_, name) => format!("`{name}`"),
    };
    let is_run = matches!(cx.eval.step(made.number).command, eval::Command::Run(_));
    let message = match kind {
        Kind::Files if is_run => format!(
            "This frees nothing: {name}{} stays in the layer of line {line}; delete it in that RUN.",
            of(size)
        ),
        Kind::Files => format!(
            "This frees nothing: {name}{} stays in the layer of line {line}; mount it for the RUN that needs it (`--mount=type=bind`) instead of copying it.",
            of(size)
        ),
        Kind::Packages => format!(
            "This frees nothing: {name}{} stays in the layer of line {line}; install and remove it in one RUN.",
            of(size)
        ),
        Kind::Moves => format!(
            "{name}{} is stored twice: in the layer of line {line}, and once more in this one; put it in its place at once.",
            of(size)
        ),
    };
    let range = cx.file.absolute(number, range);
    let mut finding = Finding::new(range, message).see(cx.file.range(made.number), "The layer that holds it");
    if with_fix && is_run {
        let actions = Cx { file: cx.file, evaluation: cx.eval, context: cx.context, rebuilds: None };
        let both = cx.file.range(made.number).start..cx.file.range(number).end;
        finding.fixes.extend(merged(&actions, both));
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn files_that_stay() {
        check(
            "S005",
            "\
FROM debian:12 AS build
RUN apt-get update
RUN rm -rf /var/lib/apt/lists/*
FROM debian:12 AS base
RUN apt-get update && apt-get install -y curl
WORKDIR /opt
RUN curl -fsSLO https://x.example/tool.tar.gz
FROM base
RUN true && rm -rf /var/lib/apt/lists/* && x
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^ `/var/lib/apt/lists` (~20 MB) stays in the layer of line 5
RUN tar -xzf tool.tar.gz && rm tool.tar.gz
                            ^^^^^^^^^^^^^^ `/opt/tool.tar.gz` stays in the layer of line 7
COPY app.deb /tmp/
RUN dpkg -i /tmp/app.deb && rm -rf /tmp/*
                            ^^^^^^^^^^^^^ line 11; mount it
RUN rm -rf /var/lib/apt/lists/*
",
        );
        let at = |text: &str| lines("S005", &format!("FROM debian:12\n{text}\n"));
        for text in [
            "RUN apt-get update && rm -rf /var/lib/apt/lists/*\nRUN rm -rf /var/lib/apt/lists/*",
            "RUN curl -o /tmp/x.sh https://x && rm /tmp/x.sh",
            "RUN curl -o /tmp/x.sh https://x\nRUN rm /tmp/x.sh",
            "COPY requirements.txt /tmp/\nRUN rm /tmp/requirements.txt",
            "RUN rm -rf /usr/share/doc",
            "RUN --mount=type=cache,target=/var/lib/apt apt-get update\nRUN rm -rf /var/lib/apt/lists/*",
            "ENV PIP_NO_CACHE_DIR=1\nRUN pip install x\nRUN rm -rf /root/.cache",
            "RUN apt-get update\nRUN apt-get update && rm -rf /var/lib/apt/lists/*",
            "RUN cd /x && wget https://x/a.tgz\nRUN rm a.tgz",
        ] {
            assert_eq!(at(text), [0; 0], "{text}");
        }
        assert_eq!(at("RUN npm ci\nRUN npm cache clean --force"), [3]);
        assert_eq!(at("RUN yum install -y a\nRUN yum clean all && rm -rf /var/cache/yum"), [3]);
        assert_eq!(at("RUN git clone https://x/y /tmp/y\nRUN make && rm -rf /tmp/y"), [3]);
    }

    #[test]
    fn packages_that_stay() {
        check(
            "S006",
            "\
FROM alpine:3.20
RUN apk add --no-cache --virtual .deps gcc
RUN x
RUN y && apk del .deps
         ^^^^^^^^^^^^^ `.deps` stays in the layer of line 2
",
        );
        let at = |text: &str| lines("S006", &format!("FROM debian:12\n{text}\n"));
        assert_eq!(at("RUN apt-get install -y gcc git\nRUN apt-get purge -y git gcc"), [3]);
        assert_eq!(at("RUN apt-get install -y gcc && apt-get purge -y gcc"), [0; 0]);
        assert_eq!(at("RUN apt-get purge -y gcc\nRUN apt-get autoremove"), [0; 0]);
    }

    #[test]
    fn files_that_are_stored_twice() {
        check(
            "S027",
            "\
FROM debian:12
RUN wget -O /tmp/a.jar https://x/a.jar
RUN mv /tmp/a.jar /app.jar
    ^^^^^^^^^^^^^^^^^^^^^^ `/tmp/a.jar` is stored twice: in the layer of line 2
RUN wget https://x/b.jar && mv b.jar /c.jar
RUN mv /etc/a /etc/b
",
        );
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S005", "FROM debian\nRUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n"),
            "FROM debian\nRUN apt-get update && \\\n    rm -rf /var/lib/apt/lists/*\n"
        );
    }
}
