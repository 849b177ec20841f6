//! E097 `artefact-lost-in-cache-mount`.

use layerwise_model::eval::{Command, Source};
use layerwise_syntax::Keyword;
use layerwise_syntax::mount::MountKind;

use super::image_files::{absolute, below, brings, earlier, mounted, of_kind, stage_of, target_of};
use super::programs::{source_path, source_range, taken};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "artefact-lost-in-cache-mount",
        code: "E097",
        severity: Severity::Error,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds paths below a cache mount that a later instruction or stage reads.

## Why it matters

What a RUN writes to a cache mount is kept beside the image, not in it: the next instruction sees an empty folder, and COPY `--from` fails with \"not found\". The file has to be copied out within the same RUN.

## Example

```dockerfile
FROM rust:1 AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/app/target cargo build --release
FROM debian:12-slim
COPY --from=build /app/target/release/app /app
```

## Use instead

```dockerfile
FROM rust:1 AS build
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/app/target cargo build --release && cp target/release/app /app.bin
FROM debian:12-slim
COPY --from=build /app.bin /app
```
";

/// Source: the reference of RUN --mount=type=cache.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut caches: Vec<(usize, usize, String)> = Vec::new();
    for (number, stage) in of_kind(cx, &[Keyword::Run]) {
        let Command::Run(run) = &cx.eval.step(number).command else { continue };
        for (mount, _) in run.mounts.iter().filter(|(mount, _)| mount.kind == MountKind::Cache) {
            caches.push((number, stage, target_of(cx, number, &mount.target)));
        }
    }
    if caches.is_empty() {
        return;
    }
    for copy in taken(cx) {
        let chain = &cx.facts.stages[copy.from].chain;
        for source in copy.sources {
            let path = source_path(source);
            let cache = caches.iter().find(|(_, stage, target)| {
                chain.contains(stage) && (path == *target || below(&path, target).is_some())
            });
            let Some((by, _, target)) = cache else { continue };
            if !comes_otherwise(cx, copy.from, usize::MAX, &path, target) {
                out.push(finding(cx, source_range(cx, copy.number, source), *by, target, &path));
            }
        }
    }
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Run, Keyword::Cmd, Keyword::Entrypoint]) {
        let Some(stage) = stage_of(cx, number) else { continue };
        let chain = &cx.facts.stages[stage].chain;
        let is_run = instruction.kind() == Some(Keyword::Run);
        for command in &cx.facts.instructions[number].commands {
            // A program that is started, and what is copied or moved from there, must be there.
            let reads =
                matches!(command.name.as_str(), "cp" | "mv" | "install" | "strip" | "upx" | "java" | "node");
            let args = command.args.iter().filter(|arg| reads && arg.literal && !arg.is_flag());
            let last = usize::from(matches!(command.name.as_str(), "cp" | "mv" | "install"));
            let args: Vec<_> = args.collect();
            let words = std::iter::once(&command.program)
                .chain(args[..args.len().saturating_sub(last)].iter().copied());
            for word in words.filter(|word| word.literal && word.text.contains('/')) {
                let path = source_path(&absolute(cx, number, &word.text));
                let cache = caches.iter().find(|(by, of, target)| {
                    *by < number && chain.contains(of) && below(&path, target).is_some()
                });
                let Some((by, _, target)) = cache else { continue };
                if (is_run && mounted(cx, number, &path)) || comes_otherwise(cx, stage, number, &path, target)
                {
                    continue;
                }
                out.push(finding(cx, cx.file.absolute(number, word.range.clone()), *by, target, &path));
                break;
            }
        }
    }
}

fn finding(cx: &FileCx<'_>, range: std::ops::Range<usize>, by: usize, target: &str, path: &str) -> Finding {
    let line = cx.file.line(by);
    let message = format!(
        "`{path}` is not in the image: line {line} writes it to the cache mount `{target}`, which is kept apart; copy it out of there within that RUN."
    );
    let place = cx.file.absolute(by, crate::ranges::head(cx.file.instruction(by).1));
    Finding::new(range, message).see(place, "The cache is mounted here")
}

/// Whether something else may have put the file there: a COPY, or a RUN without the mount.
fn comes_otherwise(cx: &FileCx<'_>, stage: usize, before: usize, path: &str, target: &str) -> bool {
    let folder = target.rsplit('/').next().unwrap_or(target);
    earlier(cx, stage, before).any(|number| match &cx.eval.step(number).command {
        // Sources of a context that is not known seldom hold what a build makes.
        Command::Copy(copy) => match brings(cx, copy, path) {
            Some(None) => copy.from != Source::Context,
            Some(Some(_)) => cx.context.is_some(),
            None => false,
        },
        Command::Run(_) => {
            let facts = &cx.facts.instructions[number];
            !mounted(cx, number, path)
                && (facts.unclear
                    || cx.file.instruction(number).1.source().contains(folder)
                    || facts.commands.iter().any(|c| {
                        matches!(
                            c.name.as_str(),
                            "cargo"
                                | "make"
                                | "npm"
                                | "yarn"
                                | "pnpm"
                                | "mvn"
                                | "gradle"
                                | "go"
                                | "bundle"
                                | ""
                        ) || c.name.ends_with(".sh")
                            || c.name.ends_with("mvnw")
                            || c.name.ends_with("gradlew")
                    }))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn finds() {
        check(
            "E097",
            "\
FROM rust:1 AS build
WORKDIR /app
COPY src .
RUN --mount=type=cache,target=target cargo build --release
RUN cp target/release/app /app
       ^^^^^^^^^^^^^^^^^^ `/app/target/release/app` is not in the image: line 4
",
        );
        for (run, copy, expected) in [
            ("cargo build && cp target/a /a", "/a", 0),
            ("cargo build", "/app/target2/a", 0),
            ("cargo build\nRUN cargo build --release", "/app/target/a", 0),
            ("cargo build\nRUN mkdir -p target && echo > target/a", "/app/target/a", 0),
            ("cargo build", "/app", 0),
            ("cargo build", "/app/target", 1),
        ] {
            let text = format!(
                "FROM rust:1 AS b\nWORKDIR /app\nRUN --mount=type=cache,target=/app/target {run}\nFROM a\nCOPY --from=b {copy} /x\n"
            );
            assert_eq!(lines("E097", &text).len(), expected, "{run} {copy}");
        }
        let text =
            "FROM rust:1\nRUN --mount=type=cache,target=/t cargo build\nENTRYPOINT [\"/t/release/x\"]\n";
        assert_eq!(lines("E097", text), [3]);
        let text = "FROM rust:1\nRUN --mount=type=cache,target=/t cargo build\nRUN --mount=type=cache,target=/t cp /t/x /x\n";
        assert!(lines("E097", text).is_empty());
    }
}
