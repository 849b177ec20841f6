//! R008 `gem-unpinned`.

use layerwise_model::facts::{Command, Install, Manager, Package};

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "gem-unpinned",
        code: "R008",
        severity: Severity::Warning,
        equivalents: &["DL3028"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds gems that are installed without a version.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM ruby:3.3
RUN gem install bundler
```

## Use instead

```dockerfile
FROM ruby:3.3
RUN gem install bundler:2.5.18
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Gem]) {
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
        let example = format!("{}:<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

/// A version for all of them; and what stands behind `--` is for the compiler.
fn skips(_: &Install, command: &Command) -> bool {
    command.has_flag(&["v", "version", "g", "file"])
}

fn is_unpinned(cx: &InstructionCx<'_>, package: &Package) -> bool {
    let behind = |command: &Command| {
        command.range.contains(&package.range.start)
            && command.args.iter().any(|arg| arg.text == "--" && arg.range.end <= package.range.start)
    };
    package.version.is_none() && !package.is_path && package.literal && !cx.facts.commands.iter().any(behind)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in ["gem i bundler", "gem install bundler:1 nokogiri"] {
            assert_eq!(lines("R008", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R008", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "gem i a:1 b:1",
            "gem install a --version '2.0.1'",
            "gem install a -v 2",
            "gem install a:2 -- --use-system-libraries=true --with x",
            "gem install $X",
            "gem update --system",
        ] {
            assert_eq!(lines("R008", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }
}
