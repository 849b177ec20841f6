//! E059 `zypper-missing-non-interactive`.

use super::unattended::{self, Asks};

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "zypper-missing-non-interactive",
        code: "E059",
        severity: Severity::Error,
        equivalents: &["DL3034"],
        fix: FixClass::Safe,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `zypper` commands that ask before they install or remove, without `--non-interactive` or `-y`.

## Why it matters

A build has no terminal to answer from: the question reads nothing, the command gives up, and the build fails.

## Example

```dockerfile
FROM opensuse/leap:15.6
RUN zypper install git
```

## Use instead

```dockerfile
FROM opensuse/leap:15.6
RUN zypper --non-interactive install git
```
";

/// Source: zypper(8).
static ASKS: Asks = Asks {
    names: &["zypper"],
    verbs: &[
        "install",
        "in",
        "remove",
        "rm",
        "update",
        "up",
        "dist-upgrade",
        "dup",
        "patch",
        "install-new-recommends",
    ],
    flags: &["n", "non-interactive", "y", "no-confirm", "D", "dry-run"],
    options: &[],
    add: "--non-interactive",
    quiet: false,
    before: true,
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
        let text = "FROM a\nRUN zypper install x && zypper clean\nRUN zypper -n in x\nRUN zypper install -y x\nRUN zypper install --non-interactive x\nONBUILD RUN zypper dup\n";
        assert_eq!(lines("E059", text), [2, 6]);
        assert_eq!(fixed("E059", "FROM a\nRUN zypper in x\n"), "FROM a\nRUN zypper --non-interactive in x\n");
    }
}
