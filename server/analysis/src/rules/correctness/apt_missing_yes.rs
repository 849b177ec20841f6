//! E057 `apt-missing-yes`.

use super::unattended::{self, Asks};

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-missing-yes",
        code: "E057",
        severity: Severity::Warning,
        equivalents: &["DL3014"],
        fix: FixClass::Safe,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `apt-get` and `apt` commands that ask before they install or remove, without `-y`. They ask when anything changes
besides what was named.

## Why it matters

A build has no terminal to answer from: the question reads nothing, the command gives up, and the build fails. A package
that needs nothing today may need another one tomorrow.

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

/// Source: apt's apt-private/private-install.cc asks where packages are deleted, or more installed than named; apt-get(8): `-y`, and `-qq`, `-q=2` or two times `-q`, which imply it.
static ASKS: Asks = Asks {
    names: &["apt-get", "apt", "aptitude"],
    verbs: &[
        "install",
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "remove",
        "purge",
        "autoremove",
        "build-dep",
    ],
    flags: &["y", "yes", "assume-yes", "force-yes", "s", "simulate", "dry-run", "just-print", "print-uris"],
    options: &["assume-yes", "-q=2", "quiet=2", "force-yes"],
    add: "-y",
    quiet: true,
    before: false,
    when: " when other packages come or go with it",
};

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    unattended::check(&ASKS, cx, out);
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E057",
            "\
FROM a
RUN apt-get update && apt-get install curl
                      ^^^^^^^^^^^^^^^ `apt-get install` asks
RUN sudo apt-get -o A=b upgrade; apt remove x
         ^^^^^^^^^^^^^^^^^^^^^^ asks
                                 ^^^^^^^^^^ asks
RUN apt-get install -y a; apt-get -qq install a; apt-get install -q=2 a; apt-get -q install -q a
RUN yes | apt-get install a
RUN apt-get install $APT_OPTS a && apt-get -oAPT::Get::Assume-Yes=1 install a
RUN apt-get update && apt-get clean && apt-get source install
CMD apt-get install x
",
        );
        assert_eq!(lines("E057", "ONBUILD RUN apt-get install -q python\n"), [1]);
        assert_eq!(lines("E057", "FROM a\nRUN [\"apt-get\", \"install\", \"x\"]\n"), [2]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("E057", "FROM a\nRUN apt-get install \\\n  curl\n"),
            "FROM a\nRUN apt-get install -y \\\n  curl\n"
        );
    }
}
