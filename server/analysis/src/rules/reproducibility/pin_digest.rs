//! R003 `pin-digest`.

use layerwise_model::eval::Base;
use layerwise_syntax::image_ref::ImageRef;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pin-digest",
        code: "R003",
        severity: Severity::Warning,
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds base images without a digest.

## Why it matters

A tag is a name that its owner can move to another image at any time, and does with every security update. A
digest names one image for ever.

## Example

```dockerfile
FROM alpine:3.20
```

## Use instead

```dockerfile
FROM alpine:3.20@sha256:7959ed6f7e35f8b1aaa06d1d8259d4ee25aa85a086d5c125480c333183f9deeb
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
        if reference.digest.is_none() {
            let name = &word.value;
            out.push(Finding::new(
                cx.file.absolute(stage.from, word.range.clone()),
                format!("`{name}` has no digest, and its tag can be moved to another image; write `{name}@sha256:...` with the digest of the image that was tested (`docker buildx imagetools inspect {name}` shows it)."),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn digests() {
        check(
            "R003",
            "\
FROM debian:12 AS build
     ^^^^^^^^^ no digest
FROM build
FROM debian@sha256:7959ed6f7e35f8b1aaa06d1d8259d4ee25aa85a086d5c125480c333183f9deeb
FROM scratch
",
        );
    }
}
