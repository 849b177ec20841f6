//! S048 `package-already-in-base`.

use layerwise_model::facts::{BaseFacts, Family, Manager};

use super::layers::{call, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "package-already-in-base",
        code: "S048",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds an apt install all of whose packages are in the official image that the stage starts from: curl, git and a compiler in
`python:3.12`, `node:22` and others made from buildpack-deps, certificates in `golang`.

## Why it matters

The step downloads the package lists, and then installs nothing, or a newer build of what is there in a second layer. Without
it the build is faster and the image no smaller in what it can do.

## Example

```dockerfile
FROM golang:1.22
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM golang:1.22
```
";

/// Packages of buildpack-deps:scm, which each of these images has. Source: the images' own Dockerfiles
/// (docker-library/buildpack-deps), as they have been since Debian 10.
const SCM: [&str; 10] = [
    "ca-certificates",
    "curl",
    "gnupg",
    "wget",
    "git",
    "mercurial",
    "openssh-client",
    "subversion",
    "procps",
    "netbase",
];

/// What golang adds.
const GO: [&str; 5] = ["g++", "gcc", "libc6-dev", "make", "pkg-config"];

/// What buildpack-deps itself adds.
const FULL: [&str; 27] = [
    "autoconf",
    "automake",
    "bzip2",
    "dpkg-dev",
    "file",
    "g++",
    "gcc",
    "imagemagick",
    "libbz2-dev",
    "libc6-dev",
    "libcurl4-openssl-dev",
    "libffi-dev",
    "libglib2.0-dev",
    "libgmp-dev",
    "libjpeg-dev",
    "liblzma-dev",
    "libpng-dev",
    "libpq-dev",
    "libreadline-dev",
    "libsqlite3-dev",
    "libssl-dev",
    "libtool",
    "libxml2-dev",
    "libxslt-dev",
    "make",
    "patch",
    "zlib1g-dev",
];

/// What more there is in it.
const FULL_TOO: [&str; 4] = ["unzip", "xz-utils", "libyaml-dev", "libwebp-dev"];

/// The packages that an image certainly has.
fn packages(base: &BaseFacts) -> Option<Vec<&'static str>> {
    let debian = matches!(base.family, Family::Debian);
    if !base.official || !debian || base.small {
        return None;
    }
    match base.name.as_str() {
        "golang" => Some([&SCM[..], &GO].concat()),
        "python" | "node" | "ruby" | "rust" | "perl" | "gcc" => Some([&SCM[..], &FULL, &FULL_TOO].concat()),
        _ => None,
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut sources = None;
    for run in runs(cx) {
        let Some(install) = run.facts.installs.iter().find(|install| install.manager == Manager::Apt) else {
            continue;
        };
        let Some(base) = run.stage.and_then(|stage| cx.facts.stages.get(stage)).map(|stage| &stage.base)
        else {
            continue;
        };
        let Some(there) = packages(base) else { continue };
        let all = run.facts.installs.iter().filter(|i| i.manager == Manager::Apt).all(|i| {
            !i.packages.is_empty()
                && i.packages.iter().all(|p| {
                    p.literal && !p.is_path && p.version.is_none() && there.contains(&p.text.as_str())
                })
        });
        let command = &run.facts.commands[install.command];
        // A release of its own is another package.
        let other = command.has_flag(&["t", "target-release", "default-release"])
            || command.has_flag(&["only-upgrade", "reinstall", "download-only"])
            || *sources
                .get_or_insert_with(|| cx.file.all().any(|(_, _, i)| i.source().contains("sources.list")));
        if install.verb != "install" || !all || other || run.facts.unclear {
            continue;
        }
        let updates = run.facts.commands.iter().any(|c| c.subcommand() == Some("update"));
        let names: Vec<String> = install.packages.iter().map(|p| format!("`{}`", p.name)).collect();
        let shown = if names.len() > 4 {
            format!("{} and the others", names[..3].join(", "))
        } else {
            names.join(", ")
        };
        let message = format!(
            "{}:{} has {shown} already, so this {}; leave it out.",
            base.name,
            base.tag,
            if updates { "updates the package lists for nothing" } else { "installs nothing" }
        );
        let verb = command.args.iter().find(|arg| arg.text == install.verb);
        out.push(Finding::new(call(cx, &run, command, verb), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn what_is_there() {
        check(
            "S048",
            "\
FROM node:22
RUN apt-get update && apt-get install -y git python3
RUN apt-get update && apt-get install -y git make g++
                      ^^^^^^^^^^^^^^^ node:22 has `git`, `make`, `g++` already
",
        );
        for text in [
            "FROM node:22-slim\nRUN apt-get install -y git\n",
            "FROM node:22-alpine\nRUN apk add git\n",
            "FROM debian:12\nRUN apt-get install -y git\n",
            "FROM golang:1.22\nRUN apt-get install -y unzip\n",
            "FROM golang:1.22\nRUN apt-get install -y git=1:2.39\n",
            "FROM golang:1.22\nRUN apt-get install -y git $MORE\n",
        ] {
            assert_eq!(lines("S048", text), [0; 0], "{text}");
        }
    }
}
