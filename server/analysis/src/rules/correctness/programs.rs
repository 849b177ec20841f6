//! What E078 to E080 share: compiled programs, and whether they run on another C library.

use std::ops::Range;

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::Command as ShellCommand;
use layerwise_model::facts::base::Tool;
use layerwise_syntax::Keyword;

use super::image_files::{absolute, below, earlier, of_kind};
use crate::rules::FileCx;

/// A COPY from another stage.
pub(super) struct Taken<'a> {
    /// The COPY.
    pub(super) number: usize,
    /// The stage that it stands in.
    pub(super) stage: usize,
    /// The stage that it takes from.
    pub(super) from: usize,
    /// Its sources.
    pub(super) sources: &'a [String],
}

/// Every COPY from another stage.
pub(super) fn taken<'a>(cx: &'a FileCx<'_>) -> impl Iterator<Item = Taken<'a>> + use<'a> {
    of_kind(cx, &[Keyword::Copy]).filter_map(|(number, stage)| {
        let Command::Copy(copy) = &cx.eval.step(number).command else { return None };
        let Source::Stage(from) = copy.from else { return None };
        Some(Taken { number, stage, from, sources: &copy.sources })
    })
}

/// A source of a COPY from another stage as an absolute path, without what comes behind a pattern.
pub(super) fn source_path(source: &str) -> String {
    let path = format!("/{}", source.trim_start_matches("./").trim_start_matches('/'));
    let fixed = path.find(['*', '?', '[']).map_or(path.as_str(), |at| &path[..at]);
    if fixed.len() > 1 { fixed.trim_end_matches('/').to_owned() } else { fixed.to_owned() }
}

/// Where a source of an instruction stands, in the document.
pub(super) fn source_range(cx: &FileCx<'_>, number: usize, source: &str) -> Range<usize> {
    let instruction = cx.file.instruction(number).1;
    let word = instruction.args().iter().find(|word| word.value.trim_matches('"') == source);
    let range = word.or_else(|| instruction.args().first()).map_or_else(
        || crate::ranges::head(instruction),
        |word| crate::ranges::on_first_line(instruction, &word.range),
    );
    cx.file.absolute(number, range)
}

/// How a message names a stage's image.
pub(super) fn image(cx: &FileCx<'_>, stage: usize) -> String {
    let base = &cx.facts.stages[stage].base;
    match (base.name.as_str(), base.tag.as_str()) {
        ("", _) => "scratch".to_owned(),
        (name, "") => name.to_owned(),
        (name, tag) => format!("{name}:{tag}"),
    }
}

/// The folder that a command of a shell form runs in; `None` where a `cd` in front of it leads nobody knows where.
pub(super) fn dir_of(cx: &FileCx<'_>, number: usize, command: &ShellCommand) -> Option<String> {
    let state = &cx.eval.step(number).state;
    let mut dir = state.workdir_set.then(|| absolute(cx, number, "."));
    if !state.workdir_set && cx.facts.stages.is_empty() {
        return None;
    }
    for other in &cx.facts.instructions[number].commands {
        if other.range.start >= command.range.start {
            break;
        }
        if matches!(other.name.as_str(), "pushd" | "popd") {
            return None;
        }
        if other.name == "cd" {
            let to = other.operands().next().filter(|arg| arg.literal && other.top_level)?;
            dir = if to.text.starts_with('/') {
                Some(absolute(cx, number, &to.text))
            } else {
                Some(absolute(cx, number, &format!("{}/{}", dir?, to.text)))
            };
        }
    }
    dir
}

/// A `go build` whose program needs a C library.
pub(super) struct GoBuild {
    /// The RUN.
    pub(super) number: usize,
    /// Which of its commands.
    pub(super) command: usize,
}

/// The `go build` in `stage` or below it that makes what lies at `path`, if it links a C library.
///
/// Sources: cmd/cgo: cgo is on in a native build with a C compiler in PATH unless CGO_ENABLED is 0; cmd/link.
pub(super) fn go_build(cx: &FileCx<'_>, stage: usize, path: &str) -> Option<GoBuild> {
    let facts = cx.facts.stages.get(stage)?;
    let compiler = facts.base.has(Tool::Compiler) == Some(true)
        || ["gcc", "build-base", "build-essential", "alpine-sdk", "clang"]
            .iter()
            .any(|p| facts.has_package(p));
    if !compiler {
        return None;
    }
    for number in earlier(cx, stage, usize::MAX) {
        let instruction = cx.file.instruction(number).1;
        if instruction.kind() != Some(Keyword::Run) {
            continue;
        }
        for (at, command) in cx.facts.instructions[number].commands.iter().enumerate() {
            if command.name != "go" || !matches!(command.subcommand(), Some("build" | "install")) {
                continue;
            }
            let dir = dir_of(cx, number, command);
            let dir = dir.as_deref().unwrap_or("/go");
            let made = match command.flag_value(&["o"]) {
                Some(output) if !output.contains('$') => {
                    let output = absolute(
                        cx,
                        number,
                        &if output.starts_with('/') { output.to_owned() } else { format!("{dir}/{output}") },
                    );
                    output == path || below(path, &output).is_some()
                }
                _ if command.subcommand() == Some("install") => path.starts_with("/go/bin"),
                _ => below(path, dir).is_some_and(|rest| !rest.contains('.')),
            };
            if !made {
                continue;
            }
            let env = cx.eval.step(number).state.env.get("CGO_ENABLED").unwrap_or_default();
            let text = instruction.source();
            let off = env == "0"
                || text.contains("CGO_ENABLED") && !text.contains("CGO_ENABLED=1")
                || ["386", "arm", "mips", "riscv64", "s390x", "ppc64le"].iter().any(|arch| {
                    command.assignments.iter().any(|a| a.text.strip_prefix("GOARCH=") == Some(*arch))
                })
                || ["static", "musl", "netgo", "GOOS=windows", "GOOS=darwin", "GOOS=js", "zig cc"]
                    .iter()
                    .any(|word| text.contains(word))
                || earlier(cx, stage, number)
                    .any(|n| cx.file.instruction(n).1.source().contains("CGO_ENABLED=0"));
            return (!off).then_some(GoBuild { number, command: at });
        }
    }
    None
}

/// Whether a path is a program that cargo builds against the C library of the stage that it is taken from.
pub(super) fn is_cargo_program(cx: &FileCx<'_>, stage: usize, path: &str) -> bool {
    let made = path.contains("/release/") || path.contains("/debug/") || path.contains("/cargo/bin/");
    if !made || path.contains("musl") || path.contains("wasm") || path.ends_with("/build") {
        return false;
    }
    let static_words = ["musl", "crt-static", "wasm", "zigbuild", "CARGO_BUILD_TARGET", "--target"];
    let mut builds = false;
    for number in earlier(cx, stage, usize::MAX) {
        let text = cx.file.instruction(number).1.source();
        if static_words.iter().any(|word| text.contains(word)) {
            return false;
        }
        builds |= cx.facts.instructions[number]
            .commands
            .iter()
            .any(|c| c.name == "cargo" && matches!(c.subcommand(), Some("build" | "install" | "b")));
    }
    let configured = cx.context.is_some_and(|context| {
        [".cargo/config.toml", ".cargo/config"]
            .iter()
            .filter_map(|file| context.text(file))
            .any(|text| text.contains("musl") || text.contains("crt-static"))
    });
    builds && !configured
}
