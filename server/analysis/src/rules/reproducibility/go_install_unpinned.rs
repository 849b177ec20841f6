//! R010 `go-install-unpinned`.

use layerwise_syntax::Keyword;

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "go-install-unpinned",
        code: "R010",
        severity: Severity::Warning,
        equivalents: &["DL3062"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that `go install`, `go get` or `go run` fetch without a version, or with `@latest` or the name of
a branch. Paths on disk are left alone.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM golang:1.23
RUN go install golang.org/x/tools/cmd/stringer@latest
```

## Use instead

```dockerfile
FROM golang:1.23
RUN go install golang.org/x/tools/cmd/stringer@v0.26.0
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("go") {
        let mut words = command.operands_without(&[
            "-ldflags",
            "-tags",
            "-gcflags",
            "-asmflags",
            "-C",
            "-mod",
            "-modfile",
            "-o",
            "-p",
            "-pkgdir",
            "-exec",
        ]);
        let Some(verb) = words.next() else { continue };
        // Of `go run` the first word is the program, the others are its arguments.
        let count = match verb.text.as_str() {
            "install" | "get" => usize::MAX,
            "run" => 1,
            _ => continue,
        };
        let unpinned: Vec<Unpinned> = words
            .take(count)
            .filter(|word| {
                (word.literal || !word.text.starts_with(['$', '`', '"'])) && is_unpinned(&word.text)
            })
            .map(|word| Unpinned {
                name: word.text.split('@').next().unwrap_or_default().to_owned(),
                range: word.range.clone(),
            })
            .collect();
        let Some(first) = unpinned.first() else { continue };
        let example = format!("{}@<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

fn is_unpinned(text: &str) -> bool {
    if text.starts_with(['.', '/']) || text.ends_with(".go") || matches!(text, "std" | "cmd" | "all" | "tool")
    {
        return false;
    }
    match text.split_once('@') {
        Some((_, version)) => {
            matches!(version, "latest" | "upgrade" | "patch" | "master" | "main" | "HEAD" | "head")
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in [
            "go install example.com/pkg",
            "go install -v example.com/pkg@latest",
            "go get -tool foobar",
            "go run example.com/pkg",
            "cd x && go install a.b/c@v1 a.b/d@master",
        ] {
            assert_eq!(lines("R010", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R010", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "go install example.com/pkg@v1.2.3",
            "go install /go/app/x",
            "go install ./...",
            "go install .",
            "go get",
            "go run main.go",
            "go run example.com/pkg@v1 foobar -f x",
            "go run ./cmd",
            "go install a.b/c@$V",
            "go build",
            "go mod download",
        ] {
            assert_eq!(lines("R010", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }
}
