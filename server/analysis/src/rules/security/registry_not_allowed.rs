//! X016 `registry-not-allowed`.

use layerwise_model::eval::Base;
use layerwise_syntax::image_ref::ImageRef;
use layerwise_syntax::{Instruction, Keyword};
use std::ops::Range;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "registry-not-allowed",
        code: "X016",
        severity: Severity::Warning,
        equivalents: &["DL3026"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds images in FROM, `COPY --from` and the `from` of a mount whose registry is not in the option
`trusted-registries`, or that are not in `allowed-base-images`. Both take `*` at either end for any text; an
option that is empty allows everything. Docker Hub is `docker.io`.

## Why it matters

An image from a registry that nobody watches brings in whatever its owner puts there.

## Example

With these options:

```json
{ \"trusted-registries\": [\"*.example.com\"] }
```

```dockerfile
FROM docker.io/library/alpine:3.20
```

## Use instead

```dockerfile
FROM registry.example.com/library/alpine:3.20
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let options = cx.options;
    if options.trusted_registries.is_empty() && options.allowed_base_images.is_empty() {
        return;
    }
    for (number, _, outer) in cx.file.all() {
        let instruction: &Instruction = outer.trigger().unwrap_or(outer);
        for (image, range, is_base) in images(cx, number, instruction) {
            let Ok(reference) = ImageRef::parse(&image) else { continue };
            let range = cx.file.absolute(number, range);
            let trusted = &options.trusted_registries;
            if !trusted.is_empty() && !trusted.iter().any(|pattern| matches(pattern, &reference.domain)) {
                out.push(Finding::new(range, format!(
                    "`{}` comes from the registry `{}`, which is not in `trusted-registries`; take the image from one of {}.",
                    reference.familiar(), reference.domain, list(trusted)
                )));
                continue;
            }
            let allowed = &options.allowed_base_images;
            let names = [
                reference.familiar(),
                reference.name(),
                reference.normalized(),
                ImageRef { tag: None, digest: None, ..reference.clone() }.familiar(),
            ];
            let is_allowed = |pattern: &String| names.iter().any(|name| matches(pattern, name));
            if is_base && !allowed.is_empty() && !allowed.iter().any(is_allowed) {
                out.push(Finding::new(
                    range,
                    format!(
                        "`{}` is not in `allowed-base-images`; take one of {}.",
                        reference.familiar(),
                        list(allowed)
                    ),
                ));
            }
        }
    }
}

/// The images that an instruction names, each with its place and whether it is a base image.
fn images(cx: &FileCx<'_>, number: usize, instruction: &Instruction) -> Vec<(String, Range<usize>, bool)> {
    match instruction.kind() {
        Some(Keyword::From) => {
            let stage = cx.file.stage_of(number).and_then(|stage| cx.eval.stages.get(stage.index));
            let Some(Base::Image(reference)) = stage.map(|stage| &stage.base) else { return Vec::new() };
            let range = instruction.args().first().map(|word| word.range.clone());
            range.map(|range| (reference.clone(), range, true)).into_iter().collect()
        }
        Some(Keyword::Copy | Keyword::Add) => {
            let sources = instruction.flag_values_words("from");
            let sources = sources.filter(|(name, _)| is_image(cx, name));
            sources.map(|(name, word)| (name.to_owned(), word.range.clone(), false)).collect()
        }
        Some(Keyword::Run) => {
            let mounts = instruction.flag_values_words("mount");
            let from = mounts.filter_map(|(value, word)| {
                let name = value.split(',').find_map(|part| part.strip_prefix("from="))?;
                is_image(cx, name).then(|| (name.to_owned(), word.range.clone(), false))
            });
            from.collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a name is neither a stage's nor its number, and not computed.
fn is_image(cx: &FileCx<'_>, name: &str) -> bool {
    let lower = name.to_lowercase();
    !name.contains('$')
        && name.parse::<usize>().is_err()
        && lower != "scratch"
        && !cx.file.stages().iter().any(|stage| stage.name.as_deref() == Some(lower.as_str()))
}

/// Whether a name fits a pattern with `*` at either end.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (None, None) => name == pattern,
    }
}

fn list(patterns: &[String]) -> String {
    patterns.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines_with;

    #[test]
    fn registries() {
        let trusted = r#"{"trusted-registries": ["docker.io", "*.example.com"]}"#;
        for (text, found) in [
            ("FROM alpine AS a\nFROM A\nFROM 1.example.com/x\nFROM x.com/y\nFROM scratch\n", vec![4]),
            ("COPY --from=x.com/a:1 a b\n", vec![1]),
            ("FROM a AS b\nCOPY --from=b a b\nCOPY --from=0 a b\nCOPY --from=c/d a b\n", vec![]),
            ("ONBUILD RUN --mount=type=cache,from=x.com/y,target=/z x\n", vec![1]),
        ] {
            assert_eq!(lines_with("X016", trusted, text), found, "{text}");
        }
        let allowed = r#"{"allowed-base-images": ["alpine*", "python"]}"#;
        let text =
            "FROM alpine:3\nFROM python:3\nFROM docker.io/library/python\nFROM debian\nCOPY --from=x a b\n";
        assert_eq!(lines_with("X016", allowed, text), [4]);
        assert_eq!(lines_with("X016", "{}", text), [0; 0]);
    }
}
