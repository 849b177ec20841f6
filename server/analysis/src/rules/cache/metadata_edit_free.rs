//! C038 `metadata-edit-free`.

use layerwise_syntax::{Form, Keyword};

use super::support::expensive;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "metadata-edit-free",
        code: "C038",
        severity: Severity::Hint,
        // It explains the cache, and asks for nothing.
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Notes LABEL, CMD, ENTRYPOINT, EXPOSE, HEALTHCHECK, STOPSIGNAL and VOLUME above a step that takes long, and SHELL where no
shell form stands below it. It is a note, not a fault.

## Why it matters

These instructions change the configuration of the image and no file, and BuildKit does not count them in the key of any
step: whoever edits one of them, or moves it, runs nothing again. ENV, ARG, USER and WORKDIR are another matter.

## Example

```dockerfile
FROM python:3.12
LABEL org.opencontainers.image.version=\"1.4\"
EXPOSE 8000
RUN pip install --no-cache-dir flask
```

## Use instead

Nothing, or the same at the end, for those who read the file with the order of other builders in mind:

```dockerfile
FROM python:3.12
RUN pip install --no-cache-dir flask
LABEL org.opencontainers.image.version=\"1.4\"
EXPOSE 8000
```
";

/// Instructions that no step is keyed by. Source: frontend/dockerfile/dockerfile2llb/convert.go, where they change the image's
/// configuration alone.
const FREE: [Keyword; 8] = [
    Keyword::Label,
    Keyword::Cmd,
    Keyword::Entrypoint,
    Keyword::Expose,
    Keyword::Healthcheck,
    Keyword::Stopsignal,
    Keyword::Volume,
    Keyword::Shell,
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut runs: Vec<usize> =
            cx.file.of_kind_in(stage.body.clone(), &[Keyword::Run]).map(|(number, _, _)| number).collect();
        runs.retain(|number| expensive(cx, &[*number]).is_some());
        let mut shell_form = None;
        let mut last = None;
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &FREE) {
            // One note for several in a row.
            let follows = last.replace(number).is_some_and(|last| last + 1 == number);
            let below = runs.get(runs.partition_point(|run| *run < number)..).unwrap_or_default();
            let Some(run) = below.first().filter(|_| !follows && instruction.is_valid()) else { continue };
            if instruction.kind() == Some(Keyword::Shell) {
                let last = *shell_form.get_or_insert_with(|| {
                    let is_one = |n: &usize| cx.file.instruction(*n).1.form() == Form::Shell;
                    stage.body.clone().rev().find(is_one)
                });
                if last > Some(number) {
                    continue;
                }
            }
            let keyword = instruction.keyword().value.to_uppercase();
            let message = format!(
                "An edit of this {keyword} runs nothing again, not even the RUN of line {} below it: it changes the image's configuration alone.",
                cx.file.line(*run)
            );
            out.push(Finding::new(cx.file.absolute(number, head(instruction)), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn what_no_step_is_keyed_by() {
        check(
            "C038",
            "\
FROM a
EXPOSE 80
^^^^^^^^^ An edit of this EXPOSE runs nothing again, not even the RUN of line 4
LABEL a=b
RUN apk add curl
CMD [\"a\"]
",
        );
        for text in [
            "FROM a\nENV A=b\nUSER b\nRUN apk add curl\n",
            "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nRUN apk add curl\n",
            "FROM a\nLABEL a=b\nRUN ln -s a b\n",
        ] {
            assert_eq!(lines("C038", text), [0; 0], "{text}");
        }
        assert_eq!(
            lines("C038", "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nRUN [\"apk\", \"add\", \"curl\"]\n"),
            [2]
        );
    }
}
