//! E078 `dynamic-go-binary-in-scratch`.

use std::collections::BTreeSet;

use layerwise_model::facts::base::Libc;
use layerwise_syntax::Keyword;

use super::image_files::earlier;
use super::programs::{go_build, image, source_path, source_range, taken};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dynamic-go-binary-in-scratch",
        code: "E078",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds Go programs that are built with cgo and then copied to an image without that C library: scratch, distroless/static, Alpine.

## Why it matters

The `golang` image has a C compiler, so `go build` links programs that use the network against its C library. Where that is missing, the container stops at once with \"no such file or directory\", although the program is there.

## Example

```dockerfile
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN go build -o /server .
FROM scratch
COPY --from=build /server /server
ENTRYPOINT [\"/server\"]
```

## Use instead

```dockerfile
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /server .
FROM scratch
COPY --from=build /server /server
ENTRYPOINT [\"/server\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut reported = BTreeSet::new();
    for copy in taken(cx) {
        let facts = &cx.facts.stages[copy.stage];
        let from = cx.facts.stages[copy.from].base.libc();
        let lacks = match facts.base.libc() {
            // Nothing starts in a stage that is only there to hand files out.
            Some(Libc::None) if starts(cx, copy.stage) => "no C library",
            Some(Libc::Musl) if from == Some(Libc::Glibc) => "musl instead of glibc",
            _ => continue,
        };
        if ["gcompat", "libc6-compat", "glibc"].iter().any(|p| facts.has_package(p)) {
            continue;
        }
        for source in copy.sources {
            let Some(build) = go_build(cx, copy.from, &source_path(source)) else { continue };
            if !reported.insert((build.number, build.command)) {
                continue;
            }
            let command = &cx.facts.instructions[build.number].commands[build.command];
            let end = command.args.first().map_or(command.program.range.end, |arg| arg.range.end);
            let message = format!(
                "`{}` has {lacks}, and this build uses cgo: if the program needs the network or C, it does not start there (\"no such file or directory\"); set `CGO_ENABLED=0`.",
                image(cx, copy.stage)
            );
            let range = cx
                .file
                .absolute(build.number, command.program.range.start..end.max(command.program.range.start));
            let finding = Finding::new(range, message).see(
                source_range(cx, copy.number, source),
                "The program is copied to an image without the C library here",
            );
            let at = cx.file.absolute(build.number, command.program.range.start..command.program.range.start);
            let fix = Fix::replace("Set `CGO_ENABLED=0`", at, "CGO_ENABLED=0 ");
            let text = cx.file.instruction(build.number).1.source();
            // `time go build` would take the assignment for the program.
            let plain = command.wrappers.is_empty() && !command.exec && !text.contains("CGO_ENABLED=1");
            let clear = !cx.facts.instructions[build.number].unclear;
            out.push(if plain && clear { finding.fix(fix) } else { finding });
        }
    }
}

/// Whether a container of this stage starts something.
fn starts(cx: &FileCx<'_>, stage: usize) -> bool {
    earlier(cx, stage, usize::MAX)
        .any(|n| matches!(cx.file.instruction(n).1.kind(), Some(Keyword::Cmd | Keyword::Entrypoint)))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E078",
            "\
FROM golang:1.22 AS build
WORKDIR /app
COPY . .
RUN go mod download && go build -ldflags=\"-s\" -o server .
                       ^^^^^^^^ `scratch` has no C library
FROM scratch
COPY --from=build /app/server /server
ENTRYPOINT [\"/server\"]
",
        );
        let text = |base: &str, before: &str, build: &str, to: &str| {
            format!(
                "FROM {base} AS b\nWORKDIR /app\n{before}RUN {build}\nFROM {to}\nCOPY --from=b /app/x /x\nCMD [\"/x\"]\n"
            )
        };
        for (base, before, build, to, expected) in [
            ("golang:1.22", "", "go build -o x .", "alpine:3.22", 1),
            ("golang:1.22", "", "go build .", "gcr.io/distroless/static-debian12", 1),
            ("golang:1.22", "", "go build -o x .", "debian:12", 0),
            ("golang:1.22", "", "go build -o x .", "gcr.io/distroless/base-debian12", 0),
            ("golang:1.22", "", "CGO_ENABLED=0 go build -o x .", "scratch", 0),
            ("golang:1.22", "ENV CGO_ENABLED=0\n", "go build -o x .", "scratch", 0),
            ("golang:1.22", "", "go build -ldflags '-extldflags -static' -o x .", "scratch", 0),
            ("golang:1.22", "", "go build -o y .", "scratch", 0),
            ("golang:1.22-alpine", "", "go build -o x .", "scratch", 0),
            ("golang:1.22-alpine", "RUN apk add build-base\n", "go build -o x .", "scratch", 1),
            ("golang:1.22-alpine", "RUN apk add build-base\n", "go build -o x .", "alpine", 0),
            ("team/go:1", "", "go build -o x .", "scratch", 0),
            ("golang:1.22", "", "make", "scratch", 0),
        ] {
            assert_eq!(
                lines("E078", &text(base, before, build, to)).len(),
                expected,
                "{base} {before} {build} {to}"
            );
        }
        assert_eq!(
            fixed("E078", &text("golang:1.22", "", "go vet && go build -o x", "scratch")),
            text("golang:1.22", "", "go vet && CGO_ENABLED=0 go build -o x", "scratch")
        );
    }
}
