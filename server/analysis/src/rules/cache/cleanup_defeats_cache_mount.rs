//! C013 `cleanup-defeats-cache-mount`.

use layerwise_model::eval::Command;
use layerwise_model::gopath::path_clean;
use layerwise_syntax::mount::MountKind;

use crate::actions::cache_cleanup::{Cleanup, cleanups};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cleanup-defeats-cache-mount",
        code: "C013",
        severity: Severity::Warning,
        equivalents: &["tally/prefer-package-cache-mounts"],
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds commands that empty a cache mount of their own RUN, and flags that keep a package manager from using it.

## Why it matters

What lies in a cache mount is in no layer: emptying it makes the image no smaller, and the next build downloads everything
again, which the mount was to prevent. Without the cleaning the image is the same.

## Example

```dockerfile
FROM python:3.13-slim
RUN --mount=type=cache,target=/root/.cache/pip pip install --no-cache-dir flask
```

## Use instead

```dockerfile
FROM python:3.13-slim
RUN --mount=type=cache,target=/root/.cache/pip pip install flask
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild || cx.facts.unclear {
        return;
    }
    let Command::Run(run) = &cx.step.command else { return };
    let targets: Vec<String> = run
        .mounts
        .iter()
        .filter(|(mount, _)| mount.kind == MountKind::Cache)
        .map(|(mount, _)| path_clean(&mount.target))
        .collect();
    if targets.is_empty() {
        return;
    }
    for cleanup in cleanups(cx.instruction, cx.facts, &targets) {
        let Cleanup { target, program, range, whole, cut } = cleanup;
        let text = cx.instruction.source().get(range.clone()).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = if whole {
            format!(
                "`{text}` empties the cache mount at {target}, so that the next build downloads everything again; drop it, since what is in the mount is in no layer."
            )
        } else {
            format!(
                "`{text}` keeps `{program}` from using the cache mount at {target}; drop it, since what is in the mount is in no layer."
            )
        };
        let finding = Finding::new(range, message);
        out.push(match cut {
            Some(cut) => finding.fix(Fix::replace(format!("Drop `{text}`"), cut, "").safe()),
            None => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn caches_that_are_emptied() {
        check(
            "C013",
            "\
FROM debian
RUN --mount=type=cache,target=/var/cache/apt --mount=type=cache,target=/var/lib/apt \\
    apt-get update && apt-get install -y curl \\
    && rm -rf /var/lib/apt/lists/*
       ^^^^^^^^^^^^^^^^^^^^^^^^^^^ `rm -rf /var/lib/apt/lists/*` empties the cache mount at /var/lib/apt
",
        );
        for run in [
            "--mount=type=cache,target=/root/.npm npm ci && npm cache clean --force",
            "--mount=type=cache,target=/root/.cache/ pip install --no-cache-dir -r r.txt",
            "--mount=type=cache,target=/var/cache/dnf dnf install -y a && dnf clean all",
            "--mount=type=cache,target=/root/.cache pip install a && rm -rf ~/.cache/pip",
        ] {
            assert_eq!(lines("C013", &format!("FROM a\nRUN {run}\n")).len(), 1, "{run}");
        }
        for run in [
            "pip install --no-cache-dir a",
            "--mount=type=cache,target=/root/.npm pip install --no-cache-dir a",
            "--mount=type=cache,target=/var/cache/apt apt-get update && rm -rf /var/lib/apt/lists/*",
            "--mount=type=cache,target=/var/cache/apt rm -rf /var/cache/apt/x /tmp/y",
            "--mount=type=cache,target=/root/.npm rm -rf /root",
            "--mount=type=bind,target=/var/lib/apt rm -rf /var/lib/apt/lists",
        ] {
            assert_eq!(lines("C013", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }

    #[test]
    fn they_are_dropped() {
        let fix = |run: &str| {
            fixed("C013", &format!("FROM a\nRUN --mount=type=cache,target=/root/.cache/pip {run}\n"))
        };
        let after = |run: &str| format!("FROM a\nRUN --mount=type=cache,target=/root/.cache/pip {run}\n");
        assert_eq!(fix("pip install --no-cache-dir a"), after("pip install a"));
        assert_eq!(
            fix("pip install a \\\n  && pip cache purge \\\n && ls"),
            after("pip install a \\\n && ls")
        );
        assert_eq!(
            fix("pip install \\\n  --no-cache-dir \\\n  a"),
            after("pip install \\\n  --no-cache-dir \\\n  a")
        );
        assert_eq!(fix("pip install \\\n  --no-cache-dir a"), after("pip install \\\n  a"));
        assert_eq!(fix("pip install a; pip cache purge"), after("pip install a; pip cache purge"));
    }
}
