//! S002 `apt-lists-left`.

use layerwise_model::facts::{Command, Manager};

use super::layers::{Cache, Fixes, Run, about, cache_bytes, call, mounted, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-lists-left",
        code: "S002",
        severity: Severity::Info,
        equivalents: &["DL3009"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `apt-get update` in a RUN that leaves the package lists in its layer, in the stages that the image is made of. A
cache or tmpfs mount over `/var/lib/apt` keeps them out of it, too. Where docker-clean is deleted, the packages themselves
stay in `/var/cache/apt` unless that is mounted.

## Why it matters

The lists are some 20 to 45 MB that nothing in the image reads, and the next `apt-get update` fetches them anew.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
```
";

const LISTS: Cache =
    Cache { dirs: &["/var/lib/apt/lists"], cleans: |c| is_apt(c) && c.has("distclean"), fills: updates };

fn is_apt(command: &Command) -> bool {
    matches!(command.name.as_str(), "apt-get" | "apt" | "aptitude")
}

fn updates(command: &Command) -> bool {
    is_apt(command) && command.subcommand() == Some("update")
}

/// Whether a RUN installs from lists that an earlier one has fetched.
fn needs_lists(run: &Run<'_>) -> bool {
    let first = run.facts.commands.iter().position(updates).unwrap_or(usize::MAX);
    run.facts.installs.iter().any(|install| install.manager == Manager::Apt && install.command < first)
}

/// Whether a command makes apt keep the packages that it fetches.
fn keeps_packages(command: &Command) -> bool {
    command.name == "rm" && command.operands().any(|arg| arg.text.contains("docker-clean"))
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    let mut keeps = false;
    let mut first = true;
    let last_need = runs(cx).filter(needs_lists).last().map(|run| run.number);
    for run in runs(cx) {
        keeps |= run.facts.commands.iter().any(keeps_packages);
        let Some(at) = run.facts.commands.iter().position(updates) else { continue };
        let command = &run.facts.commands[at];
        let range = call(cx, &run, command, command.operands().next());
        if LISTS.is_mounted(&run) {
            let installs = run.facts.installs.iter().any(|install| install.command > at);
            let archives = mounted(run.instruction).iter().any(|target| target.starts_with("/var/cache"));
            if keeps && installs && !archives && !run.facts.unclear {
                let message = "docker-clean is deleted, so that apt keeps the packages that it fetches, and they stay in this layer: put a cache mount over `/var/cache/apt` too.";
                out.push(Finding::new(range, message));
            }
            continue;
        }
        if !LISTS.stays(&run, at)
            || emptied.get_or_insert_with(|| LISTS.last_emptied(cx)).is_some_and(|last| last > run.number)
        {
            continue;
        }
        // A second update finds most of them there.
        let size = cache_bytes(command).filter(|_| std::mem::take(&mut first));
        let size = size.map_or_else(String::new, |bytes| format!(" ({})", about(bytes)));
        let needed = last_need.is_some_and(|last| last > run.number);
        let instead = if needed {
            "install in the same RUN, and remove them there"
        } else {
            "remove them in the same RUN"
        };
        let message = format!(
            "The package lists that `{} update` fetches stay in this layer{size}; {instead}.",
            command.name
        );
        let mut finding = Finding::new(range, message);
        if !needed {
            finding.fixes.extend(fixes.append(&run, command, "rm -rf /var/lib/apt/lists/*"));
        }
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn lists_that_stay() {
        check(
            "S002",
            "\
FROM debian:12 AS build
RUN apt-get update
FROM debian:12 AS base
RUN apt-get update && apt-get install -y curl
    ^^^^^^^^^^^^^^ (~20 MB)
FROM base
RUN sudo apt update; apt install -y x
         ^^^^^^^^^^ `apt update` fetches
COPY --from=build /x /x
",
        );
        let at = |run: &str| lines("S002", &format!("FROM debian:12\nRUN {run}\n"));
        for run in [
            "apt-get update && apt-get install -y a && rm -rf /var/lib/apt/lists/*",
            "apt-get update && rm -r /var/lib/apt/lists /var/cache/apt/*",
            "apt-get update && rm -rf /var/lib/{apt,dpkg,cache}",
            "set -e; apt-get update; find /var/lib/apt/lists -type f -delete",
            "--mount=type=cache,target=/var/lib/apt apt-get update",
            "--mount=type=tmpfs,target=/var/lib/apt/lists/ apt-get update",
            "apt-get install -y x",
            "echo apt-get update",
            "apt-get update && (",
        ] {
            assert_eq!(at(run), [0; 0], "{run}");
        }
        for run in [
            "rm -rf /var/lib/apt/lists/* && apt-get update",
            "--mount=type=cache,target=/var/cache/apt apt-get update",
            "--mount=type=bind,target=/var/lib/apt apt-get update",
            "apt-get update && rm -rf /tmp/*",
        ] {
            assert_eq!(at(run), [2], "{run}");
        }
        let clean = "rm -f /etc/apt/apt.conf.d/docker-clean";
        let mount = "--mount=type=cache,target=/var/lib/apt apt-get update && apt-get install x";
        assert_eq!(lines("S002", &format!("RUN {clean}\nRUN {mount}\n")), [2]);
        assert_eq!(
            lines("S002", &format!("RUN {clean}\nRUN --mount=type=cache,target=/var/cache/apt {mount}\n")),
            [0; 0]
        );
    }

    /// A later RUN that removes them is told by another rule.
    #[test]
    fn lists_that_a_later_layer_removes() {
        assert_eq!(lines("S002", "FROM a\nRUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n"), [0; 0]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S002", "FROM a\nRUN apt-get update && \\\n  apt-get install -y x\n"),
            "FROM a\nRUN apt-get update && \\\n  apt-get install -y x && \\\n  rm -rf /var/lib/apt/lists/*\n"
        );
        assert_eq!(
            fixed("S002", "FROM a\nONBUILD RUN sudo apt-get update\n"),
            "FROM a\nONBUILD RUN sudo apt-get update && \\\n    sudo rm -rf /var/lib/apt/lists/*\n"
        );
        for same in
            ["FROM a\nRUN apt-get update; x\n", "FROM a\nRUN apt-get update\nRUN apt-get install -y x\n"]
        {
            assert_eq!(fixed("S002", same), same);
        }
    }
}
