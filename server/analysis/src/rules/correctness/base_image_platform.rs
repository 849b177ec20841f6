//! E056 `base-image-platform-mismatch`.

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "base-image-platform-mismatch",
        code: "E056",
        severity: Severity::Error,
        buildkit: Some("InvalidBaseImagePlatform"),
        equivalents: &["InvalidBaseImagePlatform"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds base images that are made for another platform than the stage is built for. That is only known where the image
itself is: from a local engine or a lock file. Nothing is said about other images.

## Why it matters

Programs of another architecture run under emulation, slowly, or not at all (`exec format error`).

## Example

```dockerfile
FROM --platform=linux/arm64 example.com/amd64-only:1
```

## Use instead

```dockerfile
FROM --platform=linux/amd64 example.com/amd64-only:1 AS base-amd64
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateBaseImagePlatform`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let Some(actual) = evaluated.image_platform.as_ref().filter(|_| evaluated.reachable) else {
            continue;
        };
        let expected = &evaluated.platform;
        if expected.os == actual.os && expected.architecture == actual.architecture {
            continue;
        }
        let instruction = cx.file.instruction(stage.from).1;
        let Some(word) = instruction.args().first() else { continue };
        out.push(Finding::new(
            cx.file.absolute(stage.from, on_first_line(instruction, &word.range)),
            format!(
                "`{}` is made for {}, but this stage is built for {}; use an image that has that platform.",
                evaluated.base_name.value,
                actual.normalize().format_all(),
                expected.normalize().format_all()
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn platforms() {
        // The tests' images know that `amd64-only` is for linux/amd64, and nothing of others.
        assert_eq!(lines("E056", "FROM --platform=linux/arm64 amd64-only\n"), [1]);
        assert_eq!(lines("E056", "FROM --platform=windows/amd64 amd64-only\n"), [1]);
        assert_eq!(lines("E056", "FROM --platform=linux/amd64 amd64-only AS a\nFROM a\n"), [0; 0]);
        assert_eq!(
            lines("E056", "FROM --platform=linux/arm64 other\nFROM --platform=linux/arm64 scratch\n"),
            [0; 0]
        );
    }
}
