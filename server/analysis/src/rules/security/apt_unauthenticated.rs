//! X015 `apt-unauthenticated`.

use layerwise_model::facts::Argument;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-unauthenticated",
        code: "X015",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds package managers that are told not to check signatures: `apt-get --allow-unauthenticated`, `--force-yes`
and `[trusted=yes]`, `apk --allow-untrusted`, `dnf --nogpgcheck`, `zypper --no-gpg-checks`. Files that are named
by their paths are left alone.

## Why it matters

Signatures are what tells the packages of the distribution from what somebody else put in their place on a
mirror or on the way.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --allow-unauthenticated tool
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y tool
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in &cx.facts.commands {
        let flags: &[&str] = match command.name.as_str() {
            "apt-get" | "apt" | "aptitude" => {
                &["--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"]
            }
            "apk" => &["--allow-untrusted"],
            "dnf" | "dnf5" | "yum" | "microdnf" | "tdnf" => &["--nogpgcheck", "--no-gpgchecks"],
            "zypper" => &["--no-gpg-checks"],
            "echo" | "printf" => &["trusted=yes"],
            _ => continue,
        };
        // A package that came with the context has no signature to check.
        let is_file = |word: &Argument| {
            [".apk", ".rpm", ".deb"].iter().any(|end| word.text.ends_with(end)) && !word.text.contains("://")
        };
        if command.args.iter().any(is_file) {
            continue;
        }
        let echo = matches!(command.name.as_str(), "echo" | "printf");
        let word = command.args.iter().find(|arg| {
            if echo {
                arg.text.contains(flags[0]) && arg.text.contains("deb ")
            } else {
                flags.contains(&arg.text.as_str())
            }
        });
        if let Some(word) = word {
            let what = if echo { "[trusted=yes]" } else { word.text.as_str() };
            out.push(Finding::new(
                word.range.clone(),
                format!("`{what}` takes packages without a look at their signatures, so anyone on the way or on the mirror can put in their own; leave it out, and add the key of the repository."),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn flags() {
        check(
            "X015",
            "\
FROM a
RUN apt-get update && apt-get --force-yes install x
                              ^^^^^^^^^^^ signatures
RUN echo 'deb [trusted=yes] http://x y main' > /etc/apt/sources.list
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `[trusted=yes]`
RUN apk add --allow-untrusted /tmp/x.apk
RUN apt-get install -y x
",
        );
        assert_eq!(lines("X015", "ONBUILD RUN yum install --nogpgcheck x\n"), [1]);
    }
}
