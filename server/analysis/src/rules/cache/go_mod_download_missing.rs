//! C029 `go-mod-download-missing`.

use super::support::{FirstUse, first_uses, invented, report_use, whole_context};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "go-mod-download-missing",
        code: "C029",
        severity: Severity::Info,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `go build`, `go install` and `go test` below a COPY of all sources where no step has fetched the modules before.

## Why it matters

An edit of any source file runs the step again, and it downloads every module again before it compiles. With go.mod and
go.sum copied first and `go mod download` below them, the modules stay in a layer of their own. Stages whose build has a
cache mount are left alone.

## Example

```dockerfile
FROM golang:1.24
WORKDIR /src
COPY . .
RUN go build -o /app .
```

## Use instead

```dockerfile
FROM golang:1.24
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -o /app .
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for used in first_uses(cx, true) {
        let command = used.command;
        let found = command.name == "go"
            && matches!(command.subcommand(), Some("build" | "install" | "test" | "vet"))
            && !command
                .args
                .iter()
                .any(|a| a.text.contains("vendor") || a.text.contains('@') || a.text.ends_with(".go"))
            && by_modules(cx, &used);
        if found && used.is_first(cx, &["go"]) {
            let finding = report_use(
                cx,
                &used,
                "the modules are downloaded again each time; copy `go.mod` and `go.sum` first and run `go mod download` before the rest is copied",
            );
            out.push(match invented(cx, &used, "go") {
                Some(fix) => finding.fix(fix),
                None => finding,
            });
        }
    }
}

/// Whether Go builds by modules there, and downloads them: not from a GOPATH, and not from a `vendor` folder.
fn by_modules(cx: &FileCx<'_>, used: &FirstUse<'_>) -> bool {
    let state = &cx.eval.step(used.run).state;
    let off = state.env.get("GO111MODULE").is_some_and(|v| v == "off" || v == "auto")
        || state.env.get("GOFLAGS").is_some_and(|v| v.contains("vendor"))
        || state.dir.contains("/src/")
        || state.dir.starts_with("/go");
    let dest = whole_context(cx, used.copy).map_or("", |copy| copy.dest_path.as_str());
    // A GOPATH: `/go/src/x`, or `$GOPATH/src/example.com/x` where the variable is not known.
    let below_src = dest.split_once("/src/").and_then(|(_, rest)| rest.split('/').next());
    let off = off
        || layerwise_model::gopath::path_clean(dest).starts_with("/go/")
        || below_src.is_some_and(|d| d.contains(['.', '$']));
    let there = |path: &str| cx.context.is_none_or(|c| c.incomplete.is_some() || c.get(path).is_some());
    !off && there("go.mod") && there("go.sum") && !cx.context.is_some_and(|c| c.is_dir("vendor"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn builds_without_a_download() {
        check(
            "C029",
            "\
FROM golang:1.24
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /app .
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ runs again whenever any file changes, and the modules are downloaded again
",
        );
        let text = "FROM example.com/go\nWORKDIR /x\nCOPY . .\nRUN go test ./... && go build ./...\n";
        assert_eq!(lines("C029", text).len(), 1);
        for text in [
            "FROM golang:1.24\nWORKDIR /x\nCOPY go.mod .\nRUN go mod download\nCOPY . .\nRUN go build .\n",
            "FROM golang:1.24\nWORKDIR /x\nCOPY . .\nRUN --mount=type=cache,target=/go/pkg/mod go build .\n",
            "FROM golang:1.24\nWORKDIR /x\nCOPY . .\nRUN go build -mod=vendor .\n",
            "FROM golang:1.8\nWORKDIR /go/src/x\nCOPY . .\nRUN go build .\n",
            "FROM golang:1.24\nWORKDIR /x\nCOPY . .\nRUN make\nRUN go build .\n",
            "FROM golang\nCOPY . /go/src/x\nRUN cd /go/src/x && go build .\n",
            "FROM golang:1.24\nWORKDIR /x\nCOPY main.go .\nRUN go build main.go\n",
            "FROM golang:1.24\nWORKDIR /x\nCOPY . .\nRUN go mod download\nRUN go build .\n",
        ] {
            assert_eq!(lines("C029", text), [0; 0], "{text}");
        }
        assert_eq!(
            fixed("C029", "FROM golang:1.24\nWORKDIR /x\nCOPY . .\nRUN go build .\n"),
            "FROM golang:1.24\nWORKDIR /x\nCOPY go.mod go.sum* ./\nRUN go mod download\nCOPY . .\nRUN go build .\n"
        );
    }
}
