//! E064 `tzdata-prompt`.

use layerwise_model::facts::Manager;
use layerwise_syntax::Keyword;

use super::releases::Release;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "tzdata-prompt",
        code: "E064",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds apt installing `tzdata` on Ubuntu without `DEBIAN_FRONTEND=noninteractive`, and with no time zone set before.

## Why it matters

When `tzdata` is installed it asks for the geographic area. Nobody can answer during a build: it hangs, or goes on
with complaints, depending on the builder.

## Example

```dockerfile
FROM ubuntu:22.04
RUN apt-get update && apt-get install -y tzdata
```

## Use instead

```dockerfile
FROM ubuntu:22.04
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata
```
";

/// Texts that answer the question or keep it from being asked.
const ANSWERS: [&str; 6] =
    ["DEBIAN_FRONTEND", "debconf", "/etc/localtime", "/etc/timezone", "DEBCONF", "noninteractive"];

/// Source: tzdata's package scripts (`tzdata.config`), debconf(7).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let facts = &cx.facts.stages[stage.index];
        let base = &facts.base;
        // The images of older releases have the package.
        let recent = Release::of(base).map_or(base.tag == "latest", |release| release.number >= 1804);
        if base.name != "ubuntu"
            || !base.official
            || !recent
            || !facts.installed.contains(&(Manager::Apt, "tzdata".to_owned()))
        {
            continue;
        }
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Run]) {
            let facts_here = &cx.facts.instructions[number];
            let install = facts_here.installs.iter().find_map(|install| {
                let named = install.packages.iter().find(|package| package.name == "tzdata");
                Some((
                    facts_here.commands.get(install.command)?,
                    named.filter(|_| install.manager == Manager::Apt)?,
                ))
            });
            let Some((command, package)) = install else { continue };
            let answered = |text: &str| ANSWERS.iter().any(|word| text.contains(word));
            let before = instruction.source().get(..command.program.range.start).unwrap_or_default();
            let inside = |range: &std::ops::Range<usize>| {
                range.start <= command.range.start && command.range.end <= range.end
            };
            if facts_here.unclear
                || answered(before)
                || cx.eval.step(number).state.env.get("DEBIAN_FRONTEND").is_some()
                || command.redirects.iter().any(|r| r.text.starts_with('<'))
                || facts_here.pipelines.iter().any(|pipeline| inside(&pipeline.range))
                || stages::chain(cx, facts)
                    .take_while(|(other, _)| *other < number)
                    .any(|(_, other)| answered(other.source()))
            {
                continue;
            }
            let message = "`tzdata` asks for the time zone when it is installed, and nobody can answer during a build; set DEBIAN_FRONTEND=noninteractive for this command.";
            let finding = Finding::new(cx.file.absolute(number, package.range.clone()), message);
            let at = cx.file.absolute(number, command.program.range.clone()).start;
            out.push(if command.exec || !command.wrappers.is_empty() {
                finding
            } else {
                finding.fix(Fix::replace(
                    "Set DEBIAN_FRONTEND for the command",
                    at..at,
                    "DEBIAN_FRONTEND=noninteractive ",
                ))
            });
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E064",
            "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y curl tzdata\n                                              ^^^^^^ asks for the time zone\n",
        );
        for text in [
            "FROM ubuntu:22.04\nARG DEBIAN_FRONTEND=noninteractive\nRUN apt-get install -y tzdata",
            "FROM ubuntu:22.04\nRUN DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata",
            "FROM ubuntu:22.04\nRUN ln -snf /usr/share/zoneinfo/Europe/Rome /etc/localtime && apt-get install -y tzdata",
            "FROM ubuntu:22.04\nRUN apt-get install -y tzdata < /dev/null",
            "FROM debian:12\nRUN apt-get install -y tzdata",
            "FROM ubuntu:14.04\nRUN apt-get install -y tzdata",
            "FROM ubuntu:22.04\nRUN apt-get install -y curl",
        ] {
            assert_eq!(lines("E064", &format!("{text}\n")), [0; 0], "{text}");
        }
        assert_eq!(
            fixed("E064", "FROM ubuntu\nRUN apt-get update && apt-get install -y tzdata\n"),
            "FROM ubuntu\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata\n"
        );
    }
}
