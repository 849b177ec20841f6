//! E091 `vendored-deps-ignored`.

use layerwise_model::eval::Command;
use layerwise_syntax::Keyword;

use super::image_files::{Found, at_path, brings, earlier, of_kind};
use super::programs::dir_of;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "vendored-deps-ignored",
        code: "E091",
        severity: Severity::Error,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds builds with `-mod=vendor` where the ignore file keeps `vendor` out of the build context.

## Why it matters

The build reads the modules from `vendor` and nowhere else. Without the folder it fails.

## Example

With this ignore file:

```dockerignore
vendor
```

```text go.mod
module example.com/app
```

```dockerfile
FROM golang:1.26
WORKDIR /src
COPY . .
RUN go build -mod=vendor ./...
```

## Use instead

```dockerfile
FROM golang:1.26
WORKDIR /src
COPY . .
RUN go build ./...
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    for (number, stage) in of_kind(cx, &[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        for command in facts.named("go") {
            let flag =
                command.args.iter().find(|arg| arg.text == "-mod=vendor" || arg.text == "--mod=vendor");
            let (Some(flag), Some(dir)) = (flag, dir_of(cx, number, command)) else { continue };
            let path = |file: &str| format!("{}/{file}", dir.trim_end_matches('/'));
            let Found::Context { path: manifest, .. } = at_path(cx, stage, number, &path("go.mod")) else {
                continue;
            };
            let vendor = match manifest.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/vendor"),
                None => "vendor".to_owned(),
            };
            let made = facts
                .commands
                .iter()
                .any(|c| c.name == "go" && c.has("vendor") && c.range.start < command.range.start)
                || earlier(cx, stage, number).any(|n| match &cx.eval.step(n).command {
                    Command::Run(_) => cx.file.instruction(n).1.source().contains("vendor"),
                    Command::Copy(copy) => brings(cx, copy, &path("vendor")).is_some(),
                    _ => false,
                });
            let Some((line, false)) = context.ignore.deciding_line(&vendor).filter(|_| !made) else {
                continue;
            };
            let message = format!(
                "`-mod=vendor` needs `{vendor}`, which line {line} of {} keeps out of the build context; take that line out or add `!{vendor}` at the end.",
                context.ignore_file.as_deref().unwrap_or(".dockerignore")
            );
            out.push(Finding::new(cx.file.absolute(number, flag.range.clone()), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count = |ignore: &str, run: &str| {
            let text = format!("FROM golang\nWORKDIR /src\nCOPY . .\nRUN {run}\n");
            with_texts("E091", &[("go.mod", "module x\n")], ignore, &text).len()
        };
        assert_eq!(count("vendor\n", "go build -mod=vendor ."), 1);
        assert_eq!(count("vendor\n!vendor\n", "go build -mod=vendor ."), 0);
        assert_eq!(count("vendor\n", "go mod vendor && go build -mod=vendor ."), 0);
        assert_eq!(count("vendor\n", "go build ."), 0);
        assert_eq!(count("", "go build -mod=vendor ."), 0);
    }
}
