//! S037 `mktemp-left`.

use layerwise_model::facts::{Command, Purpose};

use super::layers::{holds, mounted, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "mktemp-left", code: "S037", severity: Severity::Info, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds RUNs that make a temporary directory with `mktemp -d` and delete nothing, in the stages that the image is made of.

## Why it matters

The directory stays in the layer with all that was put there, and with each build under another name.

## Example

```dockerfile
FROM debian:12
RUN dir=\"$(mktemp -d)\" && cd \"$dir\" && curl -fsSLO https://example.com/app && install app /usr/local/bin/app
```

## Use instead

```dockerfile
FROM debian:12
RUN dir=\"$(mktemp -d)\" && cd \"$dir\" && curl -fsSLO https://example.com/app && install app /usr/local/bin/app && rm -rf \"$dir\"
```
";

/// Whether a command may take the directory away, or move it to where it is wanted. `name` is the variable that holds it.
fn removes(command: &Command, name: Option<&str>) -> bool {
    match command.name.as_str() {
        "rm" | "rmdir" | "find" | "mv" | "shred" => {
            let Some(name) = name else { return true };
            // What is named plainly and lies elsewhere is something else.
            command.operands().any(|arg| {
                let text = arg.text.trim_matches(['"', '\'']);
                text.contains(name) || !text.starts_with(['/', '$']) || text.starts_with("/tmp")
            })
        }
        "trap" | "eval" => true,
        _ => false,
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for run in runs(cx) {
        let commands = &run.facts.commands;
        let Some(command) = commands.iter().find(|c| c.name == "mktemp" && c.has_flag(&["d", "directory"]))
        else {
            continue;
        };
        let development = run
            .stage
            .and_then(|stage| cx.facts.stages.get(stage))
            .is_some_and(|stage| matches!(stage.purpose, Purpose::Development | Purpose::Test));
        let name = variable(run.instruction.source(), commands, command);
        if development
            || run.facts.unclear
            || commands.iter().any(|c| removes(c, name))
            || mounted(run.instruction).iter().any(|target| holds(target, "/tmp"))
        {
            continue;
        }
        let range = cx.file.absolute(run.number, command.range.clone());
        let message = "The directory that `mktemp -d` makes stays in this layer with all that is put there; delete it in the same RUN.";
        out.push(Finding::new(range, message));
    }
}

/// The variable that gets the path, if it is the only one made so.
fn variable<'a>(source: &'a str, commands: &[Command], made: &Command) -> Option<&'a str> {
    let before = source.get(..made.range.start)?;
    let before = before.strip_suffix("$(").or_else(|| before.strip_suffix('`'))?;
    let before = before.strip_suffix('"').unwrap_or(before).strip_suffix('=')?;
    let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    let name = before
        .get(start..)
        .filter(|name| !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))?;
    (commands.iter().filter(|c| c.name == "mktemp").count() == 1).then_some(name)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn directories_that_stay() {
        check(
            "S037",
            "\
FROM debian
RUN cd $(mktemp -d) && make install
         ^^^^^^^^^ stays in this layer
RUN d=\"$(mktemp -d)\" && make -C $d && rm -rf /var/lib/apt/lists/*
         ^^^^^^^^^ stays in this layer
",
        );
        for text in [
            "FROM debian\nRUN d=$(mktemp -d) && make -C $d && rm -rf $d\n",
            "FROM debian\nRUN d=$(mktemp -d); trap 'rm -rf $d' EXIT; make\n",
            "FROM debian\nRUN d=$(mktemp) && make\n",
            "FROM debian\nRUN --mount=type=tmpfs,target=/tmp cd $(mktemp -d) && make\n",
            "FROM debian AS b\nRUN cd $(mktemp -d) && make\nFROM debian\n",
        ] {
            assert_eq!(lines("S037", text), [0; 0], "{text}");
        }
    }
}
