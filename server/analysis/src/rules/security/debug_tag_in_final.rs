//! X022 `debug-tag-in-final`.

use layerwise_syntax::image_ref::ImageRef;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "debug-tag-in-final",
        code: "X022",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a distroless image with a tag for debugging, which has a shell, below the image that is built.

## Why it matters

Distroless images are small targets because there is no shell in them. The tags `debug` and `debug-nonroot`
bring one in.

## Example

```dockerfile
FROM gcr.io/distroless/static-debian12:debug-nonroot
CMD [\"/app\"]
```

## Use instead

```dockerfile
FROM gcr.io/distroless/static-debian12:nonroot
CMD [\"/app\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((_, facts)) = stages::shipped(cx) else { return };
    if !facts.base.name.starts_with("gcr.io/distroless/")
        || !facts.base.tag.split('-').any(|word| word == "debug")
    {
        return;
    }
    let Some(stage) = facts.chain.last().and_then(|&stage| cx.file.stages().get(stage)) else { return };
    let (_, instruction) = cx.file.instruction(stage.from);
    let Some(word) = instruction.args().first() else { return };
    let finding = Finding::new(
        cx.file.absolute(stage.from, word.range.clone()),
        format!(
            "`{}:{}` has a shell, which the image without `debug` has not; take that for what is shipped.",
            facts.base.name, facts.base.tag
        ),
    );
    let without: Vec<&str> = facts.base.tag.split('-').filter(|part| *part != "debug").collect();
    let tag = if without.is_empty() { "latest".to_owned() } else { without.join("-") };
    let range = ImageRef::parse(&word.value).ok().filter(|r| r.digest.is_none()).and_then(|r| r.tag_range);
    out.push(match range {
        Some(range) => {
            let start = word.range.start;
            let place = cx.file.absolute(stage.from, start + range.start..start + range.end);
            finding.fix(Fix::replace(format!("Take the tag `{tag}`"), place, tag))
        }
        None => finding,
    });
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn tags() {
        assert_eq!(
            fixed("X022", "FROM gcr.io/distroless/cc:debug AS a\nFROM a\n"),
            "FROM gcr.io/distroless/cc:latest AS a\nFROM a\n"
        );
        assert_eq!(
            fixed("X022", "FROM gcr.io/distroless/cc:debug-nonroot\n"),
            "FROM gcr.io/distroless/cc:nonroot\n"
        );
        assert_eq!(
            lines("X022", "FROM gcr.io/distroless/cc:debug AS debug\nFROM gcr.io/distroless/cc\n"),
            [0; 0]
        );
    }
}
