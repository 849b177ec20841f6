//! R019 `distro-upgrade`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "distro-upgrade",
        code: "R019",
        severity: Severity::Info,
        equivalents: &["DL3035"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds RUN instructions that upgrade all packages of the distribution: `apt-get upgrade` and `dist-upgrade`, `apk
upgrade`, `dnf upgrade` and `zypper dist-upgrade` without names of packages.

## Why it matters

What is upgraded depends on the day on which the layer is built, and the layer stays in the cache after that, so
that later fixes do not come in. Every upgraded file is in the image twice, once in the base image and once in
this layer. A newer base image has the same fixes.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get upgrade -y
```

## Use instead

```dockerfile
FROM debian:12.7
RUN apt-get update && apt-get install -y curl
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in &cx.facts.commands {
        let verbs: &[&str] = match command.name.as_str() {
            "apt-get" | "apt" | "aptitude" => &["upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade"],
            "apk" => &["upgrade"],
            "dnf" | "dnf5" | "yum" | "microdnf" | "tdnf" => &["update", "upgrade", "distro-sync"],
            "zypper" => &["dist-upgrade", "dup", "update", "up"],
            _ => continue,
        };
        let mut words = command.operands_without(&[
            "-o",
            "-t",
            "-c",
            "--option",
            "--setopt",
            "--enablerepo",
            "--disablerepo",
            "--installroot",
            "-x",
            "--exclude",
            "--releasever",
            "-X",
            "--repository",
            "-r",
            "--repo",
            "--from",
            "-R",
            "--root",
        ]);
        let Some(verb) = words.next().filter(|verb| verbs.contains(&verb.text.as_str())) else { continue };
        if words.next().is_some() {
            continue;
        }
        out.push(Finding::new(
            command.program.range.start..verb.range.end,
            format!(
                "`{} {}` upgrades to whatever is newest on the day of the build, and stores the upgraded files a second time; take a newer base image, or name the packages that need it.",
                command.name, verb.text
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn upgrades() {
        check(
            "R019",
            "\
FROM debian:12
RUN apt-get update && apt-get -y -o A=b dist-upgrade -q
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ newest on the day
RUN apt-get install --only-upgrade curl && apk upgrade curl && dnf -y update openssl
RUN apk update && pip install --upgrade pip
RUN yum update -y && x
    ^^^^^^^^^^ a newer base image
",
        );
        assert_eq!(lines("R019", "ONBUILD RUN zypper dist-upgrade\n"), [1]);
    }
}
