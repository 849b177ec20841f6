//! S001 `apt-no-install-recommends`.

use layerwise_model::facts::Manager;

use super::layers::{about, call, chain, runs};
use crate::actions::Cx;
use crate::actions::no_install_recommends::advise;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-no-install-recommends",
        code: "S001",
        severity: Severity::Info,
        equivalents: &["DL3015"],
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `apt-get install` without `--no-install-recommends` in the stages that the image is made of, unless the packages are
known to recommend nothing.

## Why it matters

apt installs what a package recommends, too, which is often several times as much as the package itself: python3-pip alone
brings a compiler, some 360 MB. The fix names what the file relies on, such as the certificates that curl needs for https.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends git ca-certificates && rm -rf /var/lib/apt/lists/*
```
";

/// How many packages a message names.
const MAX_NAMES: usize = 3;

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let apt = |install: &layerwise_model::facts::Install| {
        install.manager == Manager::Apt && install.verb == "install"
    };
    let all: Vec<_> = runs(cx).collect();
    if !all.iter().any(|run| run.facts.installs.iter().any(apt)) {
        return;
    }
    let chain = chain(cx);
    // An ONBUILD of another stage runs on an image of its own.
    let here = |stage: Option<usize>| stage.is_none_or(|stage| chain.contains(&stage));
    let numbers: Vec<usize> = all.iter().filter(|run| here(run.stage)).map(|run| run.number).collect();
    let actions = Cx { file: cx.file, evaluation: cx.eval, context: cx.context, rebuilds: None };
    for advice in advise(&actions, &numbers, chain) {
        let what = if advice.packages > 0 {
            let plural = if advice.packages == 1 { "package" } else { "packages" };
            let upto = if advice.alone { "" } else { "up to " };
            let size =
                if advice.bytes >= 50e3 { format!(", {upto}{}", about(advice.bytes)) } else { String::new() };
            format!("pulls in {upto}{} more {plural}{size}", advice.packages)
        } else if advice.unknown.is_empty() {
            continue;
        } else {
            let mut names: Vec<String> =
                advice.unknown.iter().take(MAX_NAMES).map(|name| format!("`{name}`")).collect();
            if advice.unknown.len() > MAX_NAMES {
                names.push("others".to_owned());
            }
            let last = names.pop().unwrap_or_default();
            let list = if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) };
            format!("pulls in whatever {list} recommend{}", if advice.unknown.len() == 1 { "s" } else { "" })
        };
        let message = format!("Without `--no-install-recommends` this {what}.");
        out.push(Finding::new(advice.range, message).fix(advice.fix));
    }
    // Exec forms, and triggers of other images, which the refactoring leaves alone.
    for run in &all {
        if here(run.stage) && run.facts.commands.iter().all(|command| !command.exec) {
            continue;
        }
        for install in run.facts.installs.iter().filter(|install| apt(install)) {
            let command = &run.facts.commands[install.command];
            if command.args.iter().any(|arg| arg.text.to_ascii_lowercase().contains("install-recommends"))
                || install.packages.is_empty()
            {
                continue;
            }
            let verb = command.args.iter().find(|arg| arg.text == install.verb);
            let message = "Without `--no-install-recommends` this pulls in whatever the packages recommend.";
            out.push(Finding::new(call(cx, run, command, verb), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn installs_without_the_flag() {
        check(
            "S001",
            "\
FROM debian:12 AS build
RUN apt-get install -y gcc
FROM debian:12
RUN apt-get update && apt-get install -y curl
                      ^^^^^^^^^^^^^^^^^^ pulls in 4 more packages, ~900 kB
RUN apt install -y some-odd-package
    ^^^^^^^^^^^^^^ whatever `some-odd-package` recommends
RUN [\"apt-get\", \"install\", \"x\"]
     ^^^^^^^^^^^^^^^^^^^^ whatever the packages recommend
RUN apt-get install -y jq unzip
RUN apt-get install --no-install-recommends -y git
",
        );
        assert_eq!(lines("S001", "ONBUILD RUN apt-get install python\n"), [1]);
        assert_eq!(lines("S001", "RUN apt-get -o APT::Install-Recommends=false install python\n"), [0; 0]);
        assert_eq!(lines("S001", "FROM a\nRUN apt-get remove x\n"), [0; 0]);
        assert_eq!(lines("S001", "FROM a AS b\nONBUILD RUN apt-get install x\nFROM c\n"), [2]);
    }

    /// What is installed above, in this stage or below it, is not added again.
    #[test]
    fn fixes() {
        assert_eq!(
            fixed(
                "S001",
                "FROM debian:12 AS base\nRUN apt-get install -y ca-certificates\nFROM base\nRUN apt-get install -y git\n"
            ),
            "FROM debian:12 AS base\nRUN apt-get install -y ca-certificates\nFROM base\nRUN apt-get install -y --no-install-recommends git\n"
        );
        assert_eq!(
            fixed("S001", "FROM debian:12\nRUN apt-get install -y git\n"),
            "FROM debian:12\nRUN apt-get install -y --no-install-recommends \\\n        git \\\n        ca-certificates\n"
        );
    }
}
