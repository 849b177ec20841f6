//! S031 `copy-root-filesystem`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::Family;
use layerwise_syntax::Keyword;

use super::layers::is_shipped;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-root-filesystem",
        code: "S031",
        severity: Severity::Warning,
        equivalents: &["DL3067"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `COPY --from=stage / /`, where the stage has a distribution of its own and this stage stands on an image, too. Copying
a whole stage into an empty one (FROM scratch) is a way to make one layer of many, and nothing is said of it.

## Why it matters

Everything comes along: the other distribution's programs and libraries, its package lists and caches, on top of the
files of this stage's base image, which stay in the layers below.

## Example

```dockerfile
FROM golang:1.23 AS build
RUN go install example.com/tool@v1
FROM debian:12-slim
COPY --from=build / /
```

## Use instead

```dockerfile
FROM golang:1.23 AS build
RUN go install example.com/tool@v1
FROM debian:12-slim
COPY --from=build /go/bin/tool /usr/local/bin/
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, whole) in cx.file.of_kind_or_trigger(&[Keyword::Copy]) {
        let instruction = whole.trigger().unwrap_or(whole);
        let Some(from) = instruction.flag("from").filter(|from| !from.is_empty()) else { continue };
        let Some((dest, sources)) = instruction.args().split_last() else { continue };
        let is_root = |path: &str| {
            !path.is_empty() && path.trim_matches(['/', '.']).is_empty() && path.starts_with('/')
        };
        if !is_root(&dest.value) || !sources.iter().any(|source| is_root(&source.value)) {
            continue;
        }
        if !is_shipped(cx, cx.file.stage_of(number).map(|stage| stage.index)) {
            continue;
        }
        let own = cx.file.stage_of(number).and_then(|stage| cx.facts.stages.get(stage.index));
        if own.is_some_and(|facts| facts.base.family == Family::Scratch) {
            continue;
        }
        let source = match &cx.eval.step(number).command {
            Command::Copy(copy) => Some(&copy.from),
            _ => None,
        };
        let comes = match source {
            // Some images, such as tonistiigi/xx, hold a few files and are made for this.
            Some(Source::Stage(stage)) => {
                let runs = cx.file.stages().get(*stage).is_some_and(|stage| {
                    cx.file.instructions(stage.body.clone()).any(|(_, _, i)| i.kind() == Some(Keyword::Run))
                });
                let family = cx.facts.stages.get(*stage).map(|facts| facts.base.family);
                runs || !matches!(
                    family,
                    None | Some(Family::Scratch | Family::Unknown | Family::Distroless | Family::Busybox)
                )
            }
            // Of an image nothing is known: some are made for this.
            Some(Source::Image(_) | Source::Named(_)) if !cx.file.stages().is_empty() => false,
            _ => !from.contains(['/', ':', '@']),
        };
        if comes {
            let message = format!(
                "This copies everything that `{from}` has, its distribution included, over the base image; copy only the paths that are needed."
            );
            out.push(Finding::new(cx.file.absolute(number, head(instruction)), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn whole_stages() {
        check(
            "S031",
            "\
FROM golang AS build
FROM tonistiigi/xx AS xx
FROM scratch AS files
COPY --from=build / /
FROM debian
COPY --from=files / /
COPY --from=xx / /
COPY --from=build / /
^^^^^^^^^^^^^^^^^^^^^ everything that `build` has
COPY --from=build /app /
COPY --from=tonistiigi/xx / /
COPY --from=build / /rootfs/
COPY . /
",
        );
        assert_eq!(lines("S031", "COPY --from=build / /\n"), [1]);
    }
}
