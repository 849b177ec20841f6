//! S032 `copy-build-tree`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::Purpose;
use layerwise_model::gopath::{path_clean, path_join};
use layerwise_model::selection::source_path;
use layerwise_syntax::Keyword;

use super::layers::target;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "copy-build-tree", code: "S032", severity: Severity::Hint, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY that takes the folder in which a stage has built a Go program, sources and all, into the final image.
`copy-from-too-broad` tells the same of other languages.

## Why it matters

A Go program needs nothing of its sources. With the folder come the code, its tests, `vendor` and, if the build context has
it, `.git`, and any edit of them makes another layer.

## Example

```dockerfile
FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN go build -o server ./cmd/server
FROM alpine:3.20
COPY --from=build /src /app
CMD [\"/app/server\"]
```

## Use instead

```dockerfile
FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN go build -o server ./cmd/server
FROM alpine:3.20
COPY --from=build /src/server /app/server
CMD [\"/app/server\"]
```
";

/// How many COPYs are followed to the stages that they take from.
const MAX_LOOKS: usize = 32;

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(last) = target(cx) else { return };
    if cx.facts.stages.get(last).is_none_or(|stage| stage.purpose != Purpose::Final) {
        return;
    }
    let Some(stage) = cx.file.stages().get(last) else { return };
    // A script that starts it comes from the folder, too, and who knows what it needs.
    let mut starts = cx.file.of_kind_in(stage.body.clone(), &[Keyword::Cmd, Keyword::Entrypoint]);
    if starts.any(|(_, _, i)| i.source().contains(".sh")) {
        return;
    }
    let mut looked = 0;
    for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        let (Source::Stage(from), [source], []) =
            (&copy.from, copy.sources.as_slice(), copy.excludes.as_slice())
        else {
            continue;
        };
        if looked == MAX_LOOKS {
            return;
        }
        looked += 1;
        let dir = path_clean(&format!("/{source}"));
        let Some((sources, output)) = built_in(cx, *from, &dir) else { continue };
        let message = format!(
            "This takes all of {dir}, with the sources of line {}, of which a Go program needs nothing; take `{output}` alone, and what it reads at run time by name.",
            cx.file.line(sources)
        );
        let at = cx.file.absolute(sources, head(cx.file.instruction(sources).1));
        let range = cx.file.absolute(number, head(instruction));
        out.push(Finding::new(range, message).see(at, "The sources come from here"));
    }
}

/// The COPY that brings all sources to `dir` in a stage, and what a `go build` there makes in it.
fn built_in(cx: &FileCx<'_>, stage: usize, dir: &str) -> Option<(usize, String)> {
    let stage = cx.file.stages().get(stage)?;
    let copy = stage.body.clone().find(|number| match &cx.eval.step(*number).command {
        Command::Copy(copy) => {
            copy.from == Source::Context
                && copy.sources.iter().any(|source| source_path(source).is_empty())
                && path_clean(&copy.dest_path) == dir
        }
        _ => false,
    })?;
    let (number, command) = (copy + 1..stage.body.end).find_map(|number| {
        let mut commands = cx.facts.instructions[number].commands.iter();
        commands.find(|c| c.name == "go" && c.subcommand() == Some("build")).map(|c| (number, c))
    })?;
    // What moves files about below may have left only some.
    let tidied = cx.facts.instructions[number..stage.body.end].iter().any(|facts| {
        facts.unclear
            || facts.commands.iter().any(|c| matches!(c.name.as_str(), "rm" | "find" | "mv" | "git"))
    });
    let state = &cx.eval.step(number).state;
    let output = match command.flag_value(&["o"]) {
        Some(path) if path.contains(['$', '`']) => return None,
        Some(path) if path.starts_with('/') => path_clean(path),
        Some(path) => path_join(&[&state.dir, path]),
        None => format!("{dir}/..."),
    };
    let inside = output.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    (!tidied && inside && dir != "/").then_some((copy, output))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn folders_of_sources() {
        check(
            "S032",
            "\
FROM golang AS b
WORKDIR /src
COPY . .
RUN go build -o bin/app .
FROM alpine
COPY --from=b /src /app
^^^^^^^^^^^^^^^^^^^^^^^ with the sources of line 3
",
        );
        for (run, copy) in [
            ("go build -o /out/app .", "COPY --from=b /src /app"),
            ("go build -o app .", "COPY --from=b /src/app /app"),
            ("go build -o app . && rm *.go", "COPY --from=b /src /app"),
            ("go vet", "COPY --from=b /src /app"),
            ("go build -o app .", "COPY --from=b --exclude=*.go /src /app"),
        ] {
            let text = format!("FROM golang AS b\nWORKDIR /src\nCOPY . .\nRUN {run}\nFROM alpine\n{copy}\n");
            assert_eq!(lines("S032", &text), [0; 0], "{run} {copy}");
        }
    }
}
