//! R007 `apk-unpinned`.

use layerwise_model::facts::{Command, Install, Manager, Package};

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apk-unpinned",
        code: "R007",
        severity: Severity::Warning,
        equivalents: &["DL3018"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that apk installs without a version. Alpine removes old versions from its repositories, so an
exact pin fails some day; `~1.2` takes any release of 1.2.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM alpine:3.20
RUN apk add --no-cache curl
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add --no-cache curl~8.9
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Apk]) {
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
        let example = format!("{}~<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

fn skips(_: &Install, _: &Command) -> bool {
    false
}

fn is_unpinned(_: &InstructionCx<'_>, package: &Package) -> bool {
    package.version.is_none()
        && !package.is_path
        && package.literal
        && !package.text.starts_with('!')
        && !package.text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in ["apk add flex", "apk --no-cache add a=1 b", "apk add -t .deps a"] {
            assert_eq!(lines("R007", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R007", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "apk add flex=2.6.4-r1",
            "apk add git~2.52.0",
            "apk add git=~2.52",
            "apk add \"a>=2\" \"b<3\"",
            "apk add --virtual x a=1",
            "apk add -X https://e.org a=1",
            "apk add m-1.apk",
            "apk add $X",
            "apk del curl",
        ] {
            assert_eq!(lines("R007", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }
}
