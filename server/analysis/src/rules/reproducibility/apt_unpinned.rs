//! R004 `apt-unpinned`.

use layerwise_model::facts::{Command, Install, Manager, Package};

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-unpinned",
        code: "R004",
        severity: Severity::Warning,
        equivalents: &["DL3008"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that apt-get, apt or aptitude install without a version.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl=7.88.1-10+deb12u8
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Apt]) {
        if skips(install, command) {
            continue;
        }
        let unpinned: Vec<Unpinned> = install
            .packages
            .iter()
            .filter(|package| is_unpinned(cx, package))
            .map(|package| Unpinned { name: package.name.clone(), range: package.range.clone() })
            .collect();
        let Some(first) = unpinned.first() else { continue };
        let example = format!("{}=<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

/// `build-dep` names what to build, which has no version of its own to install.
fn skips(install: &Install, _: &Command) -> bool {
    install.verb != "install"
}

/// A variable alone may hold anything.
fn is_unpinned(_: &InstructionCx<'_>, package: &Package) -> bool {
    package.version.is_none()
        && !package.is_path
        && (package.literal || !package.text.contains(['$', '`']))
        && !package.text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in [
            "apt-get update && apt-get install python",
            "apt install -y a=1 b",
            "DEBIAN_FRONTEND=noninteractive sudo apt-get -qq install -t stable x",
        ] {
            assert_eq!(lines("R004", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R004", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "apt-get install -y python=1.2.2",
            "apt-get install ./x_0.12.5-1_amd64.deb",
            "apt-get install -y -t jessie-backports jdk=8u131-b11-1~bpo8+1",
            "apt-get install -y $PACKAGES",
            "apt-get install a=$V",
            "apt-get update",
            "apt-get build-dep python3",
        ] {
            assert_eq!(lines("R004", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }
}
