//! C024 `workdir-source-date-epoch`.

use layerwise_syntax::Keyword;

use super::support::{declares, expensive};
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "workdir-source-date-epoch",
        code: "C024",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a WORKDIR above a step that takes long, in a file that declares SOURCE_DATE_EPOCH without a value of its own.

## Why it matters

BuildKit makes the directory with the time that the build argument SOURCE_DATE_EPOCH says, and keys the WORKDIR by it. If that
is the time of the last commit, as is usual, each commit makes another WORKDIR, and all steps below it run again. RUN is
keyed by it only where an ARG above declares it in the stage.

## Example

```dockerfile
FROM debian:12
ARG SOURCE_DATE_EPOCH
WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends libpq5
COPY . .
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends libpq5
ARG SOURCE_DATE_EPOCH
WORKDIR /app
COPY . .
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let name = "SOURCE_DATE_EPOCH";
    let open = |number: usize| {
        let (_, instruction) = cx.file.instruction(number);
        declares(instruction, name) && instruction.args().iter().any(|word| word.value == name)
    };
    if !cx.file.of_kind(&[Keyword::Arg]).any(|(number, _, _)| open(number)) {
        return;
    }
    for stage in cx.file.stages() {
        let Some((number, _, instruction)) =
            cx.file.of_kind_in(stage.body.clone(), &[Keyword::Workdir]).next()
        else {
            continue;
        };
        let below: Vec<usize> = cx
            .file
            .of_kind_in(number + 1..stage.body.end, &[Keyword::Run])
            .map(|(number, _, _)| number)
            .collect();
        let Some(run) = expensive(cx, &below) else { continue };
        let message = format!(
            "This WORKDIR is keyed by SOURCE_DATE_EPOCH: with the time of the last commit there, each commit runs the RUN of line {} again; put the WORKDIR below it, or pass a time that changes with releases only.",
            cx.file.line(run)
        );
        out.push(Finding::new(cx.file.absolute(number, head(instruction)), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn keyed_by_the_time() {
        check(
            "C024",
            "\
ARG SOURCE_DATE_EPOCH
FROM debian
WORKDIR /app
^^^^^^^^^^^^ each commit runs the RUN of line 4 again
RUN apt-get install -y a
",
        );
        for text in [
            "FROM debian\nWORKDIR /app\nRUN apt-get install -y a\n",
            "FROM debian\nARG SOURCE_DATE_EPOCH=0\nWORKDIR /app\nRUN apt-get install -y a\n",
            "FROM debian\nRUN apt-get install -y a\nARG SOURCE_DATE_EPOCH\nWORKDIR /app\n",
        ] {
            assert_eq!(lines("C024", text), [0; 0], "{text}");
        }
    }
}
