//! E100 `docker-clean-defeats-cache`.

use layerwise_model::eval::Command;
use layerwise_model::facts::{Family, Manager};
use layerwise_model::gopath::path_clean;
use layerwise_syntax::Keyword;
use layerwise_syntax::mount::MountKind;

use crate::actions::cache_mounts::KEEP;
use crate::actions::layout::Layout;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "docker-clean-defeats-cache",
        code: "E100",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a cache mount over apt's packages on Debian's and Ubuntu's images, where nothing takes away /etc/apt/apt.conf.d/docker-clean.

## Why it matters

That file of the base image has apt delete every package once it is installed. The mount stays empty, and the next build
downloads everything again.

## Example

```dockerfile
FROM debian:12
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked apt-get update && apt-get install -y curl
```

## Use instead

```dockerfile
FROM debian:12
RUN rm -f /etc/apt/apt.conf.d/docker-clean
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked apt-get update && apt-get install -y curl
```
";

/// Source: docs.docker.com/reference/dockerfile, `RUN --mount=type=cache`, the example for apt.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let facts = &cx.facts.stages[stage.index];
        if !facts.base.official || !matches!(facts.base.family, Family::Debian | Family::Ubuntu) {
            continue;
        }
        let found = cx.file.of_kind_in(stage.body.clone(), &[Keyword::Run]).find(|(number, _, _)| {
            let Command::Run(run) = &cx.eval.step(*number).command else { return false };
            run.mounts.iter().any(|(mount, _)| {
                mount.kind == MountKind::Cache
                    && matches!(
                        path_clean(&mount.target).as_str(),
                        "/var/cache/apt" | "/var/cache/apt/archives"
                    )
            }) && cx.facts.instructions[*number]
                .installs
                .iter()
                .any(|install| install.manager == Manager::Apt)
        });
        let Some((number, placed, instruction)) = found else { continue };
        let kept = stages::chain(cx, facts).take_while(|(other, _)| *other <= number).any(|(_, other)| {
            ["docker-clean", "Keep-Downloaded", "apt.conf"].iter().any(|word| other.source().contains(word))
        });
        if kept || cx.facts.instructions[number].unclear {
            continue;
        }
        let message = format!(
            "`{}:{}` has apt delete each package once it is installed (/etc/apt/apt.conf.d/docker-clean), so this cache mount stays empty; remove that file first.",
            facts.base.name, facts.base.tag
        );
        let finding = Finding::new(cx.file.absolute(number, head(instruction)), message);
        let at = placed.start..placed.start;
        out.push(finding.fix(Fix::replace(
            "Let apt keep the packages",
            at,
            format!("{KEEP}{}", Layout::of(cx.file).newline),
        )));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        let run = "RUN --mount=type=cache,target=/var/cache/apt,sharing=locked apt-get update && apt-get install -y x\n";
        assert_eq!(lines("E100", &format!("FROM python:3.12-slim\n{run}{run}")), [2]);
        for text in [
            format!("FROM debian:12\nRUN rm -f /etc/apt/apt.conf.d/docker-clean\n{run}"),
            format!("FROM team/debian:12\n{run}"),
            "FROM debian:12\nRUN --mount=type=cache,target=/var/lib/apt apt-get install -y x\n".to_owned(),
        ] {
            assert_eq!(lines("E100", &text), [0; 0], "{text}");
        }
        assert_eq!(
            fixed("E100", &format!("FROM debian:12\n{run}")),
            format!(
                "FROM debian:12\nRUN rm -f /etc/apt/apt.conf.d/docker-clean && echo 'Binary::apt::APT::Keep-Downloaded-Packages \"true\";' > /etc/apt/apt.conf.d/keep-cache\n{run}"
            )
        );
    }
}
