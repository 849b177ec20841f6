//! S029 `go-unstripped`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::{Command as Shell, Purpose};
use layerwise_syntax::Keyword;

use super::layers::target;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "go-unstripped",
        code: "S029",
        severity: Severity::Hint,
        // Debuggers and some profilers want what it leaves out: a choice, not a mistake.
        default: false,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `go build` without `-ldflags=\"-s -w\"` in a stage from which a small image (scratch, distroless, Alpine, slim) copies.

## Why it matters

The symbol table and the debug information are about a quarter to a third of a Go program, and without a debugger in the
image nothing reads them. Stack traces of a panic do not need them.

## Example

```dockerfile
FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
FROM scratch
COPY --from=build /app /app
CMD [\"/app\"]
```

## Use instead

```dockerfile
FROM golang:1.22 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -ldflags=\"-s -w\" -o /app .
FROM scratch
COPY --from=build /app /app
CMD [\"/app\"]
```
";

/// Whether a command builds a program and says nothing of symbols.
fn is_plain_build(command: &Shell) -> bool {
    let verb = command.args.first().map(|arg| arg.text.as_str());
    command.name == "go"
        && verb == Some("build")
        && !command.args.iter().any(|arg| arg.text.starts_with("-ldflags") || arg.text.starts_with("--ldflags"))
        // A variable may hold the flag, and a race detector wants the symbols.
        && !command.args.iter().any(|arg| !arg.literal && arg.text.starts_with('$'))
        && !command.has("-race")
        && !command.args.iter().any(|arg| arg.text.starts_with("-gcflags"))
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(last) = target(cx) else { return };
    if cx.facts.stages.get(last).is_none_or(|s| s.purpose != Purpose::Final || !s.base.small) {
        return;
    }
    let Some(stage) = cx.file.stages().get(last) else { return };
    let mut from: Vec<usize> = Vec::new();
    for (number, _, _) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy]) {
        if let Command::Copy(copy) = &cx.eval.step(number).command
            && let Source::Stage(source) = copy.from
        {
            from.push(source);
        }
    }
    if from.is_empty() {
        return;
    }
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        let state = &cx.eval.step(number).state;
        let taken = cx.file.stage_of(number).is_some_and(|stage| from.contains(&stage.index));
        let strips = |c: &Shell| matches!(c.name.as_str(), "strip" | "upx");
        if !taken || facts.unclear || state.env.get("GOFLAGS").is_some() || facts.commands.iter().any(strips)
        {
            continue;
        }
        for command in facts.commands.iter().filter(|c| is_plain_build(c)) {
            if command.assignments.iter().any(|word| word.text.starts_with("GOFLAGS=")) {
                continue;
            }
            let Some(verb) = command.args.first() else { continue };
            let range = cx.file.absolute(number, command.program.range.start..verb.range.end);
            let message = "This program carries its symbol table and debug information, about a quarter of it, into a small image; build with `-ldflags=\"-s -w\"`.";
            let mut finding = Finding::new(range, message);
            if !command.exec && instruction.source().get(verb.range.clone()) == Some(verb.text.as_str()) {
                let at = cx.file.absolute(number, verb.range.end..verb.range.end);
                let flag = " -ldflags=\"-s -w\"";
                finding = finding.fix(Fix::replace("Add `-ldflags=\"-s -w\"`", at, flag));
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn symbols() {
        check(
            "S029",
            "\
FROM golang AS b
RUN go vet ./... && CGO_ENABLED=0 go build -o /a .
                                  ^^^^^^^^ carries its symbol table
FROM alpine
COPY --from=b /a /a
",
        );
        let build = |run: &str, base: &str| {
            lines("S029", &format!("FROM golang AS b\n{run}\nFROM {base}\nCOPY --from=b /a /a\n"))
        };
        assert_eq!(build("RUN go build", "scratch"), [2]);
        for (run, base) in [
            ("RUN go build -ldflags '-s -w'", "scratch"),
            ("RUN go build $FLAGS", "scratch"),
            ("RUN go build -race", "scratch"),
            ("ENV GOFLAGS=-ldflags=-w\nRUN go build", "scratch"),
            ("RUN go build && strip a", "scratch"),
            ("RUN go build", "golang"),
        ] {
            assert_eq!(build(run, base), [0; 0], "{run} {base}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S029", "FROM golang AS b\nRUN go build -o /a\nFROM scratch\nCOPY --from=b /a /a\n"),
            "FROM golang AS b\nRUN go build -ldflags=\"-s -w\" -o /a\nFROM scratch\nCOPY --from=b /a /a\n"
        );
    }
}
