//! S036 `apt-clean-noop`.

use layerwise_model::facts::{Command, Family};

use super::layers::{Run, runs};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-clean-noop",
        code: "S036",
        severity: Severity::Hint,
        // It costs nothing to leave it there.
        default: false,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `apt-get clean` in official images of Debian and Ubuntu, and in those made from them.

## Why it matters

These images come with `/etc/apt/apt.conf.d/docker-clean`, which deletes the downloaded packages after each install. There is
nothing left to clean. The package lists are another matter: `rm -rf /var/lib/apt/lists/*` frees them.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl && apt-get clean && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut configured = None;
    for run in runs(cx) {
        for (at, command) in run.facts.commands.iter().enumerate() {
            let clean = matches!(command.name.as_str(), "apt-get" | "apt")
                && matches!(command.subcommand(), Some("clean" | "autoclean"));
            if !clean || run.facts.unclear || !is_debian(cx, &run) {
                continue;
            }
            // Without docker-clean, or with archives kept on purpose, there is something to clean.
            let own = *configured.get_or_insert_with(|| {
                let words = ["docker-clean", "apt.conf", "Keep-Downloaded-Packages", "/var/cache/apt"];
                cx.file.all().any(|(_, _, i)| words.iter().any(|word| i.source().contains(word)))
            });
            if own {
                return;
            }
            let message = format!(
                "`{} {}` finds nothing to delete: the base image has apt delete the packages after each install.",
                command.name,
                command.subcommand().unwrap_or_default()
            );
            let range = cx.file.absolute(run.number, command.range.clone());
            let mut finding = Finding::new(range, message).unneeded();
            finding.fixes.extend(without(cx, &run, at));
            out.push(finding);
        }
    }
}

fn is_debian(cx: &FileCx<'_>, run: &Run<'_>) -> bool {
    run.stage.and_then(|stage| cx.facts.stages.get(stage)).is_some_and(|stage| {
        stage.base.official && matches!(stage.base.family, Family::Debian | Family::Ubuntu)
    })
}

/// Takes a command out of an and-chain, with the `&&` in front of it.
fn without(cx: &FileCx<'_>, run: &Run<'_>, at: usize) -> Option<Fix> {
    let command = &run.facts.commands[at];
    let script = run.instruction.script()?;
    let chain = script.and_chain()?;
    let position = chain.iter().position(|part| part.range == command.script_range)?;
    let before = chain.get(position.checked_sub(1)?)?;
    let start = script.source_range(before.range.clone()).end;
    let source = run.instruction.source();
    let gap = source.get(start..command.range.start)?;
    let plain = gap.chars().all(|c| c.is_whitespace() || c == '&' || c == run.instruction.escape());
    let silent = |c: &Command| c.redirects.is_empty() && c.wrappers.is_empty() && c.assignments.is_empty();
    let range = cx.file.absolute(run.number, start..command.range.end);
    (plain && silent(command)).then(|| Fix::replace(format!("Delete `{} clean`", command.name), range, ""))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn nothing_to_clean() {
        check(
            "S036",
            "\
FROM python:3.12-slim
RUN apt-get install -y a && apt-get clean && rm -rf /var/lib/apt/lists/*
                            ^^^^^^^^^^^^^ finds nothing to delete
",
        );
        for text in [
            "FROM example.com/debian\nRUN apt-get clean\n",
            "FROM debian\nRUN rm /etc/apt/apt.conf.d/docker-clean\nRUN apt-get clean\n",
            "FROM debian\nRUN apt-get autoremove\n",
            "FROM debian AS b\nRUN apt-get clean\nFROM debian\n",
        ] {
            assert_eq!(lines("S036", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S036", "FROM debian\nRUN apt-get install -y a \\\n    && apt-get clean \\\n    && x\n"),
            "FROM debian\nRUN apt-get install -y a \\\n    && x\n"
        );
        let same = "FROM debian\nRUN apt-get clean\n";
        assert_eq!(fixed("S036", same), same);
    }
}
