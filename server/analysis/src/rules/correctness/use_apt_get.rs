//! E065 `use-apt-get`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "use-apt-get",
        code: "E065",
        severity: Severity::Info,
        equivalents: &["DL3027"],
        fix: FixClass::Safe,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `apt` in RUN.

## Why it matters

`apt` is made for people at a terminal: it says itself that its command line is not stable and must not be used in scripts. `apt-get` and `apt-cache` are.

## Example

```dockerfile
FROM debian:12
RUN apt update
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update
```
";

/// What apt-get knows under the same name.
const SAME: [&str; 13] = [
    "install",
    "update",
    "upgrade",
    "remove",
    "purge",
    "autoremove",
    "autopurge",
    "clean",
    "autoclean",
    "source",
    "build-dep",
    "download",
    "satisfy",
];

/// Source: apt(8), "SCRIPT USAGE AND DIFFERENCES FROM OTHER APT TOOLS".
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("apt") {
        let verb = command.args.iter().find(|arg| !arg.is_flag());
        let instead = match verb.map(|verb| verb.text.as_str()) {
            Some("list" | "search" | "show" | "policy" | "depends" | "rdepends" | "showsrc") => "apt-cache",
            _ => "apt-get",
        };
        let range = command.program.range.clone();
        let message =
            format!("`apt` has no stable command line and warns about it in every build; use `{instead}`.");
        let finding = Finding::new(range.clone(), message);
        let same = verb.is_some_and(|verb| SAME.contains(&verb.text.as_str()));
        let plain = cx.instruction.source().get(range.clone()) == Some("apt");
        let fix = Fix::replace("Use `apt-get`", range, "apt-get").safe();
        out.push(if same && plain && !command.exec && !cx.facts.unclear {
            finding.fix(fix)
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E065",
            "FROM ubuntu\nRUN apt update && apt install -y curl\n    ^^^ use `apt-get`\n                  ^^^ use `apt-get`\nRUN apt list\n    ^^^ use `apt-cache`\nRUN apt-get update\n",
        );
        assert_eq!(lines("E065", "ONBUILD RUN apt install python\n"), [1]);
        assert_eq!(
            fixed("E065", "FROM a\nRUN apt update; apt list\n"),
            "FROM a\nRUN apt-get update; apt list\n"
        );
    }
}
