//! E062 `apt-install-without-update`.

use layerwise_model::facts::Manager;
use layerwise_syntax::Keyword;

use super::apt_lists::{Effect, effect, lists_before, mounts_lists};
use super::image_files::of_kind;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-install-without-update",
        code: "E062",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `apt-get install` where no package lists are there: Docker's official images ship none, and nothing has fetched them, or they were removed again.

## Why it matters

Without lists apt knows no package: \"Unable to locate package\".

## Example

```dockerfile
FROM debian:12
RUN apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, stage) in of_kind(cx, &[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        let install = facts.installs.iter().find(|install| {
            install.manager == Manager::Apt
                && install.packages.iter().any(|package| !package.is_path && package.literal)
        });
        let Some(install) = install else { continue };
        let command = &facts.commands[install.command];
        let help = command.has_flag(&["no-download", "print-uris", "s", "simulate"]);
        if facts.unclear || help || mounts_lists(cx, number) {
            continue;
        }
        let here = facts.commands[..install.command].iter().rev().find_map(|command| match effect(command) {
            Effect::Present => Some(Some(true)),
            Effect::Empty => Some(Some(false)),
            Effect::Unknown => Some(None),
            Effect::None => None,
        });
        if here.unwrap_or_else(|| lists_before(cx, stage, number)) != Some(false) {
            continue;
        }
        let end = command.args.first().map_or(command.program.range.end, |arg| arg.range.end);
        let message = format!(
            "There are no package lists here, so `{} {}` does not find any package; run `apt-get update &&` first.",
            command.name, install.verb
        );
        let range = command.program.range.start..end.max(command.program.range.end);
        let finding = Finding::new(cx.file.absolute(number, range), message);
        let at = cx.file.absolute(number, command.range.start..command.range.start);
        let plain = command.top_level
            && !command.exec
            && command.wrappers.is_empty()
            && command.assignments.is_empty();
        out.push(if plain {
            finding.fix(Fix::replace("Run `apt-get update` first", at, "apt-get update && "))
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        for (text, expected) in [
            ("FROM debian:12\nRUN apt-get install -y a", vec![2]),
            (
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y a && rm -rf /var/lib/apt/lists/*\nRUN apt-get install -y b",
                vec![3],
            ),
            ("FROM debian:12\nRUN apt-get update && apt-get install -y a\nRUN apt-get install -y b", vec![]),
            ("FROM debian:12 AS x\nRUN apt-get update\nFROM x\nRUN apt-get install -y b", vec![]),
            ("FROM team/debian\nRUN apt-get install -y b", vec![]),
            ("FROM debian:12\nRUN ./setup.sh && apt-get install -y b", vec![]),
            ("FROM debian:12\nRUN curl x | bash - && apt-get install -y b", vec![]),
            ("FROM debian:12\nRUN apt-get install -y ./a.deb", vec![]),
            ("FROM alpine\nRUN apt-get install -y a", vec![]),
            (
                "FROM debian:12 AS x\nRUN apt-get update\nFROM debian:12\nCOPY --from=x /var/lib/apt/lists/ /var/lib/apt/lists/\nRUN apt-get install -y b",
                vec![],
            ),
        ] {
            assert_eq!(lines("E062", &format!("{text}\n")), expected, "{text}");
        }
        assert_eq!(
            fixed("E062", "FROM debian:12\nRUN apt-get install -y a\n"),
            "FROM debian:12\nRUN apt-get update && apt-get install -y a\n"
        );
    }
}
