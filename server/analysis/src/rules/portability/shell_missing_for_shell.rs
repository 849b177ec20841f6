//! P008 `shell-missing-for-shell`.

use layerwise_model::facts::{Family, Shell, Tool};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "shell-missing-for-shell",
        code: "P008",
        severity: Severity::Error,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds SHELL with bash on an Alpine image without it, and any SHELL on images without a shell.

## Why it matters

Every RUN after it in the shell form fails, because the program is not there.

## Example

```dockerfile
FROM alpine:3.20
SHELL [\"/bin/bash\", \"-c\"]
RUN echo hello
```

## Use instead

```dockerfile
FROM alpine:3.20
SHELL [\"/bin/ash\", \"-eo\", \"pipefail\", \"-c\"]
RUN echo hello
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Shell]) {
        let Some(stage) = stages::of(cx, number).filter(|stage| !stages::base_is_chosen(cx, stage)) else {
            continue;
        };
        let words: Vec<String> = instruction.args().iter().map(|word| word.value.clone()).collect();
        let bash = Shell::of_words(&words) == Shell::Bash;
        // What an image brings or a COPY puts there may be a shell.
        let copies = || {
            stages::chain(cx, stage)
                .take_while(|(other, _)| *other < number)
                .any(|(_, i)| matches!(i.kind(), Some(Keyword::Copy | Keyword::Add)))
        };
        let why = match stage.base.family {
            Family::Alpine
                if bash
                    && stage.base.has(Tool::Bash) == Some(false)
                    && stage.installed_known
                    && !installs_bash(cx, number) =>
            {
                "has no bash; install it before with `apk add bash`, or write `/bin/ash`, which knows `pipefail` too"
            }
            Family::Scratch | Family::Distroless if stage.default_shell() == Some(None) && !copies() => {
                "has no shell at all; use the JSON form without SHELL"
            }
            _ => continue,
        };
        let name = if stage.base.name.is_empty() { "scratch" } else { &stage.base.name };
        out.push(Finding::new(cx.file.absolute(number, head(instruction)), format!("`{name}` {why}.")));
    }
}

/// Whether bash is installed above the instruction.
fn installs_bash(cx: &FileCx<'_>, number: usize) -> bool {
    let Some(stage) = stages::of(cx, number) else { return false };
    stages::chain(cx, stage).take_while(|(other, _)| *other < number).any(|(other, _)| {
        let installs = cx.facts.instructions.get(other).map_or(&[][..], |facts| &facts.installs);
        installs.iter().flat_map(|install| &install.packages).any(|package| package.name == "bash")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn shells() {
        for (text, found) in [
            ("FROM alpine:3\nSHELL [\"/bin/bash\", \"-c\"]\nRUN apk add bash\n", vec![2]),
            ("FROM alpine:3\nRUN apk add bash\nSHELL [\"/bin/bash\", \"-c\"]\n", vec![]),
            ("FROM alpine:3\nSHELL [\"/bin/sh\", \"-c\"]\n", vec![]),
            ("FROM scratch\nSHELL [\"/bin/sh\", \"-c\"]\n", vec![2]),
            ("FROM scratch\nCOPY a /\nSHELL [\"/bin/sh\", \"-c\"]\n", vec![]),
            ("FROM debian\nSHELL [\"/bin/bash\", \"-c\"]\n", vec![]),
        ] {
            assert_eq!(lines("P008", text), found, "{text}");
        }
    }
}
