//! P002 `bashism-in-sh`.

use layerwise_model::facts::Shell;
use layerwise_syntax::{Form, Keyword};

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "bashism-in-sh", code: "P002", severity: Severity::Error, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `source`, `pushd` and `popd` in the shell form on Debian and Ubuntu images, whose `/bin/sh` is dash and
has none of them, where no SHELL says otherwise.

## Why it matters

The RUN fails with \"source: not found\". `.` does the same in every shell.

## Example

```dockerfile
FROM debian:12
RUN source /etc/profile && env
```

## Use instead

```dockerfile
FROM debian:12
RUN . /etc/profile && env
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Run]) {
        if instruction.form() != Form::Shell {
            continue;
        }
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        let Some(stage) = stages::of(cx, number) else { continue };
        let dash = match facts.shell {
            Some(shell) => shell == Shell::Dash,
            None => stage.default_shell() == Some(Some(Shell::Dash)),
        };
        if !dash || facts.unclear {
            continue;
        }
        // Some files make /bin/sh another shell first, and a script with a shebang has its own.
        let other_shell = || {
            let all = stages::chain(cx, stage).take_while(|(other, _)| *other <= number);
            all.into_iter().any(|(_, i)| i.source().contains("/bin/sh") || i.source().contains("dash/sh"))
        };
        let shebang =
            instruction.heredocs().iter().any(|h| h.content(instruction.source()).starts_with("#!"));
        for command in &facts.commands {
            let instead = match command.name.as_str() {
                "source" => "write `.`",
                "pushd" | "popd" => "write `cd`",
                _ => continue,
            };
            if !command.top_level
                || shebang
                || instruction.source().contains("||")
                || stages::base_is_chosen(cx, stage)
                || other_shell()
            {
                continue;
            }
            out.push(Finding::new(
                cx.file.absolute(number, command.program.range.clone()),
                format!("`{}` is a word of bash, and /bin/sh of `{}` does not know it; {instead}, or choose bash with SHELL.", command.name, stage.base.name),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_shell_that_is_not_known() {
        let lines = |text: &str| crate::rules::testing::lines("P002", text);
        assert_eq!(lines("FROM ubuntu:24.04\nRUN pushd /x\n"), [2]);
        assert_eq!(lines("FROM ubuntu:24.04\nSHELL [\"/bin/bash\", \"-c\"] # why\nRUN pushd /x\n"), [0; 0]);
        assert_eq!(lines("ARG BASE=ubuntu\nFROM $BASE\nRUN pushd /x\n"), [0; 0]);
    }

    use crate::rules::testing::{check, lines};

    #[test]
    fn words() {
        check(
            "P002",
            "\
FROM debian:12
RUN x && source /y && . /z
         ^^^^^^ write `.`
SHELL [\"/bin/bash\", \"-c\"]
RUN source /y
FROM alpine
RUN source /y
FROM fedora
RUN source /y
",
        );
        assert_eq!(lines("P002", "FROM debian:12\nRUN ln -sf bash /bin/sh\nRUN source /y\n"), [0; 0]);
        assert_eq!(lines("P002", "FROM debian:12\nRUN bash -c 'source /y'\n"), [0; 0]);
    }
}
