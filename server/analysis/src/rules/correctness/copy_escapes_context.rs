//! E032 `copy-escapes-context`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::selection::source_path;
use layerwise_syntax::Keyword;

use super::sources::{from_context, is_known, words};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-escapes-context",
        code: "E032",
        severity: Severity::Error,
        supersedes: &["copy-source-missing"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds sources of COPY, ADD and bind mounts that go above the build context with `..`.

## Why it matters

Nothing above the context is sent to the builder. BuildKit drops the `..` and looks inside the context, so that another
file is copied or the build fails.

## Example

```dockerfile
FROM alpine:3.20
COPY ../shared/config.yaml /etc/app/
```

## Use instead

Build from the folder above, `docker build -f app/Dockerfile .`, or give the other folder a name with
`--build-context shared=../shared`:

```dockerfile
FROM alpine:3.20
COPY shared/config.yaml /etc/app/
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add, Keyword::Run]) {
        let step = cx.eval.step(number);
        for source in from_context(instruction, step) {
            if !source.known || !escapes(source.path) {
                continue;
            }
            let inside = source_path(source.path);
            let inside = if inside.is_empty() { "." } else { &inside };
            let message = format!(
                "`{}` cannot leave the build context: BuildKit drops the `..` and takes `{inside}` inside it; build from the folder above, or name the other one with `--build-context`.",
                source.path
            );
            out.push(Finding::new(cx.file.absolute(number, source.word.range.clone()), message));
        }
        let Command::Copy(copy) = &step.command else { continue };
        if let Source::Stage(_) | Source::Image(_) = copy.from {
            for (path, word) in words(instruction, copy) {
                if escapes(path) && is_known(instruction, &word.value, &step.state) {
                    let message = format!(
                        "`{path}` is not relative to any WORKDIR: sources of `--from` start at the root of that image, so this is `/{}`; write that.",
                        source_path(path)
                    );
                    out.push(Finding::new(cx.file.absolute(number, word.range.clone()), message));
                }
            }
        }
    }
}

/// Whether a path goes above where it starts.
fn escapes(path: &str) -> bool {
    if !path.contains("..") {
        return false;
    }
    let mut depth = 0usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn sources() {
        check(
            "E032",
            "\
FROM a AS b
COPY ../x /
     ^^^^ takes `x` inside it
ADD a/../../y z /d/
    ^^^^^^^^^ takes `y` inside it
COPY a/../b /
COPY ..x x.. /d/
RUN --mount=type=bind,source=..,target=/x y
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ takes `.` inside it
FROM a
COPY --from=b ../x /
              ^^^^ this is `/x`
",
        );
        assert_eq!(lines("E032", "FROM a\nADD https://a/../../b /\n"), [0; 0]);
    }
}
