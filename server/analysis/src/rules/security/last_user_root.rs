//! X001 `last-user-root`.

use layerwise_model::eval::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "last-user-root",
        code: "X001",
        severity: Severity::Warning,
        equivalents: &["DL3002"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds the last USER of the image that is built, if it is root. Nothing is said if a program that changes the
user, such as `gosu` or `su-exec`, is used, and of stages for tests and development.

## Why it matters

Whatever runs in the container runs as root then. A hole in the program gives the intruder all rights in the
container, and root in the container is root on the host where user namespaces are not used.

## Example

```dockerfile
FROM debian:12
USER root
RUN apt-get update
CMD [\"sleep\", \"1\"]
```

## Use instead

```dockerfile
FROM debian:12
USER root
RUN apt-get update
USER 65534
CMD [\"sleep\", \"1\"]
```
";

/// Programs that a container started as root gives its rights away with.
const STEP_DOWN: [&str; 7] = ["gosu", "su-exec", "setpriv", "runuser", "chpst", "s6-setuidgid", "s6-overlay"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((_, stage)) = stages::shipped(cx) else { return };
    let last = stages::chain(cx, stage).rfind(|(_, i)| i.kind() == Some(Keyword::User));
    let Some((number, instruction)) = last else { return };
    let Command::User(user) = &cx.eval.step(number).command else { return };
    if !is_root(user) {
        return;
    }
    if stages::chain(cx, stage).any(|(_, i)| STEP_DOWN.iter().any(|name| i.source().contains(name))) {
        return;
    }
    out.push(Finding::new(
        cx.file.absolute(number, head(instruction)),
        format!("`{user}` is the last USER, so the container's program runs as root; end with a USER that has no rights, such as `USER 65534`."),
    ));
}

/// Whether a user, with or without a group, is root.
pub(super) fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("root" | "0"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn last() {
        check(
            "X001",
            "\
FROM debian AS base
USER root
^^^^^^^^^ `root` is the last USER
RUN x
FROM other
USER 0
FROM base
RUN y
",
        );
        for (text, found) in [
            ("FROM a\nUSER 0:0\n", vec![2]),
            ("FROM a\nUSER root:x\nUSER app\n", vec![]),
            ("FROM a\nUSER root\nENTRYPOINT [\"gosu\", \"x\"]\n", vec![]),
            ("FROM a AS dev\nUSER root\n", vec![]),
            ("FROM a\nARG U=root\nUSER $U\n", vec![3]),
            ("FROM a AS b\nUSER root\nFROM c\nCOPY --from=b x y\n", vec![]),
        ] {
            assert_eq!(lines("X001", text), found, "{text}");
        }
    }
}
