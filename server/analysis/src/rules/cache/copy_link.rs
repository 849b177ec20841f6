//! C018 `copy-link`.

use layerwise_model::eval::{Command, Copy, Source};
use layerwise_model::facts::Purpose;
use layerwise_model::gopath::path_clean;

use super::support::inside;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-link",
        code: "C018",
        severity: Severity::Info,
        default: false,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY from another stage into the final image that does not have `--link`. Off unless it is switched on: it says so
of nearly every file with several stages.

## Why it matters

With `--link` the files make a layer of their own, which does not depend on the layers below: it stays cached and need not
be pushed or pulled again when the base image gets an update. It does not follow symbolic links in the destination, and
cannot look up names for `--chown`, so such copies are left alone.

## Example

```dockerfile
FROM golang:1.24 AS build
RUN go install example.com/app@v1.0.0

FROM debian:bookworm-slim
COPY --from=build /go/bin/app /app/server
```

## Use instead

```dockerfile
FROM golang:1.24 AS build
RUN go install example.com/app@v1.0.0

FROM debian:bookworm-slim
COPY --link --from=build /go/bin/app /app/server
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let known = cx.facts.stages.get(stage.index).is_some_and(|s| {
            s.purpose == Purpose::Final && !matches!(s.base.family, layerwise_model::facts::Family::Scratch)
        });
        if !known {
            continue;
        }
        for number in stage.body.clone() {
            let Command::Copy(
                copy @ Copy { add: false, link: false, from: Source::Stage(_) | Source::Image(_), .. },
            ) = &cx.eval.step(number).command
            else {
                continue;
            };
            let dest = path_clean(&copy.dest_path);
            // These are links in most images.
            let links = ["/bin", "/sbin", "/lib", "/lib64", "/var/run", "/var/lock"];
            let owner = copy.chown.chars().all(|c| c.is_ascii_digit() || c == ':');
            if !owner || dest == "/" || links.iter().any(|link| inside(&dest, link)) {
                continue;
            }
            let (_, instruction) = cx.file.instruction(number);
            let message = format!(
                "This layer is made and pushed anew with every update of the base image; with `--link` it stays cached, if no part of {dest} is a symbolic link there."
            );
            let at = cx.file.absolute(number, instruction.keyword().range.clone()).end;
            let fix = Fix::replace("Copy with `--link`", at..at, " --link");
            out.push(Finding::new(cx.file.absolute(number, head(instruction)), message).fix(fix));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn copies_that_hang_on_the_base() {
        check(
            "C018",
            "\
FROM a AS b
FROM debian
COPY --from=b /x /app/x
^^^^^^^^^^^^^^^^^^^^^^^ with `--link` it stays cached
COPY --from=b /x /bin/x
COPY --from=b --chown=app /x /app/y
COPY y /app
",
        );
        assert_eq!(
            fixed("C018", "FROM a AS b\nFROM a\nCOPY --from=b --chown=1:1 /x /app/x\n"),
            "FROM a AS b\nFROM a\nCOPY --link --from=b --chown=1:1 /x /app/x\n"
        );
        for text in [
            "FROM a AS b\nFROM scratch\nCOPY --from=b /x /x\n",
            "FROM a AS b\nFROM a AS c\nCOPY --from=b /x /x\nFROM a\n",
        ] {
            assert_eq!(lines("C018", text), [0; 0], "{text}");
        }
    }
}
