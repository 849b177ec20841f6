//! S030 `rust-debug-build`.

use std::collections::BTreeSet;

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::{Command as Shell, Purpose};
use layerwise_syntax::Keyword;

use super::layers::{chain, is_application, starts, starts_development, target};
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "rust-debug-build",
        code: "S030",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `cargo build` without `--release` or a profile, where the image starts what it makes or copies it from `target/debug`.

## Why it matters

A debug build is not optimized and carries debug information: it is often ten times as slow and several times as big as a
release build.

## Example

```dockerfile
FROM rust:1.80 AS build
WORKDIR /src
COPY . .
RUN cargo build
FROM debian:12-slim
COPY --from=build /src/target/debug/app /usr/local/bin/app
CMD [\"app\"]
```

## Use instead

```dockerfile
FROM rust:1.80 AS build
WORKDIR /src
COPY . .
RUN cargo build --release
FROM debian:12-slim
COPY --from=build /src/target/release/app /usr/local/bin/app
CMD [\"app\"]
```
";

/// Whether a command is a build by cargo, and if so, whether it says with which profile.
fn builds(command: &Shell) -> Option<bool> {
    if command.name != "cargo" {
        return None;
    }
    let verb = command.operands().find(|arg| !arg.text.starts_with('+'))?;
    if !matches!(
        verb.text.as_str(),
        "build" | "b" | "install" | "rustc" | "run" | "xbuild" | "zigbuild" | "chef"
    ) {
        return None;
    }
    let said = command.has_flag(&["release", "profile"])
        || command.has("-r")
        || command.args.iter().any(|arg| !arg.literal)
        || !matches!(verb.text.as_str(), "build" | "b");
    Some(said)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(last) = target(cx) else { return };
    if cx.facts.stages.get(last).is_none_or(|stage| stage.purpose != Purpose::Final) {
        return;
    }
    let mut seen = BTreeSet::new();
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        let Some(command) = facts.commands.iter().find(|c| builds(c) == Some(false)) else { continue };
        let Some(stage) = cx.file.stage_of(number).map(|stage| stage.index) else { continue };
        // One build says it all of its stage.
        if !seen.insert(stage) {
            continue;
        }
        let Some(taken) = taken(cx, last, stage) else { continue };
        let message = format!(
            "`cargo build` without `--release` makes a debug build, slow and big, and the image gets it{}; build with `--release` and take it from `target/release`.",
            match taken {
                Some(copy) => format!(" on line {}", cx.file.line(copy)),
                None => String::new(),
            }
        );
        let end = command.args.first().map_or(command.program.range.end, |arg| arg.range.end);
        let range = cx.file.absolute(number, command.program.range.start..end);
        let mut finding = Finding::new(range, message);
        if let Some(copy) = taken {
            finding = finding.see(cx.file.range(copy), "It is copied here");
        }
        finding.fixes.extend(released(cx, number, command));
        out.push(finding);
        return;
    }
}

/// How the image gets what a stage has built for debugging: by a COPY, or because the stage's layers are the image's.
fn taken(cx: &FileCx<'_>, last: usize, stage: usize) -> Option<Option<usize>> {
    let any = |index: usize| {
        cx.file.stages().get(index).is_some_and(|stage| {
            let commands = cx.facts.instructions[stage.body.clone()].iter().flat_map(|facts| &facts.commands);
            commands.into_iter().any(|c| builds(c) == Some(true))
        })
    };
    if any(stage) {
        return None;
    }
    if chain(cx).contains(&stage) {
        // The folder's name says nothing of what the image is for.
        let debug = starts(cx).any(|(_, i)| i.source().contains("target/debug"));
        let starts =
            is_application(cx) && (debug || !starts_development(cx)) && !chain(cx).iter().any(|s| any(*s));
        return starts.then_some(None);
    }
    let body = cx.file.stages().get(last)?.body.clone();
    let mut copies = cx.file.of_kind_in(body, &[Keyword::Copy]);
    copies.find_map(|(number, _, _)| {
        let Command::Copy(copy) = &cx.eval.step(number).command else { return None };
        let debug = copy.sources.iter().any(|s| s.contains("target/") && s.contains("/debug/"));
        (copy.from == Source::Stage(stage) && debug).then_some(Some(number))
    })
}

/// Builds for release, and takes it from there wherever the file names the folder.
fn released(cx: &FileCx<'_>, number: usize, command: &Shell) -> Option<Fix> {
    let verb = command.operands().find(|arg| !arg.text.starts_with('+'))?;
    let (_, build) = cx.file.instruction(number);
    if command.exec || build.source().get(verb.range.clone()) != Some(verb.text.as_str()) {
        return None;
    }
    let at = cx.file.absolute(number, verb.range.end..verb.range.end);
    let mut edits = vec![Edit { range: at, text: " --release".to_owned() }];
    for (other, _, instruction) in cx.file.all() {
        let source = instruction.source();
        for (at, _) in source.match_indices("target/debug") {
            let range = at + "target/".len()..at + "target/debug".len();
            edits.push(Edit { range: cx.file.absolute(other, range), text: "release".to_owned() });
        }
        if source.matches("/debug/").count() > source.matches("target/debug/").count() {
            return None;
        }
    }
    Some(Fix { edits, ..Fix::replace("Build for release", 0..0, "") })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn debug_builds() {
        check(
            "S030",
            "\
FROM rust AS b
RUN cargo +nightly build
    ^^^^^^^^^^^^^^ the image gets it on line 4
FROM debian
COPY --from=b /x/target/debug/app /app
CMD [\"/app\"]
",
        );
        assert_eq!(lines("S030", "FROM rust\nCOPY . .\nRUN cargo build\nCMD [\"./target/debug/a\"]\n"), [3]);
        for text in [
            "FROM rust\nRUN cargo build --release\nCMD [\"a\"]\n",
            "FROM rust\nRUN cargo build -r\nCMD [\"a\"]\n",
            "FROM rust\nRUN cargo build --profile dist\nCMD [\"a\"]\n",
            "FROM rust\nRUN cargo build $FLAGS\nCMD [\"a\"]\n",
            "FROM rust\nRUN cargo build && cargo build --release\nCMD [\"a\"]\n",
            "FROM rust\nRUN cargo build\n",
            "FROM rust AS dev\nRUN cargo build\nCMD [\"a\"]\n",
            "FROM rust AS b\nRUN cargo build\nFROM debian\nCOPY --from=b /a /a\nCMD [\"/a\"]\n",
            "FROM rust\nRUN cargo test\nCMD [\"a\"]\n",
        ] {
            assert_eq!(lines("S030", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed(
                "S030",
                "FROM rust AS b\nRUN cargo build\nFROM a\nCOPY --from=b /x/target/debug/a /a\nCMD [\"/a\"]\n"
            ),
            "FROM rust AS b\nRUN cargo build --release\nFROM a\nCOPY --from=b /x/target/release/a /a\nCMD [\"/a\"]\n"
        );
    }
}
