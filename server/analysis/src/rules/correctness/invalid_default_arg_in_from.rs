//! E013 `invalid-default-arg-in-from`.

use layerwise_syntax::image_ref::ImageRef;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "invalid-default-arg-in-from",
        code: "E013",
        severity: Severity::Warning,
        buildkit: Some("InvalidDefaultArgInFrom"),
        equivalents: &["InvalidDefaultArgInFrom"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds FROM instructions that have no valid image name unless a build argument is given.

## Why it matters

A plain `docker build .`, an IDE or a scanner then fails with a message about the image name. A default value lets the
file be built as it is.

## Example

```dockerfile
ARG VERSION
FROM alpine:${VERSION}
```

## Use instead

```dockerfile
ARG VERSION=3.20
FROM alpine:${VERSION}
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateBaseImagesWithDefaultArgs`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let instruction = cx.file.instruction(stage.from).1;
        let (Some(name), Some(word)) = (&evaluated.default_base_name, instruction.args().first()) else {
            continue;
        };
        if !instruction.is_valid() || ImageRef::parse(name).is_ok() {
            continue;
        }
        let range = cx.file.absolute(stage.from, on_first_line(instruction, &word.range));
        let lower = name.to_lowercase();
        let above = &cx.file.stages()[..stage.index];
        if *name == word.value && above.iter().any(|s| s.name.as_deref() == Some(&lower)) {
            let message = format!(
                "A stage is found by its name in lower case only, and `{name}` is no image; write `{lower}`."
            );
            let fix = Fix::replace(format!("Write `{lower}`"), range.clone(), lower);
            out.push(Finding::new(range, message).fix(fix));
            continue;
        }
        let message = match (name.as_str(), *name == word.value) {
            (name, true) => {
                format!("`{name}` is no valid image name; names are lower case, with a tag behind `:`.")
            }
            ("", _) => format!(
                "Without a build argument `{}` is empty, and the build fails here; give the ARG a default value.",
                word.value
            ),
            (name, _) => format!(
                "Without a build argument `{}` is `{name}`, which is no image name, and the build fails here; give the ARG a default value that works.",
                word.value
            ),
        };
        out.push(Finding::new(range, message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn defaults() {
        check(
            "E013",
            "\
ARG version
ARG image
ARG sfx=box:
ARG ok=3
FROM busybox:$version
     ^^^^^^^^^^^^^^^^ is `busybox:`
FROM $image
     ^^^^^^ is empty
FROM busy${sfx}
     ^^^^^^^^^^ is `busybox:`
FROM a:$ok AS stage
FROM a:stable${version}
FROM scratch
FROM stage
FROM ${image:-alpine}
",
        );
        assert_eq!(fixed("E013", "FROM a AS Base\nFROM Base\n"), "FROM a AS Base\nFROM base\n");
        // A default that cannot be expanded ends the check.
        assert_eq!(lines("E013", "ARG x=${y?}\nFROM $z\n"), [0; 0]);
    }
}
