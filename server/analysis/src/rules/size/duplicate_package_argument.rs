//! S049 `duplicate-package-argument`.

use std::collections::HashMap;

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "duplicate-package-argument",
        code: "S049",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that one command of a distribution's package manager names twice, in the same words.

## Why it matters

The second mention does nothing, and whoever deletes the first one wonders why the package is still there.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl git curl && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends curl git && rm -rf /var/lib/apt/lists/*
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) || cx.facts.unclear {
        return;
    }
    let source = cx.instruction.source();
    for install in cx.facts.installs.iter().filter(|install| install.manager.is_system()) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let command = &cx.facts.commands[install.command];
        for (at, package) in install.packages.iter().enumerate().filter(|(_, package)| package.literal) {
            let Some(first) = seen.insert(&package.text, at) else { continue };
            let message = format!("`{}` is in this list twice; leave one of them out.", package.text);
            let mut finding = Finding::new(package.range.clone(), message)
                .unneeded()
                .see(install.packages[first].range.clone(), "It is named here");
            // From the end of the word before, so that no line is left empty; a comment in between stays.
            let before = command.args.iter().rfind(|arg| arg.range.end <= package.range.start);
            if let Some(before) = before.filter(|_| !command.exec)
                && let Some(gap) = source.get(before.range.end..package.range.start)
                && gap.chars().all(|c| c.is_whitespace() || c == cx.instruction.escape())
                && source.get(package.range.clone()) == Some(package.text.as_str())
            {
                let range = before.range.end..package.range.end;
                finding = finding
                    .fix(Fix::replace(format!("Delete the second `{}`", package.text), range, "").safe());
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn named_twice() {
        check(
            "S049",
            "\
FROM debian
RUN apt-get install -y curl git curl
                                ^^^^ `curl` is in this list twice
RUN apt-get install -y a && apt-get install -y a
RUN apk add -t .deps a $X $X
",
        );
        assert_eq!(lines("S049", "RUN pip install a a\n"), [0; 0]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S049", "FROM a\nRUN apk add \\\n    a \\\n    b \\\n    a \\\n    c\n"),
            "FROM a\nRUN apk add \\\n    a \\\n    b \\\n    c\n"
        );
        let same = "FROM a\nRUN apk add a \\\n  # why\n  a\n";
        assert_eq!(fixed("S049", same), same);
    }
}
