//! P003 `wrong-package-manager`.

use layerwise_model::facts::{Command, Family, StageFacts};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "wrong-package-manager",
        code: "P003",
        severity: Severity::Error,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a package manager that the base image does not have: apk on Debian, apt-get on Alpine, Fedora and Red Hat,
dnf on Ubuntu and so on; and pip on `alpine`, `debian` and `ubuntu` themselves where nothing above can have brought it.
Images that are not known, conditions and `||` are left alone.

## Why it matters

The RUN fails with \"not found\".

## Example

```dockerfile
FROM python:3.12-slim
RUN apk add --no-cache curl
```

## Use instead

```dockerfile
FROM python:3.12-slim
RUN apt-get update && apt-get install -y curl
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number).filter(|facts| !facts.commands.is_empty()) else {
            continue;
        };
        let Some(stage) = stages::of(cx, number) else { continue };
        out.extend(missing_pip(cx, number, stage, false));
        let (has, own): (&[&str], &str) = match stage.base.family {
            Family::Debian | Family::Ubuntu => (&["apt-get", "apt"], "apt-get"),
            Family::Alpine => (&["apk"], "apk"),
            Family::RedHat => (&["yum", "dnf", "microdnf"], "dnf or yum"),
            Family::Fedora => (&["dnf", "yum"], "dnf"),
            Family::Suse => (&["zypper"], "zypper"),
            Family::Arch => (&["pacman"], "pacman"),
            _ => continue,
        };
        let source = instruction.source();
        let is_manager = |name: &str| {
            matches!(name, "apt-get" | "apt" | "apk" | "dnf" | "yum" | "microdnf" | "zypper" | "pacman")
        };
        if !facts.commands.iter().any(|c| is_manager(&c.name) && !has.contains(&c.name.as_str())) {
            continue;
        }
        // Who asks what there is knows what to do.
        if stages::base_is_chosen(cx, stage) {
            continue;
        }
        if ["||", "command -v", "which ", "type ", "if "].iter().any(|word| source.contains(word)) {
            continue;
        }
        for command in &facts.commands {
            let name = command.name.as_str();
            let manager = is_manager(name);
            let brought = ["apt", "apk-tools", "dnf", "yum", "zypper", "pacman"]
                .iter()
                .any(|package| stage.has_package(package));
            if !manager
                || has.contains(&name)
                || !command.top_level
                || brought
                || command.program.text.contains('/')
            {
                continue;
            }
            out.push(Finding::new(
                cx.file.absolute(number, command.program.range.clone()),
                format!(
                    "`{}:{}` has no `{name}`, so this RUN fails; its package manager is {own}.",
                    stage.base.name, stage.base.tag
                ),
            ));
            break;
        }
    }
}

/// Whether what stands on this stage's image of Alpine would miss pip on a newer one.
pub(in crate::rules) fn would_miss_pip(cx: &FileCx<'_>, bottom: usize) -> bool {
    cx.file.of_kind(&[Keyword::Run]).any(|(number, _, _)| {
        stages::of(cx, number)
            .filter(|stage| stage.chain.last() == Some(&bottom))
            .is_some_and(|stage| missing_pip(cx, number, stage, true).is_some())
    })
}

/// pip in an image of a plain distribution to which nothing has brought it; if `upgraded`, as if Alpine's tag were a new one.
///
/// Source: the packages of these distributions: `python3` brings pip in Alpine below 3.12 alone.
fn missing_pip(cx: &FileCx<'_>, number: usize, stage: &StageFacts, upgraded: bool) -> Option<Finding> {
    const HARMLESS: [&str; 24] = [
        "", "[", "addgroup", "adduser", "apk", "apt", "apt-get", "cd", "chmod", "chown", "cp", "date",
        "echo", "export", "git", "groupadd", "mkdir", "mv", "rm", "sed", "set", "touch", "true", "useradd",
    ];
    let facts = &cx.facts.instructions[number];
    let at = facts.commands.iter().position(|c| matches!(c.name.as_str(), "pip" | "pip3"))?;
    let command = &facts.commands[at];
    let package = match stage.base.name.as_str() {
        "alpine" if upgraded || !is_below_3_12(&stage.base.tag) => "py3-pip",
        "debian" | "ubuntu" => "python3-pip",
        _ => return None,
    };
    let source = cx.file.instruction(number).1.source();
    let asks = ["||", "command -v", "which ", "type ", "if "].iter().any(|word| source.contains(word));
    let brought =
        |name: &str| ["pip", "venv", "virtualenv", "conda", "py-"].iter().any(|part| name.contains(part));
    if !stage.base.official
        || asks
        || !command.top_level
        || command.program.text.contains('/')
        || !stage.installed_known
        || stage.installed.iter().any(|(manager, name)| manager.is_system() && brought(name))
        || stages::base_is_chosen(cx, stage)
    {
        return None;
    }
    let harmless = |command: &Command| {
        HARMLESS.contains(&command.name.as_str())
            && (!command.name.is_empty() || command.program.text.is_empty())
    };
    let above =
        stages::chain(cx, stage).take_while(|(other, _)| *other < number).all(|(other, instruction)| {
            match instruction.kind() {
                // A folder of another stage or image may hold it, and PATH may lead to another one.
                Some(Keyword::Copy | Keyword::Add) => instruction.flag("from").is_none(),
                Some(Keyword::Env) => !instruction.args_text().contains("PATH"),
                Some(Keyword::Run) => {
                    let facts = &cx.facts.instructions[other];
                    !facts.unclear && facts.commands.iter().all(harmless)
                }
                _ => true,
            }
        });
    (above && !facts.unclear && facts.commands[..at].iter().all(harmless)).then(|| {
        Finding::new(
            cx.file.absolute(number, command.program.range.clone()),
            format!(
                "`{}:{}` has no `{}` and nothing above installs it, so this RUN fails; install `{package}`, or start from an image of Python.",
                stage.base.name, stage.base.tag, command.name
            ),
        )
    })
}

fn is_below_3_12(tag: &str) -> bool {
    let mut numbers = tag.split('.').map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < (3, 12))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn managers() {
        check(
            "P003",
            "\
FROM python:3.12-slim
RUN x && apk add y && apk add z
         ^^^ its package manager is apt-get
FROM node:22-alpine
RUN apt-get update
    ^^^^^^^ `node:22-alpine` has no `apt-get`
RUN apt-get update || apk update
RUN if [ -x /usr/bin/apt ]; then apt-get update; fi
FROM unknown
RUN apk add x
FROM rockylinux:9
RUN dnf install x && yum install y
",
        );
        assert_eq!(lines("P003", "ARG BASE=alpine\nFROM $BASE\nRUN apt-get update\n"), [0; 0]);
        assert_eq!(lines("P003", "ARG V=3\nFROM alpine:$V\nRUN apt-get update\n"), [3]);
    }

    #[test]
    fn pip() {
        let pip = |above: &str| lines("P003", &format!("{above}\nRUN apk add gcc && pip install x\n")).len();
        assert_eq!(pip("FROM alpine:3.20"), 1);
        assert_eq!(pip("FROM alpine:3.20\nRUN apk add python3-dev"), 1);
        for above in [
            "FROM alpine:3.9\nRUN apk add python3",
            "FROM alpine:3.20\nRUN apk add py3-pip",
            "FROM alpine:3.20\nRUN apk add py3-virtualenv",
            "FROM alpine:3.20\nRUN apk add $PACKAGES",
            "FROM alpine:3.20\nRUN python3 -m ensurepip",
            "FROM alpine:3.20\nRUN ./setup.sh",
            "FROM alpine:3.20\nENV PATH=/venv/bin:$PATH",
            "FROM alpine:3.20\nCOPY --from=x /venv /venv",
            "FROM python:3.12-alpine",
            "FROM someone/alpine:3.20",
        ] {
            assert_eq!(pip(above), 0, "{above}");
        }
        assert_eq!(lines("P003", "FROM alpine:3.20\nRUN /venv/bin/pip install x || pip install y\n"), [0; 0]);
        assert_eq!(
            lines("P003", "FROM ubuntu:24.04\nRUN apt-get install -y python3 && pip3 install x\n"),
            [2]
        );
    }
}
