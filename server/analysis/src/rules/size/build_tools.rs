//! S004 `apk-build-deps-kept` and S018 `build-tools-in-final`: compilers that come with the image.

use layerwise_model::facts::{Command, Manager, Tool};

use super::layers::{about, call, is_application, runs, target};
use crate::cost::run::package_bytes;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static APK: Rule = Rule {
    meta: Meta {
        name: "apk-build-deps-kept",
        code: "S004",
        severity: Severity::Info,
        doc: APK_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, true, out)),
};

pub(super) static OTHERS: Rule = Rule {
    meta: Meta {
        name: "build-tools-in-final",
        code: "S018",
        severity: Severity::Hint,
        doc: OTHERS_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, false, out)),
};

const APK_DOC: &str = "\
## What it does

Finds compilers and build tools (gcc, g++, build-base, make, cmake ...) that apk installs in the stages of an image that
starts a program, and that no RUN removes.

## Why it matters

A compiler is many times as big as Alpine itself, and nothing runs it once the image is built.

## Example

```dockerfile
FROM python:3.12-alpine
RUN apk add --no-cache gcc musl-dev
RUN pip install --no-cache-dir uwsgi
CMD [\"uwsgi\"]
```

## Use instead

```dockerfile
FROM python:3.12-alpine
RUN apk add --no-cache --virtual .build gcc musl-dev && pip install --no-cache-dir uwsgi && apk del .build
CMD [\"uwsgi\"]
```
";

const OTHERS_DOC: &str = "\
## What it does

Finds compilers and build tools (build-essential, gcc, make, cmake ...) that apt, dnf or zypper install in the stages of an
image that starts a program, and that no RUN removes. Nothing is said where the base image has a compiler already.

## Why it matters

A compiler with its headers is some 250 MB that every pull transfers and every scanner looks through. A stage of its own
builds just as well, and only what it has built is copied.

## Example

```dockerfile
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir --prefix=/install uwsgi
CMD [\"uwsgi\"]
```

## Use instead

```dockerfile
FROM python:3.12 AS build
RUN pip install --no-cache-dir --prefix=/install uwsgi
FROM python:3.12-slim
COPY --from=build /install /usr/local
CMD [\"uwsgi\"]
```
";

/// Packages that only a build needs.
const TOOLS: [&str; 22] = [
    "alpine-sdk",
    "autoconf",
    "automake",
    "base-devel",
    "bison",
    "build-base",
    "build-essential",
    "cargo",
    "clang",
    "cmake",
    "flex",
    "g++",
    "gcc",
    "gcc-c++",
    "gfortran",
    "libtool",
    "make",
    "meson",
    "ninja-build",
    "rust",
    "rustc",
    "golang-go",
];

/// Whether a command takes packages away again.
fn removes(command: &Command) -> bool {
    let verbs: &[&str] = match command.name.as_str() {
        "apk" => &["del"],
        "apt-get" | "apt" | "aptitude" => &["remove", "purge", "autoremove", "autopurge"],
        "dnf" | "yum" | "microdnf" | "zypper" => &["remove", "erase", "autoremove", "rm"],
        "apt-mark" => &["auto"],
        _ => return false,
    };
    command.args.iter().any(|arg| verbs.contains(&arg.text.as_str()))
}

fn check(cx: &FileCx<'_>, apk: bool, out: &mut Vec<Finding>) {
    let Some(facts) = target(cx).and_then(|stage| cx.facts.stages.get(stage)) else { return };
    let any = facts.installed.iter().any(|(manager, name)| {
        manager.is_system() && (*manager == Manager::Apk) == apk && TOOLS.contains(&name.as_str())
    });
    // A later RUN that removes them is told by another rule.
    if !any
        || !is_application(cx)
        || facts.base.has(Tool::Compiler) == Some(true)
        || runs(cx).any(|run| run.facts.commands.iter().any(removes))
    {
        return;
    }
    for run in runs(cx).filter(|run| run.stage.is_some_and(|stage| facts.chain.contains(&stage))) {
        for install in &run.facts.installs {
            let manager = match install.manager {
                Manager::Apk if apk => "apk",
                Manager::Apt if !apk => "apt",
                Manager::Dnf | Manager::Zypper if !apk => "",
                _ => continue,
            };
            let tools: Vec<&str> = install
                .packages
                .iter()
                .map(|p| p.name.as_str())
                .filter(|name| TOOLS.contains(name))
                .collect();
            if tools.is_empty() {
                continue;
            }
            // What they have in common counts once: the biggest of them stands for all.
            let bytes = tools.iter().filter_map(|name| package_bytes(manager, name)).reduce(f64::max);
            let size = bytes.filter(|b| *b >= 1e6).map_or_else(String::new, |b| format!(" ({})", about(b)));
            let command = &run.facts.commands[install.command];
            let names: Vec<String> = tools.iter().take(4).map(|name| format!("`{name}`")).collect();
            let (are, stay) = if tools.len() == 1 { ("is", "it stays") } else { ("are", "they stay") };
            let names = names.join(", ");
            let message = if apk {
                format!(
                    "{names} {are} only for building, and {stay} in the image{size}: install with `--virtual` and `apk del` in the RUN that builds, or build in a stage of its own."
                )
            } else {
                format!(
                    "{names} {are} only for building, and {stay} in the image{size}: build in a stage of its own and copy what it makes."
                )
            };
            let verb = command.args.iter().find(|arg| arg.text == install.verb);
            out.push(Finding::new(call(cx, &run, command, verb), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn compilers_that_stay() {
        check(
            "S004",
            "\
FROM python:3.12-alpine AS build
RUN apk add gcc
FROM python:3.12-alpine
RUN apk add --no-cache curl build-base linux-headers make
    ^^^^^^^ `build-base`, `make` are only for building, and they stay in the image (~230 MB)
CMD [\"x\"]
",
        );
        check(
            "S018",
            "\
FROM python:3.12-slim
RUN apt-get install -y gcc
    ^^^^^^^^^^^^^^^ `gcc` is only for building, and it stays in the image (~171 MB)
ENTRYPOINT [\"x\"]
",
        );
        for text in [
            "FROM python:3.12-slim\nRUN apt-get install -y gcc",
            "FROM python:3.12-slim\nRUN apt-get install -y gcc && x && apt-get purge -y gcc\nCMD x",
            "FROM python:3.12\nRUN apt-get install -y gcc\nCMD x",
            "FROM python:3.12-slim AS dev\nRUN apt-get install -y gcc\nCMD x",
            "FROM python:3.12-slim\nRUN apt-get install -y git libpq-dev\nCMD x",
        ] {
            assert_eq!(lines("S018", &format!("{text}\n")), [0; 0], "{text}");
        }
    }
}
