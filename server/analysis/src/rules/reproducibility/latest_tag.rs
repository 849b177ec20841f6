//! R002 `latest-tag`.

use layerwise_model::eval::Base;
use layerwise_syntax::image_ref::ImageRef;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "latest-tag",
        code: "R002",
        severity: Severity::Warning,
        equivalents: &["DL3007"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds base images with the tag `latest` and no digest. A tag that a variable gives is left alone.

## Why it matters

A tag without a version, or none, names whatever is newest at the time of the build. The same file then builds
another image tomorrow, and a build that worked yesterday breaks without a change.

## Example

```dockerfile
FROM alpine:latest
```

## Use instead

```dockerfile
FROM alpine:3.20
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let Base::Image(_) = &evaluated.base else { continue };
        let Some(word) = cx.file.instruction(stage.from).1.args().first() else { continue };
        // What a variable gives can be pinned from outside.
        if word.value.contains('$') {
            continue;
        }
        let Ok(reference) = ImageRef::parse(&word.value) else { continue };
        if reference.tag.as_deref() == Some("latest") && reference.digest.is_none() {
            let name = ImageRef { tag: None, ..reference }.familiar();
            out.push(Finding::new(
                cx.file.absolute(stage.from, word.range.clone()),
                format!("`{name}:latest` changes with every release of `{name}`, so the same file builds another image then; name a version, such as `{name}:<version>`."),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn tags() {
        check(
            "R002",
            "\
FROM debian:latest AS build
     ^^^^^^^^^^^^^ changes with every release of `debian`
FROM build
FROM debian
FROM debian:stable
FROM debian:latest@sha256:7959ed6f7e35f8b1aaa06d1d8259d4ee25aa85a086d5c125480c333183f9deeb
",
        );
    }
}
