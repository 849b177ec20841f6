//! E069 `archived-distro-mirror`.

use layerwise_syntax::Keyword;

use super::releases::{Distro, Release, other_sources};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "archived-distro-mirror",
        code: "E069",
        severity: Severity::Error,
        fix: FixClass::None,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds the first `apt-get update` or `yum install` of a stage on a release whose packages have been moved to an archive: Debian up to
10, Ubuntu's short-lived releases up to 23.04, CentOS up to 8. Nothing is said where the file changes where packages come
from.

## Why it matters

The base image asks the old servers, which no longer have the release: the update or the install fails.

## Example

```dockerfile
FROM debian:stretch
RUN apt-get update && apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:trixie
RUN apt-get update && apt-get install -y curl
```
";

/// Sources: debian.org/distrib/archive, help.ubuntu.com (EOLUpgrades), centos.org (the mirror list was switched off with the end of
/// CentOS 7).
fn archive(release: Release) -> Option<&'static str> {
    match (release.distro, release.number) {
        (Distro::Debian, ..=10) => Some("archive.debian.org"),
        // Releases with long support stay where they are: those of April in even years.
        (Distro::Ubuntu, number @ ..=2304)
            if number <= 1204 || number % 100 != 4 || (number / 100) % 2 == 1 =>
        {
            Some("old-releases.ubuntu.com")
        }
        (Distro::CentOs, ..=8) => Some("vault.centos.org"),
        _ => None,
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let facts = &cx.facts.stages[stage.index];
        let Some(release) = Release::of(&facts.base) else { continue };
        let Some(archive) = archive(release) else { continue };
        let found = cx.file.of_kind_in(stage.body.clone(), &[Keyword::Run]).find_map(|(number, _, _)| {
            let commands = &cx.facts.instructions[number].commands;
            let asks = commands.iter().find(|command| {
                let verb = command.subcommand().unwrap_or_default();
                match command.name.as_str() {
                    "apt-get" | "apt" | "aptitude" => {
                        release.distro != Distro::CentOs
                            && matches!(verb, "update" | "install" | "upgrade" | "dist-upgrade")
                    }
                    "yum" | "dnf" | "microdnf" => {
                        release.distro == Distro::CentOs
                            && matches!(verb, "install" | "update" | "upgrade" | "makecache" | "groupinstall")
                    }
                    _ => false,
                }
            });
            Some((number, asks?))
        });
        let Some((number, command)) = found else { continue };
        if other_sources(cx, number) {
            continue;
        }
        let verb = command.subcommand().unwrap_or_default();
        let (name, tag) = (&facts.base.name, &facts.base.tag);
        out.push(Finding::new(
            cx.file.absolute(number, command.program.range.clone()),
            format!(
                "`{} {verb}` fails: the packages of {}, which `{name}:{tag}` is made from, have been moved to {archive}; take a release that is still supported, or write that server into the package sources first.",
                command.name,
                release.shown()
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn finds() {
        check(
            "E069",
            "\
FROM python:3.8-slim-buster
RUN apt-get update && apt-get install -y curl
    ^^^^^^^ the packages of Debian 10, which `python:3.8-slim-buster` is made from, have been moved to archive.debian.org
RUN apt-get update
FROM centos:7
RUN yum install -y x
    ^^^ vault.centos.org
FROM ubuntu:21.10
RUN apt update
    ^^^ old-releases.ubuntu.com
",
        );
        for text in [
            "FROM debian:11\nRUN apt-get update",
            "FROM ubuntu:18.04\nRUN apt-get update",
            "FROM ubuntu:14.04\nRUN apt-get update",
            "FROM debian:10\nRUN sed -i s/deb/archive/ /etc/apt/sources.list && apt-get update",
            "FROM debian:10\nCOPY sources.list /etc/apt/\nRUN apt-get update",
            "FROM debian:10\nRUN apt-get clean",
            "FROM centos:9\nRUN yum install -y x",
            "FROM node:10\nRUN apt-get update",
        ] {
            assert_eq!(lines("E069", &format!("{text}\n")), [0; 0], "{text}");
        }
    }
}
