//! E061 `apt-update-alone`.

use layerwise_syntax::{Form, Keyword};

use super::apt_lists::{installs, mounts_lists, updates};
use super::image_files::of_kind;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-update-alone",
        code: "E061",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds RUN that fetches apt's package lists and installs nothing, where a later RUN installs.

## Why it matters

The lists stay in the build cache for as long as that line stays the same, also for months. The install below then asks for versions that are no longer on the server, and fails with 404.

## Example

```dockerfile
FROM debian:12
RUN apt-get update
RUN apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl
```
";

/// Source: Docker's documentation, "Building best practices", apt-get.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, stage) in of_kind(cx, &[Keyword::Run]) {
        let facts = &cx.facts.instructions[number];
        let Some(update) = facts.commands.iter().find(|command| updates(command)) else { continue };
        let other = facts.commands.iter().any(|command| {
            matches!(command.name.as_str(), "apt-get" | "apt" | "aptitude" | "dpkg" | "sh" | "bash")
                && command.args.iter().any(|arg| {
                    arg.text.contains("install")
                        || arg.text.contains("upgrade")
                        || arg.text == "build-dep"
                        || arg.text.ends_with(".sh")
                })
        });
        if other || facts.unclear || mounts_lists(cx, number) {
            continue;
        }
        // The next RUN of the stage that has to do with apt.
        let body = cx.file.stages()[stage].body.clone();
        let next = (number + 1..body.end)
            .find(|&at| cx.facts.instructions[at].commands.iter().any(updates) || installs(cx, at));
        let Some(next) = next.filter(|&at| installs(cx, at)) else { continue };
        let first = cx.facts.instructions[next].commands.iter().position(updates);
        let install = cx.facts.instructions[next].installs.first().map(|install| install.command);
        if first.is_some_and(|first| install.is_some_and(|install| first < install)) {
            continue;
        }
        let message = format!(
            "The package lists of this RUN stay in the build cache, and line {} installs from them: once they are old, that fails with 404; join the two with `&&`.",
            cx.file.line(next)
        );
        let finding = Finding::new(cx.file.absolute(number, update.range.clone()), message).see(
            cx.file.absolute(next, crate::ranges::head(cx.file.instruction(next).1)),
            "This installs from the lists",
        );
        let (_, above) = cx.file.instruction(number);
        let (_, below) = cx.file.instruction(next);
        // Two and-chains without flags that follow one another are one and-chain.
        let plain = |at: usize| {
            let instruction = cx.file.instruction(at).1;
            instruction.form() == Form::Shell
                && instruction.flags().is_empty()
                && instruction.heredocs().is_empty()
                && instruction.comments().is_empty()
                && instruction
                    .script()
                    .is_some_and(|script| !script.has_error() && script.and_chain().is_some())
        };
        let gap = cx.file.range(number).end..cx.file.range(next).start;
        let text = cx.file.parsed().text();
        let between = text.slice(gap.clone()).to_string();
        let keyword = below.keyword().range.end;
        let rest = below.source().get(keyword..).map(str::len).filter(|_| between.trim().is_empty());
        let lines = above.trimmed_range().end > 0 && next == number + 1 && above.escape() == '\\';
        out.push(match rest {
            Some(_) if lines && plain(number) && plain(next) => {
                let start = cx.file.absolute(next, keyword..keyword).start;
                let args = below.source()[keyword..].len() - below.source()[keyword..].trim_start().len();
                finding.fix(Fix::replace("Join the two with `&&`", gap.start..start + args, " && \\\n    "))
            }
            _ => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        for (text, expected) in [
            ("RUN apt-get update\nRUN apt-get install -y a", vec![2]),
            ("RUN apt-get update && apt-get install -y a\nRUN apt-get install -y b", vec![]),
            ("RUN apt-get update\nRUN apt-get update && apt-get install -y a", vec![]),
            ("RUN apt-get update", vec![]),
            ("RUN apt-get -y update && apt-get clean\nCOPY a b\nRUN apt-get install a", vec![2]),
            ("RUN apt-get update && apt-get upgrade -y\nRUN apt-get install a", vec![]),
            ("RUN --mount=type=cache,target=/var/lib/apt apt-get update\nRUN apt-get install a", vec![]),
        ] {
            assert_eq!(lines("E061", &format!("FROM a\n{text}\n")), expected, "{text}");
        }
        assert_eq!(
            fixed("E061", "FROM a\nRUN apt-get update\n\nRUN  apt-get install -y \\\n  x\n"),
            "FROM a\nRUN apt-get update && \\\n    apt-get install -y \\\n  x\n"
        );
        let kept = "FROM a\nRUN apt-get update\n# why\nRUN apt-get install -y x\n";
        assert_eq!(fixed("E061", kept), kept);
    }
}
