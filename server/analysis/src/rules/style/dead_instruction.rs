//! T027 `dead-instruction`.

use layerwise_model::eval::Base;
use layerwise_model::facts::Purpose;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dead-instruction",
        code: "T027",
        severity: Severity::Hint,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds CMD, ENTRYPOINT, EXPOSE, HEALTHCHECK, STOPSIGNAL and VOLUME in a stage that others only copy files from.

## Why it matters

They describe the image that a container is started from. Of a stage that is only copied from nothing but its
files is used.

## Example

```dockerfile
FROM golang:1.23 AS build
RUN go build -o /app .
CMD [\"/app\"]
FROM alpine:3.20
COPY --from=build /app /app
CMD [\"/app\"]
```

## Use instead

```dockerfile
FROM golang:1.23 AS build
RUN go build -o /app .
FROM alpine:3.20
COPY --from=build /app /app
CMD [\"/app\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let stages = cx.eval.stages.len();
    let (mut copied, mut based) = (vec![false; stages], vec![false; stages]);
    for stage in &cx.eval.stages {
        for &(dep, _) in &stage.deps {
            copied[dep] = true;
        }
        if let Base::Stage(below) = stage.base {
            based[below] = true;
        }
    }
    for (stage, facts) in cx.file.stages().iter().zip(&cx.facts.stages) {
        let index = stage.index;
        if !copied[index] || based[index] || facts.purpose != Purpose::Intermediate {
            continue;
        }
        for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
            let Some(kind) = instruction.kind() else { continue };
            if !matches!(
                kind,
                Keyword::Cmd
                    | Keyword::Entrypoint
                    | Keyword::Expose
                    | Keyword::Healthcheck
                    | Keyword::Stopsignal
                    | Keyword::Volume
            ) {
                continue;
            }
            let name = stage.name.as_deref().map_or_else(|| index.to_string(), str::to_owned);
            out.push(
                Finding::new(
                    cx.file.absolute(number, head(instruction)),
                    format!("Other stages only copy files from stage `{name}`, so this {kind} has no effect on what is built; delete it."),
                )
                .unneeded(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn stages() {
        let text = "FROM a AS b\nENV X=1\nEXPOSE 80\nCMD x\nFROM c\nCOPY --from=b / /\nCMD y\n";
        assert_eq!(lines("T027", text), [3, 4]);
        assert_eq!(lines("T027", "FROM a AS b\nCMD x\nFROM b\nCOPY --from=b / /\n"), [0; 0]);
        assert_eq!(lines("T027", "FROM a AS b\nCMD x\nFROM c\nCMD y\n"), [0; 0]);
        assert_eq!(lines("T027", "FROM a AS dev\nCMD x\nFROM c\nCOPY --from=dev / /\n"), [0; 0]);
    }
}
