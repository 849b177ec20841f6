//! C042 `cross-build-emulated`.

use layerwise_model::eval::Base;
use layerwise_syntax::Keyword;

use super::support::mentions;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cross-build-emulated",
        code: "C042",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a stage that compiles Go for `$TARGETARCH` and does not run on the platform of the builder.

## Why it matters

Without `--platform=$BUILDPLATFORM`, the stage of a build for another platform runs under emulation, compiler and all, which
takes many times as long, although Go makes binaries for any platform anywhere. It also downloads the modules once per
platform, where a stage on the builder's platform shares those steps.

## Example

```dockerfile
FROM golang:1.24 AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /app .

FROM scratch
COPY --from=build /app /app
```

## Use instead

```dockerfile
FROM --platform=$BUILDPLATFORM golang:1.24 AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /app .

FROM scratch
COPY --from=build /app /app
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let last = cx.file.stages().len().saturating_sub(1);
    for stage in cx.file.stages() {
        let (_, from) = cx.file.instruction(stage.from);
        let evaluated = &cx.eval.stages[stage.index];
        if stage.index == last
            || !matches!(evaluated.base, Base::Image(_))
            || from.flag_word("platform").is_some()
        {
            continue;
        }
        let compiles = stage.body.clone().find(|n| {
            let facts = &cx.facts.instructions[*n];
            let target = |text: &str| {
                text.starts_with("GOARCH=")
                    && (mentions(text, "TARGETARCH") || mentions(text, "TARGETPLATFORM"))
            };
            let env = cx.file.instruction(*n).1;
            let no_c = |text: &str| text.trim_matches(['"', '\'']) == "0";
            let state = &cx.eval.step(*n).state;
            env.kind() == Some(Keyword::Run)
                && facts.commands.iter().any(|c| {
                    let cgo = c.assignments.iter().find_map(|a| a.text.strip_prefix("CGO_ENABLED="));
                    c.name == "go"
                        && matches!(c.subcommand(), Some("build" | "install"))
                        && cgo.or_else(|| state.env.get("CGO_ENABLED")).is_some_and(no_c)
                        && c.assignments.iter().any(|a| target(&a.text))
                })
        });
        let Some(run) = compiles else { continue };
        let message = format!(
            "This stage compiles for `$TARGETARCH` on line {}, and runs under emulation itself when that is not the builder's platform; start it with `FROM --platform=$BUILDPLATFORM`.",
            cx.file.line(run)
        );
        let at = cx.file.absolute(stage.from, from.keyword().range.clone()).end;
        let fix =
            Fix::replace("Run the stage on the builder's platform", at..at, " --platform=$BUILDPLATFORM");
        out.push(Finding::new(cx.file.absolute(stage.from, head(from)), message).fix(fix));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    const BUILD: &str = "ARG TARGETARCH\nRUN CGO_ENABLED=0 GOARCH=${TARGETARCH} go build -o /x .\nFROM scratch\nCOPY --from=0 /x /x\n";

    #[test]
    fn compilers_under_emulation() {
        check(
            "C042",
            "\
FROM golang AS b
^^^^^^^^^^^^^^^^ compiles for `$TARGETARCH` on line 4
ARG TARGETARCH
ENV CGO_ENABLED=0
RUN GOARCH=$TARGETARCH go build .
FROM scratch
",
        );
        assert_eq!(
            fixed("C042", &format!("FROM golang AS b\n{BUILD}")),
            format!("FROM --platform=$BUILDPLATFORM golang AS b\n{BUILD}")
        );
        for text in [
            &format!("FROM --platform=$BUILDPLATFORM golang\n{BUILD}"),
            "FROM golang AS b\nRUN CGO_ENABLED=0 GOARCH=amd64 go build .\nFROM scratch\n",
            "FROM golang AS b\nARG TARGETARCH\nRUN GOARCH=$TARGETARCH go build .\nFROM scratch\n",
            "FROM golang\nARG TARGETARCH\nRUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build .\n",
        ] {
            assert_eq!(lines("C042", text), [0; 0], "{text}");
        }
    }
}
