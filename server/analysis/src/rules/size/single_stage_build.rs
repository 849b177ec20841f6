//! S017 `single-stage-build`.

use layerwise_model::facts::Purpose;

use crate::actions::split_stages::SplitStages;
use crate::actions::{Cx, Refactoring};
use crate::cost::bases;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

use super::layers::about;

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "single-stage-build",
        code: "S017",
        severity: Severity::Info,
        supersedes: &["sdk-image-as-final"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds files of a single stage that build a Go program and start it, where a build stage and a runtime stage can be made of
it: the refactoring `split-stages`, which the fix applies.

## Why it matters

The compiler, the sources and the module cache ship with a program of a few megabytes.

## Example

```dockerfile
FROM golang:1.23
WORKDIR /src
COPY . .
RUN go build -o /server .
CMD [\"/server\"]
```

## Use instead

```dockerfile
FROM golang:1.23 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -o /server .
FROM gcr.io/distroless/static
COPY --from=build /server /server
CMD [\"/server\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    // The refactoring looks at everything, so what is cheap comes first.
    let ([stage], [facts]) = (cx.file.stages(), cx.facts.stages.as_slice()) else { return };
    if facts.purpose != Purpose::Final || facts.base.name.rsplit('/').next() != Some("golang") {
        return;
    }
    let actions = Cx { file: cx.file, evaluation: cx.eval, context: cx.context, rebuilds: None };
    let Some(offer) = SplitStages.offers(&actions, cx.file.range(stage.from)).into_iter().next() else {
        return;
    };
    let Some(edits) = SplitStages.edits(&actions, &offer) else { return };
    let reference = cx.eval.stages.first().map(|stage| match &stage.base {
        layerwise_model::eval::Base::Image(reference) => reference.as_str(),
        _ => "",
    });
    let size = reference
        .and_then(bases::lookup)
        .map_or_else(String::new, |row| format!(" ({})", about(row.bytes())));
    let instruction = cx.file.instruction(stage.from).1;
    let Some(image) = instruction.args().first() else { return };
    let message = format!(
        "The program ships with the image that builds it, `{}`{size}; build in one stage and run in another.",
        image.value
    );
    let range = cx.file.absolute(stage.from, image.range.clone());
    let fix = Fix { title: offer.title, applicability: offer.applicability, edits };
    out.push(Finding::new(range, message).fix(fix));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, fixed, lines};

    const BUILD: &str =
        "FROM golang:1.23\nWORKDIR /src\nCOPY . .\nRUN go build -o /server .\nCMD [\"/server\"]\n";

    #[test]
    fn one_stage_that_builds_and_runs() {
        check(
            "S017",
            &BUILD.replacen(
                '\n',
                "\n     ^^^^^^^^^^^ the image that builds it, `golang:1.23` (~831 MB)\n",
                1,
            ),
        );
        assert_eq!(lines("S017", "FROM golang:1.23\nCMD [\"go\", \"run\", \".\"]\n"), [0; 0]);
        assert_eq!(lines("S017", &BUILD.replace("golang:1.23", "golang:1.23 AS dev")), [0; 0]);
        assert!(fixed("S017", BUILD).contains("COPY --from="));
    }

    #[test]
    fn it_says_more_than_the_base_image_s_rule() {
        let found = diagnostics(BUILD, &["S017", "S019"]);
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), ["S017"]);
    }
}
