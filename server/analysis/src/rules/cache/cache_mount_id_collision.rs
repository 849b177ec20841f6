//! C012 `cache-mount-id-collision`.

use std::collections::BTreeMap;

use layerwise_model::eval::Command;
use layerwise_model::facts::{BaseFacts, Family};
use layerwise_model::gopath::path_clean;
use layerwise_syntax::mount::MountKind;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cache-mount-id-collision",
        code: "C012",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds cache mounts of package managers that stages on different distributions or releases share.

## Why it matters

A cache mount is known by its id, and without one by its target: the same for every stage and every project on the
builder. Package lists of two releases in one folder replace each other, so that each build fetches them anew, and an
install may find the list of the other release.

## Example

```dockerfile
FROM debian:bookworm AS build
RUN --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y gcc

FROM ubuntu:24.04
RUN --mount=type=cache,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:bookworm AS build
RUN --mount=type=cache,id=apt-bookworm,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y gcc

FROM ubuntu:24.04
RUN --mount=type=cache,id=apt-noble,target=/var/lib/apt,sharing=locked apt-get update && apt-get install -y curl
```
";

/// Caches whose content belongs to one release of one distribution.
const CACHES: [&str; 8] = [
    "/var/cache/apt",
    "/var/lib/apt",
    "/var/lib/apt/lists",
    "/var/cache/apk",
    "/var/cache/dnf",
    "/var/cache/yum",
    "/var/cache/zypp",
    "/etc/apk/cache",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for stage in cx.file.stages() {
        let Some(release) = cx.facts.stages.get(stage.index).and_then(|s| release(&s.base)) else { continue };
        for number in stage.body.clone() {
            let Command::Run(run) = &cx.eval.step(number).command else { continue };
            let (_, instruction) = cx.file.instruction(number);
            let caches = run.mounts.iter().zip(instruction.flag_values_words("mount"));
            for ((mount, _), (_, word)) in caches {
                let target = path_clean(&mount.target);
                if mount.kind != MountKind::Cache || !CACHES.contains(&target.as_str()) {
                    continue;
                }
                let id = if mount.id.is_empty() { target.clone() } else { mount.id.clone() };
                let (line, first) =
                    seen.entry(id.clone()).or_insert_with(|| (cx.file.line(number), release.clone())).clone();
                if first == release {
                    continue;
                }
                let message = format!(
                    "This cache mount is the one of line {line}: there it holds what belongs to {first}, here to {release}; give each an id of its own, such as `id=apt-{}`.",
                    release.replace([':', '/'], "-")
                );
                let range = on_first_line(instruction, &word.range);
                out.push(Finding::new(cx.file.absolute(number, range), message));
            }
        }
    }
}

/// What a base image's packages belong to: the distribution, and its release where the tag says it.
fn release(base: &BaseFacts) -> Option<String> {
    let family = match base.family {
        Family::Debian => "debian",
        Family::Ubuntu => "ubuntu",
        Family::Alpine => "alpine",
        Family::Fedora => "fedora",
        Family::RedHat => "redhat",
        Family::Suse => "suse",
        _ => return None,
    };
    if base.name == family && base.tag.starts_with(|c: char| c.is_ascii_digit()) {
        let version = base.tag.split('-').next().unwrap_or_default();
        return Some(format!("{family}:{version}"));
    }
    Some(family.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn caches_of_two_releases() {
        check(
            "C012",
            "\
FROM debian AS a
RUN --mount=type=cache,target=/var/cache/apt apt-get update
FROM ubuntu:24.04
RUN --mount=type=cache,target=/var/cache/apt apt-get update
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the one of line 2: there it holds what belongs to debian, here to ubuntu:24.04
",
        );
        let two = |a: &str, b: &str| {
            lines("C012", &format!("FROM {a} AS x\nRUN --mount=type=cache,target=/var/lib/apt x\nFROM {b}\nRUN --mount=type=cache,target=/var/lib/apt/ x\n")).len()
        };
        assert_eq!(two("ubuntu:22.04", "ubuntu:24.04"), 1);
        assert_eq!(two("debian:bookworm", "python:3.12-bookworm"), 0);
        assert_eq!(two("debian", "example.com/x"), 0);
        assert_eq!(two("node:22", "python:3.12-slim"), 0);
        let other = "FROM debian AS a\nRUN --mount=type=cache,target=/root/.npm x\nFROM alpine\nRUN --mount=type=cache,target=/root/.npm x\n";
        assert_eq!(lines("C012", other), [0; 0]);
        let ids = "FROM debian AS a\nRUN --mount=type=cache,id=a,target=/var/lib/apt x\nFROM ubuntu\nRUN --mount=type=cache,id=b,target=/var/lib/apt x\n";
        assert_eq!(lines("C012", ids), [0; 0]);
    }
}
