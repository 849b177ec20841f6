//! E047 `source-builtin-in-sh`.

use layerwise_model::facts::{Family, Shell};
use layerwise_syntax::Keyword;
use layerwise_syntax::shell::Origin;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "source-builtin-in-sh",
        code: "E047",
        severity: Severity::Error,
        equivalents: &["SC3046"],
        fix: FixClass::Safe,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `source` in RUN where `/bin/sh` is dash: on Debian, Ubuntu and the images made from them, unless SHELL says otherwise.

## Why it matters

dash has no `source`; the command is not found. What all shells have is `.`.

## Example

```dockerfile
FROM debian:12
RUN source /opt/env.sh && make
```

## Use instead

```dockerfile
FROM debian:12
RUN . /opt/env.sh && make
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let facts = &cx.facts.stages[stage.index];
        if facts.default_shell() != Some(Some(Shell::Dash)) {
            continue;
        }
        let below = facts.chain.iter().skip(1).filter_map(|&below| cx.file.stages().get(below));
        if below.clone().any(|s| cx.file.instructions(s.body.clone()).any(|(_, _, i)| relinks_sh(i.source())))
        {
            continue;
        }
        for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
            let step = cx.eval.step(number);
            let instruction_facts = &cx.facts.instructions[number];
            let kind = instruction.trigger().unwrap_or(instruction).kind();
            // Somebody made /bin/sh another shell.
            if kind == Some(Keyword::Run) && relinks_sh(instruction.source()) {
                break;
            }
            let inner = instruction.trigger().unwrap_or(instruction);
            let script = inner.script().filter(|script| match script.origin() {
                Origin::Inline => true,
                Origin::Heredoc => !script.text().starts_with("#!"),
                // Another program may read the text.
                Origin::Mixed => false,
            });
            if script.is_none()
                || kind != Some(Keyword::Run)
                || step.state.shell.is_some()
                || instruction_facts.unclear
            {
                continue;
            }
            for command in instruction_facts.named("source").filter(|c| !c.exec && c.program.text == "source")
            {
                let Some(path) = command.args.first() else { continue };
                let system = if facts.base.family == Family::Ubuntu { "Ubuntu's" } else { "Debian's" };
                let message = format!(
                    "`source` does not exist in {system} `/bin/sh`, which is dash, so this RUN fails; use `.`."
                );
                let finding = Finding::new(cx.file.absolute(number, command.program.range.clone()), message);
                // `.` looks for a name without a slash in PATH.
                let range = match path.text.contains('/') {
                    true => command.program.range.clone(),
                    false => command.program.range.start..path.range.end,
                };
                let fits =
                    instruction.source().get(range.clone()).is_some_and(|text| !text.contains(['\n', '\\']));
                let text =
                    if path.text.contains('/') { ".".to_owned() } else { format!(". ./{}", path.text) };
                out.push(if fits && (path.literal || path.text.contains('/')) {
                    let range = cx.file.absolute(number, range);
                    finding.fix(Fix::replace("Use `.`", range, text).safe())
                } else {
                    finding
                });
            }
        }
    }
}

/// Whether a RUN puts another shell in the place of /bin/sh.
fn relinks_sh(text: &str) -> bool {
    (text.contains("/bin/sh") && text.contains("ln "))
        || text.contains("dpkg-reconfigure")
        || text.contains("dash/sh")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn shells() {
        check(
            "E047",
            "\
FROM ubuntu:24.04
RUN x && source /opt/env.sh && y
         ^^^^^^ Ubuntu's `/bin/sh`, which is dash
RUN bash -c 'source x'
SHELL [\"/bin/bash\", \"-c\"]
RUN source x
FROM alpine:3
RUN source /x
FROM fedora:40
RUN source /x
FROM unknown
RUN source /x
",
        );
        assert_eq!(
            fixed("E047", "FROM python:3\nRUN source /v/activate\n"),
            "FROM python:3\nRUN . /v/activate\n"
        );
        assert_eq!(fixed("E047", "FROM node:22\nRUN source env\n"), "FROM node:22\nRUN . ./env\n");
        for good in [
            "RUN bash <<E\nsource x\nE",
            "RUN <<E\n#!/bin/bash\nsource x\nE",
            "RUN ln -sf bash /bin/sh\nRUN source x",
        ] {
            assert_eq!(lines("E047", &format!("FROM node:22\n{good}\n")), [0; 0], "{good}");
        }
        assert_eq!(lines("E047", "FROM node:22\nONBUILD RUN source env\n"), [2]);
    }
}
