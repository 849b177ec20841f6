//! E079 `libc-mismatch`.

use layerwise_model::facts::Manager;
use layerwise_model::facts::base::Libc;
use layerwise_syntax::Keyword;

use super::image_files::{below, earlier};
use super::programs::{dir_of, image, is_cargo_program, source_path, source_range, taken};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "libc-mismatch",
        code: "E079",
        severity: Severity::Warning,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds programs and packages with compiled parts that are copied from a stage with glibc to one with musl, or the other way.

## Why it matters

What was compiled or downloaded for one C library does not load with the other: \"no such file or directory\", or an import error at the first call. Debian, Ubuntu and Red Hat have glibc, Alpine has musl.

## Example

```dockerfile
FROM python:3.13 AS build
RUN python -m venv /venv && /venv/bin/pip install psycopg2
FROM python:3.13-alpine
COPY --from=build /venv /venv
```

## Use instead

```dockerfile
FROM python:3.13 AS build
RUN python -m venv /venv && /venv/bin/pip install psycopg2
FROM python:3.13-slim
COPY --from=build /venv /venv
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for copy in taken(cx) {
        let facts = &cx.facts.stages[copy.stage];
        let (from, to) = (cx.facts.stages[copy.from].base.libc(), facts.base.libc());
        let (from, to) = match (from, to) {
            (Some(Libc::Glibc), Some(Libc::Musl)) => ("glibc", "musl"),
            (Some(Libc::Musl), Some(Libc::Glibc)) => ("musl", "glibc"),
            _ => continue,
        };
        if to == "musl" && ["gcompat", "libc6-compat", "glibc"].iter().any(|p| facts.has_package(p)) {
            continue;
        }
        for source in copy.sources {
            let path = source_path(source);
            let what = if let Some(what) = packages(cx, copy.from, copy.stage, &path) {
                what
            } else if to == "musl" && is_cargo_program(cx, copy.from, &path) {
                "this program does"
            } else {
                continue;
            };
            out.push(Finding::new(
                source_range(cx, copy.number, source),
                format!(
                    "`{source}` was made with the {from} of `{}`, and `{}` has {to}: {what} not run there; build on a base with the same C library.",
                    image(cx, copy.from),
                    image(cx, copy.stage)
                ),
            ));
        }
    }
}

/// What of the packages at a path has compiled parts, as a message says it.
fn packages(cx: &FileCx<'_>, stage: usize, to: usize, path: &str) -> Option<&'static str> {
    let part = |names: &[&str]| path.split('/').any(|part| names.contains(&part));
    // `site-packages` of pure Python and `node_modules` without add-ons are the same everywhere, but few are.
    let (manager, what) = if part(&["node_modules"]) {
        (Manager::Npm, "add-ons in it that are compiled do")
    } else if part(&["site-packages", "dist-packages", "venv", ".venv", "virtualenv", "virtualenvs"]) {
        (Manager::Pip, "its interpreter and compiled modules do")
    } else if part(&["bundle"]) && path != "/usr/local/bundle/config" {
        (Manager::Bundle, "gems in it that are compiled do")
    } else {
        return prefix(cx, stage, path);
    };
    // A rebuild in the stage that takes them puts it right.
    let managers: &[&str] = match manager {
        Manager::Npm => &["npm", "yarn", "pnpm"],
        Manager::Pip => &["pip", "pip3", "uv", "poetry"],
        _ => &["bundle", "gem"],
    };
    let again = earlier(cx, to, usize::MAX).any(|number| {
        cx.file.instruction(number).1.kind() == Some(Keyword::Run)
            && cx.facts.instructions[number].commands.iter().any(|c| managers.contains(&c.name.as_str()))
    });
    (!again && (manager != Manager::Npm || !only_scripts(cx))).then_some(what)
}

/// Whether a lock file of the context names no package that has compiled parts.
fn only_scripts(cx: &FileCx<'_>) -> bool {
    let compiled = [
        "node-gyp",
        "prebuild",
        "node-addon-api",
        "\"nan\"",
        "bindings",
        "-linux-x64",
        "linux-x64-gnu",
        "neon",
        "napi-rs",
        "ffi",
    ];
    let locks = ["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"];
    let texts = || locks.iter().filter_map(|lock| cx.context.and_then(|context| context.text(lock)));
    texts().next().is_some() && !texts().any(|text| compiled.iter().any(|word| text.contains(word)))
}

/// A folder that pip was told to install into.
fn prefix(cx: &FileCx<'_>, stage: usize, path: &str) -> Option<&'static str> {
    for number in earlier(cx, stage, usize::MAX) {
        let facts = &cx.facts.instructions[number];
        for install in facts.installs.iter().filter(|install| install.manager == Manager::Pip) {
            let command = &facts.commands[install.command];
            let user = command.has_flag(&["user"]) && path.ends_with("/.local");
            let dir = command.flag_value(&["prefix", "target", "t", "root"]).unwrap_or_default();
            let own = dir_of(cx, number, command);
            let dir = if dir.starts_with('/') { dir.trim_end_matches('/') } else { "" };
            if user
                || (!dir.is_empty()
                    && (dir == path || below(path, dir).is_some() || below(dir, path).is_some()))
            {
                return Some("compiled modules in it do");
            }
            drop(own);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn finds() {
        check(
            "E079",
            "\
FROM node:22 AS deps
WORKDIR /app
RUN npm ci
FROM node:22-alpine
COPY --from=deps /app/node_modules ./node_modules
                 ^^^^^^^^^^^^^^^^^ made with the glibc of `node:22`, and `node:22-alpine` has musl
",
        );
        let text = |from: &str, build: &str, path: &str, to: &str, then: &str| {
            format!("FROM {from} AS b\nWORKDIR /s\nRUN {build}\nFROM {to}\nCOPY --from=b {path} /x\n{then}")
        };
        for (from, build, path, to, then, expected) in [
            ("python:3.12", "pip install --prefix=/install a", "/install", "python:3.12-alpine", "", 1),
            ("python:3.12", "pip install --prefix=/install a", "/install", "python:3.12-slim", "", 0),
            ("python:3.12-alpine", "python -m venv /venv", "/venv", "python:3.12-slim", "", 1),
            ("node:22", "npm ci", "/s/node_modules", "node:22-alpine", "RUN npm rebuild\n", 0),
            ("node:22", "npm ci", "/s/dist", "node:22-alpine", "", 0),
            ("rust:1", "cargo build --release", "/s/target/release/a", "alpine:3", "", 1),
            ("rust:1-alpine", "cargo build --release", "/s/target/release/a", "debian:12", "", 0),
            (
                "rust:1",
                "cargo build --release",
                "/s/target/release/a",
                "alpine:3",
                "RUN apk add gcompat\n",
                0,
            ),
        ] {
            assert_eq!(
                lines("E079", &text(from, build, path, to, then)).len(),
                expected,
                "{from} {build} {path} {to}"
            );
        }
    }
}
