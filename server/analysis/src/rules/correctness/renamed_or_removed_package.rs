//! E067 `renamed-or-removed-package`.

use layerwise_model::facts::{BaseFacts, Manager};
use layerwise_syntax::Keyword;

use super::releases::{Distro, Release, other_sources};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "renamed-or-removed-package",
        code: "E067",
        severity: Severity::Error,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds packages that the release of the base image no longer has, or does not have yet. The list is short and fixed. Nothing is said
where the file adds a repository, which may have the package.

## Why it matters

apt and apk find nothing to install, and the RUN fails. A file that was right for one release breaks this way when only the
tag of its base image goes up.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y python-pip
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y python3-pip
```
";

/// Packages that a distribution dropped: the name, the distribution, the first release without it, and what to install instead.
/// Sources: packages.debian.org, packages.ubuntu.com, pkgs.alpinelinux.org.
const GONE: [(&str, Distro, u32, &str); 31] = [
    ("python-pip", Distro::Debian, 11, "python3-pip"),
    ("python-pip", Distro::Ubuntu, 2004, "python3-pip"),
    ("python", Distro::Debian, 12, "python3"),
    ("python", Distro::Ubuntu, 2204, "python3"),
    ("python", Distro::Alpine, 312, "python3"),
    ("python-dev", Distro::Debian, 12, "python3-dev"),
    ("python-dev", Distro::Ubuntu, 2204, "python3-dev"),
    ("python-dev", Distro::Alpine, 312, "python3-dev"),
    ("python2", Distro::Debian, 12, "python3"),
    ("python2", Distro::Alpine, 316, "python3"),
    ("netcat", Distro::Debian, 12, "netcat-openbsd"),
    ("netcat", Distro::Ubuntu, 2404, "netcat-openbsd"),
    ("mysql-client", Distro::Debian, 10, "default-mysql-client"),
    ("mysql-server", Distro::Debian, 10, "default-mysql-server"),
    ("libmysqlclient-dev", Distro::Debian, 10, "default-libmysqlclient-dev"),
    ("libpng12-dev", Distro::Debian, 9, "libpng-dev"),
    ("libpng12-dev", Distro::Ubuntu, 1804, "libpng-dev"),
    ("libgl1-mesa-glx", Distro::Debian, 13, "libgl1"),
    ("libgl1-mesa-glx", Distro::Ubuntu, 2404, "libgl1"),
    ("libasound2", Distro::Ubuntu, 2404, "libasound2t64"),
    ("libcurl3", Distro::Debian, 10, "libcurl4"),
    ("libcurl3", Distro::Ubuntu, 2004, "libcurl4"),
    ("libssl1.1", Distro::Debian, 12, "libssl3"),
    ("libssl1.1", Distro::Ubuntu, 2204, "libssl3"),
    ("libssl1.0-dev", Distro::Debian, 10, "libssl-dev"),
    ("libssl1.0-dev", Distro::Ubuntu, 2004, "libssl-dev"),
    ("python3-distutils", Distro::Debian, 13, "python3-setuptools"),
    ("python3-distutils", Distro::Ubuntu, 2404, "python3-setuptools"),
    ("python-software-properties", Distro::Debian, 10, "software-properties-common"),
    ("python-software-properties", Distro::Ubuntu, 1804, "software-properties-common"),
    ("software-properties-common", Distro::Debian, 13, ""),
];

/// Packages with a version in their names: how they start, the distribution, the releases that have them, and the releases that
/// this was looked up for. Sources as above.
const ONLY: [(&str, Distro, &[u32], &[u32]); 19] = [
    ("openjdk-7", Distro::Debian, &[], &DEBIAN),
    ("openjdk-8", Distro::Debian, &[9], &DEBIAN),
    ("openjdk-11", Distro::Debian, &[10, 11], &DEBIAN),
    ("openjdk-17", Distro::Debian, &[11, 12], &DEBIAN),
    ("openjdk-7", Distro::Ubuntu, &[], &UBUNTU),
    ("php5", Distro::Debian, &[], &DEBIAN),
    ("php5", Distro::Ubuntu, &[], &UBUNTU),
    ("php7.0", Distro::Debian, &[9], &DEBIAN),
    ("php7.0", Distro::Ubuntu, &[1604], &UBUNTU),
    ("php7.2", Distro::Ubuntu, &[1804], &UBUNTU),
    ("php7.3", Distro::Debian, &[10], &DEBIAN),
    ("php7.4", Distro::Debian, &[11], &DEBIAN),
    ("php7.4", Distro::Ubuntu, &[2004], &UBUNTU),
    ("php8.1", Distro::Ubuntu, &[2204], &UBUNTU),
    ("php8.2", Distro::Debian, &[12], &DEBIAN),
    ("libicu57", Distro::Debian, &[9], &DEBIAN),
    ("libicu63", Distro::Debian, &[10], &DEBIAN),
    ("libicu67", Distro::Debian, &[11], &DEBIAN),
    ("libicu72", Distro::Debian, &[12], &DEBIAN),
];
const DEBIAN: [u32; 5] = [9, 10, 11, 12, 13];
const UBUNTU: [u32; 5] = [1604, 1804, 2004, 2204, 2404];

/// Official images that have no package repository but their distribution's.
const PLAIN: [&str; 16] = [
    "alpine",
    "buildpack-deps",
    "debian",
    "eclipse-temurin",
    "gcc",
    "golang",
    "httpd",
    "maven",
    "node",
    "openjdk",
    "perl",
    "php",
    "python",
    "ruby",
    "rust",
    "ubuntu",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let base = &cx.facts.stages[stage.index].base;
        let Some(release) = Release::of(base).filter(|_| PLAIN.contains(&base.name.as_str())) else {
            continue;
        };
        let manager = match release.distro {
            Distro::Debian | Distro::Ubuntu => Manager::Apt,
            Distro::Alpine => Manager::Apk,
            Distro::CentOs => continue,
        };
        for (number, _, _) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Run]) {
            let facts = &cx.facts.instructions[number];
            for install in facts.installs.iter().filter(|install| install.manager == manager) {
                for package in
                    install.packages.iter().filter(|p| p.literal && !p.is_path && p.version.is_none())
                {
                    let Some(instead) = gone(release, &package.name) else { continue };
                    if other_sources(cx, number) {
                        continue;
                    }
                    let way =
                        if instead.is_empty() { String::new() } else { format!("; install `{instead}`") };
                    let message = format!(
                        "{} has no package `{}`, so the install fails{way}.",
                        release.shown(),
                        package.name
                    );
                    let range = cx.file.absolute(number, package.range.clone());
                    let finding = Finding::new(range.clone(), message);
                    let exec = facts.commands.get(install.command).is_none_or(|command| command.exec);
                    let plain = !exec && !instead.is_empty() && package.text == package.name;
                    out.push(if plain {
                        finding.fix(Fix::replace(format!("Install `{instead}`"), range, instead))
                    } else {
                        finding
                    });
                }
            }
        }
    }
}

/// Whether what stands on this stage installs something that another release of its image lacks.
pub(super) fn would_be_gone(cx: &FileCx<'_>, bottom: usize, base: &BaseFacts) -> bool {
    let Some(release) = Release::of(base) else { return false };
    let above = cx.facts.stages.iter().filter(|stage| stage.chain.last() == Some(&bottom));
    above.flat_map(|stage| &stage.installed).any(|(_, name)| gone(release, name).is_some())
}

/// Whether a release lacks a package, and what there is instead (empty if that is not known).
fn gone(release: Release, name: &str) -> Option<&'static str> {
    let dropped = |entry: &&(&str, Distro, u32, &'static str)| {
        entry.0 == name && entry.1 == release.distro && release.number >= entry.2
    };
    if let Some(entry) = GONE.iter().find(dropped) {
        return Some(entry.3);
    }
    ONLY.iter()
        .any(|(start, distro, has, known)| {
            let rest = name.strip_prefix(start);
            *distro == release.distro
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                && known.contains(&release.number)
                && !has.contains(&release.number)
        })
        .then_some("")
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E067",
            "\
FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y netcat gcc openjdk-11-jre-headless
                                         ^^^^^^ Debian 12 has no package `netcat`, so the install fails; install `netcat-openbsd`.
                                                    ^^^^^^^^^^^^^^^^^^^^^^^ the install fails.
FROM alpine:3.19
RUN apk add --no-cache python py3-pip
                       ^^^^^^ install `python3`
",
        );
        for text in [
            "FROM debian:11\nRUN apt-get install -y netcat openjdk-11-jdk python",
            "FROM debian\nRUN apt-get install -y netcat",
            "FROM ubuntu:22.04\nRUN apt-get install -y netcat openjdk-8-jdk mysql-client",
            "FROM debian:12\nRUN echo deb x > /etc/apt/sources.list.d/x.list\nRUN apt-get install -y mysql-client",
            "FROM postgres:16-bookworm\nRUN apt-get install -y netcat",
            "FROM debian:12\nRUN pip install python",
        ] {
            assert_eq!(lines("E067", &format!("{text}\n")), [0; 0], "{text}");
        }
        assert_eq!(
            fixed("E067", "FROM debian:12\nRUN apt-get install -y \\\n  netcat\n"),
            "FROM debian:12\nRUN apt-get install -y \\\n  netcat-openbsd\n"
        );
    }
}
