//! T015 `healthcheck-missing`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "healthcheck-missing",
        code: "T015",
        severity: Severity::Info,
        equivalents: &["DL3057"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds an image without a HEALTHCHECK. `HEALTHCHECK NONE` is one.

## Why it matters

Without it Docker and Compose take a container for healthy as long as its process is there, also when it answers
nothing. Kubernetes has probes of its own and ignores it.

## Example

```dockerfile
FROM nginx:1.27
```

## Use instead

```dockerfile
FROM nginx:1.27
HEALTHCHECK CMD [\"curl\", \"-f\", \"http://localhost/\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((index, facts)) = stages::shipped(cx) else { return };
    let is_check = |i: &layerwise_syntax::Instruction| i.kind() == Some(Keyword::Healthcheck);
    if stages::chain(cx, facts).any(|(_, i)| is_check(i.trigger().unwrap_or(i))) {
        return;
    }
    let Some(stage) = cx.file.stages().get(index) else { return };
    out.push(Finding::new(
        cx.file.absolute(stage.from, head(cx.file.instruction(stage.from).1)),
        "The image has no HEALTHCHECK, so a container that hangs still counts as healthy; add one, or `HEALTHCHECK NONE`.",
    ));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn checks() {
        for (text, found) in [
            ("FROM a\nHEALTHCHECK NONE\n", vec![]),
            ("FROM a AS b\nHEALTHCHECK CMD x\nFROM b\n", vec![]),
            ("FROM a AS b\nHEALTHCHECK CMD x\nFROM a\n", vec![3]),
            ("FROM a AS test\n", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(lines("T015", text), found, "{text}");
        }
    }
}
