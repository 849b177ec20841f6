//! C015 `git-clone-in-run`.

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};
use layerwise_syntax::Keyword;

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "git-clone-in-run",
        code: "C015",
        severity: Severity::Info,
        equivalents: &["tally/prefer-add-git"],
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `git clone` of a public repository in a RUN. Off unless it is switched on: a clone of a fixed tag is well where it is.

## Why it matters

A RUN is keyed by its text: once cached, it stays so however many commits the repository gets, until something above it
changes. ADD with a repository is keyed by the commit that the branch or tag points to, so that new commits are seen, and
the image needs no git.

## Example

```dockerfile
FROM debian:bookworm
RUN git clone https://github.com/example/tool.git /src/tool
```

## Use instead

```dockerfile
FROM debian:bookworm
ADD https://github.com/example/tool.git#v1.2.0 /src/tool
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("git").filter(|c| !c.exec && c.subcommand() == Some("clone")) {
        let Some(url) = command.operands().find(|a| a.text.starts_with("https://")) else { continue };
        let host = url.text.trim_start_matches("https://");
        if host.contains('@') || host.contains(['`', '(']) {
            continue;
        }
        let message = format!(
            "This clone is cached by its text, and does not see new commits of {}; `ADD {}` with a tag or branch behind `#` is cached by the commit.",
            url.text, url.text
        );
        out.push(Finding::new(command.range.clone(), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn clones() {
        check(
            "C015",
            "\
FROM a
RUN cd /x && git clone --depth 1 https://github.com/a/b -b $V && make
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached by its text
",
        );
        for run in [
            "git clone git@github.com:a/b",
            "git clone https://$TOKEN@x/y",
            "git fetch https://x/y",
            "[\"git\", \"clone\", \"https://x/y\"]",
        ] {
            assert_eq!(lines("C015", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }
}
