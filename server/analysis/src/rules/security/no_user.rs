//! X002 `no-user`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "no-user",
        code: "X002",
        severity: Severity::Info,
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds an image without any USER whose base image runs as root.

## Why it matters

Without a USER the container runs as root. Kubernetes refuses such an image where `runAsNonRoot` is set.

## Example

```dockerfile
FROM debian:12
CMD [\"sleep\", \"1\"]
```

## Use instead

```dockerfile
FROM debian:12
USER 65534
CMD [\"sleep\", \"1\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((index, facts)) = stages::shipped(cx) else { return };
    let (Some(evaluated), Some(stage)) = (cx.eval.stages.get(index), cx.file.stages().get(index)) else {
        return;
    };
    // Of an unknown base image nobody knows which user it has.
    if !evaluated.config_known
        || !evaluated.end.user.is_empty()
        || facts.base.name.is_empty()
        || stages::chain(cx, facts).any(|(_, i)| i.kind() == Some(Keyword::User))
    {
        return;
    }
    out.push(Finding::new(
        cx.file.absolute(stage.from, head(cx.file.instruction(stage.from).1)),
        format!("The image has no USER, and `{}` runs as root; end with a USER that has no rights, such as `USER 65534`.", facts.base.name),
    ));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn users() {
        for (text, found) in [
            ("FROM debian:12\nCMD x\n", vec![1]),
            ("FROM debian:12 AS a\nUSER x\nFROM a\n", vec![]),
            ("FROM debian:12 AS a\nFROM a\n", vec![2]),
            ("FROM unknown\n", vec![]),
            ("FROM scratch\n", vec![]),
        ] {
            assert_eq!(lines("X002", text), found, "{text}");
        }
    }
}
