//! P001 `hard-coded-arch`.

use layerwise_model::facts::Family;
use layerwise_syntax::Keyword;
use std::ops::Range;

use crate::diagnostic::Severity;
use crate::rules::downloads::urls;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "hard-coded-arch", code: "P001", severity: Severity::Info, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `GOARCH=amd64` in ENV and RUN, and downloads whose URL names `amd64` or `x86_64`, where nothing in the
instruction looks at the architecture and FROM names no platform.

## Why it matters

On a machine with another architecture, such as a Mac or an ARM server, the build fetches a program that does
not run there, and says nothing about it. BuildKit sets the ARG `TARGETARCH` to what is built for.

## Example

```dockerfile
FROM golang:1.23
ENV GOARCH=amd64
RUN go build -o /app .
```

## Use instead

```dockerfile
FROM golang:1.23
ARG TARGETARCH
RUN GOARCH=$TARGETARCH go build -o /app .
```
";

/// Texts that say that an instruction knows about architectures.
const KNOWS: [&str; 9] = [
    "TARGETARCH",
    "TARGETPLATFORM",
    "uname",
    "--print-architecture",
    "aarch64",
    "arm64",
    "apk --print-arch",
    "$(arch)",
    "BUILDARCH",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, outer) in cx.file.all() {
        let instruction = outer.trigger().unwrap_or(outer);
        if !matches!(instruction.kind(), Some(Keyword::Run | Keyword::Add | Keyword::Env)) {
            continue;
        }
        let source = instruction.source();
        if !(source.contains("amd64") || source.contains("x86_64"))
            || KNOWS.iter().any(|word| source.contains(word))
        {
            continue;
        }
        let Some(stage) = cx.file.stage_of(number) else { continue };
        let platform = cx.file.instruction(stage.from).1.flag("platform").is_some();
        let windows = stages::of(cx, number).is_some_and(|facts| facts.base.family == Family::Windows);
        let chained = stages::of(cx, number).is_some_and(|facts| {
            facts
                .chain
                .iter()
                .filter_map(|&s| cx.file.stages().get(s))
                .any(|s| cx.file.instruction(s.from).1.flag("platform").is_some())
        });
        if platform || windows || chained {
            continue;
        }
        let mut found = |range: Range<usize>, text: &str, instead: &str| {
            out.push(Finding::new(
                cx.file.absolute(number, range),
                format!("`{text}` is for one architecture, and the build for another one goes wrong here; {instead}."),
            ));
        };
        match instruction.kind() {
            Some(Keyword::Env) => {
                for pair in instruction.args().chunks(3) {
                    let [name, value, ..] = pair else { continue };
                    if name.value == "GOARCH" && value.value.trim_matches('"') == "amd64" {
                        found(
                            name.range.start..value.range.end.max(name.range.end),
                            "GOARCH=amd64",
                            "declare `ARG TARGETARCH`, and set GOARCH to it",
                        );
                    }
                }
            }
            Some(Keyword::Run) => {
                let Some(facts) = cx.facts.instructions.get(number) else { continue };
                for command in &facts.commands {
                    for word in command.assignments.iter().filter(|word| word.text == "GOARCH=amd64") {
                        found(
                            word.range.clone(),
                            "GOARCH=amd64",
                            "declare `ARG TARGETARCH`, and set GOARCH to it",
                        );
                    }
                    if let Some((word, arch)) = urls(command).find_map(|word| Some((word, arch(&word.text)?)))
                    {
                        found(
                            word.range.clone(),
                            arch,
                            "declare `ARG TARGETARCH`, and choose the file by it",
                        );
                    }
                }
            }
            _ => {
                for word in instruction.args().iter().filter(|word| word.value.contains("://")) {
                    if let Some(arch) = arch(&word.value) {
                        found(
                            word.range.clone(),
                            arch,
                            "declare `ARG TARGETARCH`, and choose the file by it",
                        );
                    }
                }
            }
        }
    }
}

fn arch(url: &str) -> Option<&'static str> {
    ["amd64", "x86_64"].into_iter().find(|arch| url.contains(arch))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn archs() {
        check(
            "P001",
            "\
FROM a
ENV GOOS=linux GOARCH=amd64
               ^^^^^^^^^^^^ one architecture
RUN CGO_ENABLED=0 GOARCH=amd64 go build
                  ^^^^^^^^^^^^ TARGETARCH
RUN curl -LO https://x/y-linux-amd64 && echo amd64
             ^^^^^^^^^^^^^^^^^^^^^^^ `amd64`
ADD https://x/y-x86_64.tgz /
    ^^^^^^^^^^^^^^^^^^^^^^ `x86_64`
RUN case $(uname -m) in x86_64) curl https://x/amd64;; esac
FROM --platform=linux/amd64 b
RUN curl https://x/amd64
",
        );
    }
}
