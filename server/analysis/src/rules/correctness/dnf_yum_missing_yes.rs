//! E058 `dnf-yum-missing-yes`.

use super::unattended::{self, Asks};

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dnf-yum-missing-yes",
        code: "E058",
        severity: Severity::Error,
        equivalents: &["DL3030", "DL3038"],
        fix: FixClass::Safe,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `dnf`, `microdnf`, `tdnf` and `yum` commands that ask before they install or remove, without `-y`.

## Why it matters

A build has no terminal to answer from: the question reads nothing, the command gives up, and the build fails.

## Example

```dockerfile
FROM fedora:42
RUN dnf install git
```

## Use instead

```dockerfile
FROM fedora:42
RUN dnf install -y git
```
";

/// Source: dnf(8), yum(8).
static ASKS: Asks = Asks {
    names: &["dnf", "dnf5", "yum", "microdnf", "tdnf"],
    verbs: &[
        "install",
        "groupinstall",
        "localinstall",
        "reinstall",
        "update",
        "upgrade",
        "remove",
        "erase",
        "autoremove",
        "swap",
        "downgrade",
        "distro-sync",
        "builddep",
    ],
    flags: &["y", "assumeyes", "yes", "assumeno", "C", "downloadonly"],
    options: &["assumeyes"],
    add: "-y",
    quiet: false,
    before: false,
    when: "",
};

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    unattended::check(&ASKS, cx, out);
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        let text = "FROM a\nRUN yum install x\nRUN yum -y install x\nRUN dnf update && dnf clean all\nRUN microdnf install -y x\nRUN notdnf install x\nRUN dnf --setopt=assumeyes=1 install x\n";
        assert_eq!(lines("E058", text), [2, 4]);
        assert_eq!(fixed("E058", "FROM a\nRUN yum install x\n"), "FROM a\nRUN yum install -y x\n");
    }
}
