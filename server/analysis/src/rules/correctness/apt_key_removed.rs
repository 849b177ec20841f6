//! E066 `apt-key-removed`.

use layerwise_model::facts::BaseFacts;
use layerwise_syntax::Keyword;

use super::releases::{Distro, Release};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apt-key-removed",
        code: "E066",
        severity: Severity::Error,
        fix: FixClass::None,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `apt-key` on Debian 13 and Ubuntu 25.04 or later, which have no such program any more.

## Why it matters

The RUN fails: \"apt-key: not found\". Keys go into a file of their own below /etc/apt/keyrings, which the line of the repository
names with `signed-by`.

## Example

```dockerfile
FROM debian:13
RUN curl -fsSL https://example.com/key.asc | apt-key add -
```

## Use instead

```dockerfile
FROM debian:13
ADD https://example.com/key.asc /etc/apt/keyrings/example.asc
RUN echo 'deb [signed-by=/etc/apt/keyrings/example.asc] https://example.com/debian trixie main' > /etc/apt/sources.list.d/example.list
```
";

/// Whether what stands on this stage calls apt-key, which another release of its image lacks.
pub(super) fn would_miss_apt_key(cx: &FileCx<'_>, bottom: usize, base: &BaseFacts) -> bool {
    without_apt_key(base).is_some()
        && cx.file.of_kind(&[Keyword::Run]).any(|(number, _, _)| {
            let stage = cx.file.stage_of(number).and_then(|stage| cx.facts.stages.get(stage.index));
            stage.is_some_and(|stage| stage.chain.last() == Some(&bottom))
                && cx.facts.instructions[number].named("apt-key").next().is_some()
        })
}

/// The release of an image, if apt-key is gone from it.
///
/// Source: apt-key(8) of apt 2.9 (last available in Debian 12 and Ubuntu 24.04); apt 3.0 ships in Debian 13 and Ubuntu 25.04.
fn without_apt_key(base: &BaseFacts) -> Option<Release> {
    Release::of(base).filter(|release| match release.distro {
        Distro::Debian => release.number >= 13,
        Distro::Ubuntu => release.number >= 2504,
        _ => false,
    })
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let Some(release) = without_apt_key(&cx.facts.stages[stage.index].base) else { continue };
        for (number, _, _) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Run]) {
            for command in cx.facts.instructions[number].named("apt-key") {
                out.push(Finding::new(
                    cx.file.absolute(number, command.program.range.clone()),
                    format!(
                        "{} has no `apt-key`, so this RUN fails; put the key into a file below /etc/apt/keyrings and name it with `signed-by` in the line of the repository.",
                        release.shown()
                    ),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn finds() {
        check(
            "E066",
            "FROM debian:trixie-slim\nRUN wget -qO- https://x/k | apt-key add -\n                            ^^^^^^^ Debian 13 has no `apt-key`\n",
        );
        for base in ["debian:12", "debian", "ubuntu:24.04", "python:3.12", "team/debian:13"] {
            assert_eq!(lines("E066", &format!("FROM {base}\nRUN apt-key add k\n")), [0; 0], "{base}");
        }
        assert_eq!(lines("E066", "FROM debian:13\nRUN echo apt-key add\n"), [0; 0]);
        assert_eq!(lines("E066", "FROM ubuntu:25.04 AS a\nFROM a\nRUN apt-key add k\n"), [3]);
    }
}
