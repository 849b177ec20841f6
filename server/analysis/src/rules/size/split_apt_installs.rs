//! S035 `split-apt-installs`.

use layerwise_model::facts::Manager;

use super::layers::{Run, call, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "split-apt-installs",
        code: "S035",
        severity: Severity::Info,
        supersedes: &["consecutive-runs"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds two RUNs, one right below the other, that both run `apt-get update` and install packages, in the stages that the
image is made of. Where the first adds a package source, the second has to come later, and nothing is said.

## Why it matters

The lists are fetched and the dependencies are worked out twice, and each layer holds the whole of dpkg's database, which
grows with what is installed.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends jq git && rm -rf /var/lib/apt/lists/*
```
";

/// What a RUN with one of these does is more than to install: it adds a source, or uses what it has installed.
const SOURCES: [&str; 8] = [
    "sources.list",
    "add-apt-repository",
    "apt-key",
    "keyring",
    "gpg",
    "gnupg",
    "apt.conf",
    "software-properties",
];

/// The first install of a RUN that updates and installs, and does nothing else of note.
fn install<'a>(run: &Run<'a>) -> Option<&'a layerwise_model::facts::Install> {
    let updates = run
        .facts
        .commands
        .iter()
        .any(|c| matches!(c.name.as_str(), "apt-get" | "apt") && c.subcommand() == Some("update"));
    let install = run.facts.installs.iter().find(|i| i.manager == Manager::Apt && i.verb == "install")?;
    let simple = run
        .facts
        .commands
        .iter()
        .all(|c| matches!(c.name.as_str(), "apt-get" | "apt" | "rm" | "set" | "export" | "echo" | ""));
    (updates && simple && run.instruction.flags().is_empty()).then_some(install)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut above: Option<Run<'_>> = None;
    for run in runs(cx) {
        let before = above.replace(run);
        let Some(before) = before.filter(|b| b.number + 1 == run.number && b.stage == run.stage) else {
            continue;
        };
        if install(&before).is_none() {
            continue;
        }
        let Some(install) = install(&run) else { continue };
        let source = before.instruction.source();
        if SOURCES.iter().any(|word| source.contains(word)) {
            continue;
        }
        let command = &run.facts.commands[install.command];
        let verb = command.args.iter().find(|arg| arg.text == install.verb);
        let line = cx.file.line(before.number);
        let message = format!(
            "Line {line} has updated the package lists and installed packages already; install these there, with one update."
        );
        let range = call(cx, &run, command, verb);
        out.push(Finding::new(range, message).see(cx.file.range(before.number), "The install above"));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn installs_in_a_row() {
        check(
            "S035",
            "\
FROM debian:12
RUN apt-get update && apt-get install -y git
RUN apt-get update && apt-get install -y jq
                      ^^^^^^^^^^^^^^^ Line 2 has updated
",
        );
        for text in [
            "RUN apt-get update && apt-get install -y git\nRUN apt-get install -y jq",
            "RUN apt-get update && apt-get install -y git\nCOPY a b\nRUN apt-get update && apt-get install -y jq",
            "RUN apt-get update && apt-get install -y gpg\nRUN apt-get update && apt-get install -y jq",
            "RUN apt-get update && apt-get install -y git && x\nRUN apt-get update && apt-get install -y jq",
        ] {
            assert_eq!(lines("S035", &format!("FROM a\n{text}\n")), [0; 0], "{text}");
        }
    }
}
