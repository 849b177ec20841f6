//! E099 `cache-mount-needs-locking`.

use layerwise_model::gopath::path_clean;
use layerwise_syntax::Keyword;
use layerwise_syntax::mount::{self, MountKind};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cache-mount-needs-locking",
        code: "E099",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds cache mounts for apt that several builds may use at once: without `sharing=locked`.

## Why it matters

apt locks its directories and gives up when another process holds the lock. Two stages or two builds that run at the same time
share the mount, and one of them fails: \"Could not get lock\".

## Example

```dockerfile
FROM debian:12
RUN --mount=type=cache,target=/var/cache/apt apt-get update && apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:12
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked apt-get update && apt-get install -y curl
```
";

/// Source: docs.docker.com/reference/dockerfile, `RUN --mount=type=cache`, the example for apt.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) || cx.instruction.flags().is_empty() {
        return;
    }
    if !cx.facts.commands.iter().any(|c| matches!(c.name.as_str(), "apt-get" | "apt" | "aptitude")) {
        return;
    }
    for (value, word) in cx.instruction.flag_values_words("mount") {
        let Ok(mount) = mount::parse(value, &mut |text| Ok(text.to_owned())) else { continue };
        let target = path_clean(&mount.target);
        let of_apt = ["/var/cache/apt", "/var/lib/apt"]
            .iter()
            .any(|dir| target.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        if mount.kind != MountKind::Cache || !of_apt || matches!(mount.sharing.as_str(), "locked" | "private")
        {
            continue;
        }
        let message = format!(
            "apt needs {target} for itself, and this cache mount lets other builds in at the same time, so that one of them fails to get the lock; add `sharing=locked`."
        );
        let finding = Finding::new(word.range.clone(), message);
        let end = word.range.end;
        let verbatim =
            cx.instruction.source().get(word.range.clone()).is_some_and(|text| text.ends_with(value));
        out.push(if mount.sharing.is_empty() && verbatim && !value.ends_with(['\"', '\'']) {
            finding.fix(Fix::replace("Add `sharing=locked`", end..end, ",sharing=locked").safe())
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn finds() {
        check(
            "E099",
            "\
FROM a
RUN --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get update
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ apt needs /var/cache/apt for itself
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=shared apt-get update
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ sharing=locked
RUN --mount=type=cache,target=/var/cache/apt,sharing=private apt-get update
RUN --mount=type=cache,target=/root/.cache/pip apt-get update
RUN --mount=type=cache,target=/var/cache/apt ls
RUN --mount=type=tmpfs,target=/var/cache/apt apt-get update
",
        );
        assert_eq!(
            fixed("E099", "FROM a\nRUN --mount=type=cache,target=/var/cache/apt \\\n  apt-get update\n"),
            "FROM a\nRUN --mount=type=cache,target=/var/cache/apt,sharing=locked \\\n  apt-get update\n"
        );
    }
}
