//! E057 `apt-missing-yes`, E058 `dnf-yum-missing-yes`, E059 `zypper-missing-non-interactive` and E060
//! `pacman-missing-noconfirm`: package managers that wait for an answer.

use layerwise_model::facts::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static APT: Rule = Rule {
    meta: Meta {
        name: "apt-missing-yes",
        code: "E057",
        severity: Severity::Warning,
        equivalents: &["DL3014"],
        fix: FixClass::Safe,
        doc: APT_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(|cx, out| check(cx, &["apt-get", "apt", "aptitude"], out)),
};

pub(super) static DNF: Rule = Rule {
    meta: Meta {
        name: "dnf-yum-missing-yes",
        code: "E058",
        severity: Severity::Warning,
        equivalents: &["DL3030", "DL3038"],
        fix: FixClass::Safe,
        doc: DNF_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(|cx, out| check(cx, &["dnf", "dnf5", "yum", "microdnf", "tdnf"], out)),
};

pub(super) static ZYPPER: Rule = Rule {
    meta: Meta {
        name: "zypper-missing-non-interactive",
        code: "E059",
        severity: Severity::Warning,
        equivalents: &["DL3034"],
        fix: FixClass::Safe,
        doc: ZYPPER_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(|cx, out| check(cx, &["zypper"], out)),
};

pub(super) static PACMAN: Rule = Rule {
    meta: Meta {
        name: "pacman-missing-noconfirm",
        code: "E060",
        severity: Severity::Warning,
        fix: FixClass::Safe,
        doc: PACMAN_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(|cx, out| check(cx, &["pacman"], out)),
};

const APT_DOC: &str = "\
## What it does

Finds `apt-get install` and `upgrade` without `-y` (or `-qq`).

## Why it matters

apt-get asks before it installs more than what was named. A build has nobody who could answer, so it fails.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install curl
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl
```
";

const DNF_DOC: &str = "\
## What it does

Finds `dnf install`, `yum install` and the like without `-y`.

## Why it matters

They ask before they install. A build has nobody who could answer, so it fails.

## Example

```dockerfile
FROM fedora:40
RUN dnf install curl
```

## Use instead

```dockerfile
FROM fedora:40
RUN dnf install -y curl
```
";

const ZYPPER_DOC: &str = "\
## What it does

Finds `zypper install` and the like without `-n` or `-y`.

## Why it matters

zypper asks before it installs. A build has nobody who could answer, so it fails.

## Example

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install curl
```

## Use instead

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install -y curl
```
";

const PACMAN_DOC: &str = "\
## What it does

Finds `pacman -S` and `-U` without `--noconfirm`.

## Why it matters

pacman asks before it installs. A build has nobody who could answer, so it fails.

## Example

```dockerfile
FROM archlinux:latest
RUN pacman -Syu curl
```

## Use instead

```dockerfile
FROM archlinux:latest
RUN pacman -Syu --noconfirm curl
```
";

fn check(cx: &InstructionCx<'_>, names: &[&str], out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in &cx.facts.commands {
        if !names.contains(&command.name.as_str()) {
            continue;
        }
        let Some((verb, at, flag)) = asks(command) else { continue };
        if is_answered(cx, command) {
            continue;
        }
        let message = format!(
            "`{} {verb}` asks before it installs, and a build has nobody to answer, so that it fails; add `{flag}`.",
            command.name
        );
        let finding = Finding::new(command.range.start..at.max(command.program.range.end), message);
        out.push(if command.exec {
            finding
        } else {
            finding.fix(Fix::replace(format!("Add `{flag}`"), at..at, format!(" {flag}")).safe())
        });
    }
}

/// Whether something in front of it in a pipe or a redirection answers.
fn is_answered(cx: &InstructionCx<'_>, command: &Command) -> bool {
    let in_pipe = |pipeline: &layerwise_model::facts::Pipeline| {
        pipeline.script_range.start < command.script_range.start
            && command.script_range.end <= pipeline.script_range.end
    };
    (!command.exec && cx.facts.pipelines.iter().any(in_pipe))
        || command.redirects.iter().any(|r| r.text.starts_with('<'))
}

/// The subcommand, if it is one of `verbs`, and where it ends. `valued` are the flags that take a word as their value.
fn verb_at<'a>(
    command: &'a Command,
    verbs: &[&str],
    valued: &'static [&'static str],
) -> Option<(&'a str, usize)> {
    let verb = command.operands_without(valued).next()?;
    (verb.literal && verbs.contains(&verb.text.as_str())).then_some((verb.text.as_str(), verb.range.end))
}

/// What a command asks about: the verb, where the flag would go, and the flag; `None` if it does not ask.
fn asks(command: &Command) -> Option<(&str, usize, &'static str)> {
    let has = |flags: &[&str]| command.has_flag(flags);
    // What is computed may be the flag.
    let computed = command
        .args
        .iter()
        .any(|arg| !arg.literal && (arg.text.starts_with('$') || arg.text.contains("OPT")));
    match command.name.as_str() {
        "apt-get" | "apt" | "aptitude" => {
            let verbs = ["install", "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "build-dep"];
            let (verb, at) = verb_at(
                command,
                &verbs,
                &["-o", "-c", "-t", "--option", "--target-release", "--config-file"],
            )?;
            let quiet: usize = command
                .args
                .iter()
                .map(|arg| match arg.text.as_str() {
                    "--quiet" => 1,
                    "-q=2" | "--quiet=2" => 2,
                    text if text.starts_with('-') && !text.starts_with("--") && !text.contains('=') => {
                        text.matches('q').count()
                    }
                    _ => 0,
                })
                .sum();
            let option = command.args.iter().any(|arg| arg.text.to_ascii_lowercase().contains("assume-yes"));
            let dry = has(&["s", "simulate", "dry-run", "print-uris", "d", "download-only"]);
            let yes = has(&["y", "yes", "assume-yes", "force-yes"]) || quiet >= 2 || option;
            let named = verb.ends_with("upgrade") || command.operands().nth(1).is_some();
            let flags = computed && command.args.iter().any(|a| !a.literal && a.range.start < at);
            (!yes && !dry && named && !flags).then_some((verb, at, "-y"))
        }
        "dnf" | "dnf5" | "yum" | "microdnf" | "tdnf" => {
            let verbs = [
                "install",
                "update",
                "upgrade",
                "groupinstall",
                "localinstall",
                "reinstall",
                "distro-sync",
                "builddep",
                "in",
                "up",
            ];
            let (verb, at) = verb_at(command, &verbs, &["-c", "-d", "-e", "-x", "-R"])?;
            let yes = has(&["y", "assumeyes", "assume-yes", "assumeno", "downloadonly", "downloaddir"]);
            let set = command.args.iter().any(|arg| arg.text.contains("assumeyes"));
            (!yes && !set).then_some((verb, at, "-y"))
        }
        "zypper" => {
            let verbs = [
                "install",
                "in",
                "update",
                "up",
                "patch",
                "dist-upgrade",
                "dup",
                "remove",
                "rm",
                "source-install",
                "si",
            ];
            let (verb, at) = verb_at(command, &verbs, &["-c", "-R", "-D"])?;
            let yes = has(&["n", "y", "non-interactive", "no-confirm", "dry-run"]);
            (!yes).then_some((verb, at, "-y"))
        }
        "pacman" => {
            let verb = command.args.iter().find(|arg| {
                let letters = arg.text.strip_prefix('-').unwrap_or_default();
                (letters.starts_with('S') && !letters.contains(['s', 'i', 'l', 'g', 'p', 'w']))
                    || letters.starts_with('U')
            })?;
            let names =
                command.operands().next().is_some() || verb.text.contains('u') || verb.text.contains('c');
            let yes = has(&["noconfirm", "ask"]);
            (!yes && names).then_some((verb.text.as_str(), verb.range.end, "--noconfirm"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    fn none(rule: &str, runs: &[&str]) {
        for run in runs {
            assert_eq!(lines(rule, &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }

    #[test]
    fn apt() {
        check(
            "E057",
            "\
FROM a
RUN apt-get update && apt-get install curl
                      ^^^^^^^^^^^^^^^ asks before it installs
RUN apt-get -q upgrade
    ^^^^^^^^^^^^^^^^^^ add `-y`
RUN sudo apt install -q x
    ^^^^^^^^^^^^^^^^ asks
ONBUILD RUN apt-get install python
            ^^^^^^^^^^^^^^^ asks
",
        );
        none(
            "E057",
            &[
                "apt-get install -y a",
                "apt-get -yq install a",
                "apt-get install -qq a",
                "apt-get install -q -q a",
                "apt-get install -q=2 a",
                "apt-get --assume-yes install a",
                "yes | apt-get install a",
                "apt-get -o APT::Get::Assume-Yes=true install a",
                "apt-get $OPTS install a",
                "apt-get update",
                "apt-get install",
                "apt-get install a <<< y",
            ],
        );
        assert_eq!(
            fixed("E057", "FROM a\nRUN apt-get install \\\n  curl\n"),
            "FROM a\nRUN apt-get install -y \\\n  curl\n"
        );
    }

    #[test]
    fn others() {
        let line = |rule: &str, run: &str| lines(rule, &format!("FROM a\nRUN {run}\n"));
        assert_eq!(line("E058", "yum install httpd && yum clean all"), [2]);
        assert_eq!(line("E058", "dnf update"), [2]);
        none(
            "E058",
            &[
                "dnf install -y a",
                "yum -y update",
                "notdnf install a",
                "dnf clean all",
                "yum --assumeyes install a",
            ],
        );
        assert_eq!(line("E059", "zypper install a"), [2]);
        none(
            "E059",
            &["zypper -n install a", "zypper in -y a", "zypper --non-interactive in a", "zypper clean"],
        );
        assert_eq!(line("E060", "pacman -Syu"), [2]);
        assert_eq!(line("E060", "pacman -S git"), [2]);
        none(
            "E060",
            &["pacman -S --noconfirm a", "pacman -Sy", "pacman -Ss x", "yes | pacman -S a", "pacman -Q"],
        );
        assert_eq!(fixed("E060", "FROM a\nRUN pacman -S git\n"), "FROM a\nRUN pacman -S --noconfirm git\n");
    }
}
