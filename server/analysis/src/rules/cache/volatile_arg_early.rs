//! C003 `volatile-arg-early`.

use layerwise_model::Stage;
use layerwise_syntax::Keyword;

use super::support::{
    above_reader, chief, declares, expensive, is_base, is_version, is_volatile, move_below, shown,
};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "volatile-arg-early",
        code: "C003",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds an ARG that gets a new value with every build (a commit, a date, a build number) above steps that do not use it.

## Why it matters

Every ARG that is declared is part of the environment of each RUN below it in the stage, whether that uses it or not. With
a new value all of them run again. COPY is not affected. Declared right above what uses it, it costs nothing. The fix
moves the ARG there; the image stays the same.

## Example

```dockerfile
FROM debian:bookworm-slim
ARG GIT_SHA
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
LABEL org.opencontainers.image.revision=$GIT_SHA
```

## Use instead

```dockerfile
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
ARG GIT_SHA
LABEL org.opencontainers.image.revision=$GIT_SHA
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        for number in stage.body.clone() {
            if cx.file.instruction(number).1.kind() == Some(Keyword::Arg) {
                out.extend(early(cx, stage, number));
            }
        }
    }
}

fn early(cx: &FileCx<'_>, stage: &Stage, number: usize) -> Option<Finding> {
    let (_, instruction) = cx.file.instruction(number);
    if !instruction.is_valid() {
        return None;
    }
    for word in instruction.args() {
        let (name, default) = match word.value.split_once('=') {
            Some((name, default)) => (name, default),
            None => (word.value.as_str(), ""),
        };
        // A version with a default is mostly that of something to install.
        let volatile = is_volatile(name) || (is_version(name) && default.is_empty());
        if !volatile {
            continue;
        }
        // The first of several declarations is what the steps see.
        if cx.file.instructions(stage.body.start..number).any(|(_, _, i)| declares(i, name)) {
            continue;
        }
        let above = above_reader(cx, stage, number, name);
        let Some(run) = expensive(cx, &above.runs) else { continue };
        if above.reader.is_none() && is_base(cx, stage.index) {
            continue;
        }
        let text = chief(cx, run).map_or_else(String::new, |c| shown(cx, run, c));
        let steps = match above.runs.len() {
            1 => format!("`{text}` on line {} again, which does not use it", cx.file.line(run)),
            several => format!(
                "{several} steps again that do not use it, such as `{text}` on line {}",
                cx.file.line(run)
            ),
        };
        let what = match above.reader {
            Some(reader) => format!("declare it just above line {}", cx.file.line(reader)),
            None => "nothing in this stage uses it: declare it at the end of the stage".to_owned(),
        };
        let message = format!(
            "A new value of `{name}` runs {steps}, because an ARG is part of the environment of every RUN below it; {what}."
        );
        let finding = Finding::new(cx.file.absolute(number, head(instruction)), message);
        let single = instruction.args().len() == 1 && !word.value.contains('$') && !above.again;
        let edits = above.reader.filter(|_| single).and_then(|reader| move_below(cx, number, reader));
        return Some(match (edits, above.reader) {
            (Some(edits), Some(reader)) => {
                let title = format!("Move the ARG just above line {}", cx.file.line(reader));
                finding.fix(Fix { edits, ..Fix::replace(title, 0..0, "") }.safe())
            }
            _ => finding,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn arguments_above_what_does_not_use_them() {
        check(
            "C003",
            "\
FROM debian
ARG BUILD_DATE
^^^^^^^^^^^^^^ A new value of `BUILD_DATE` runs 2 steps again that do not use it, such as `apt-get install -y curl` on line 4
ARG PORT=80
RUN apt-get install -y curl
RUN mkdir /x
LABEL date=$BUILD_DATE
",
        );
        for text in [
            "FROM a\nARG VERSION\nRUN apk add curl\nRUN curl https://x/$VERSION\n",
            "FROM a\nARG CI_COMMIT_SHA=x\nRUN apk add curl\nRUN make\n",
            "FROM a\nARG VCS_REF\nRUN apk add curl\n",
            "FROM a\nARG A GIT_COMMIT\nRUN apk add curl\nRUN make\n",
        ] {
            assert_eq!(lines("C003", text), [2], "{text}");
        }
        for text in [
            "FROM a\nARG GIT_SHA\nRUN make\nRUN apk add curl\n",
            "FROM a\nARG GIT_SHA\nRUN apk add curl && echo $GIT_SHA\n",
            "FROM a\nRUN apk add curl\nARG GIT_SHA\nRUN make\n",
            "FROM a\nARG GIT_SHA\nENV GIT_SHA=$GIT_SHA\nRUN apk add curl\n",
            "ARG GIT_SHA\nFROM a\nRUN apk add curl\n",
            "FROM a\nARG CACHEBUST\nRUN apk add curl\n",
            "FROM a\nARG VERSION=1.2\nRUN apk add curl\nRUN make\n",
            "FROM a\nARG NODE_VERSION\nRUN apk add curl\nRUN make\n",
            "FROM a AS b\nARG GIT_SHA\nRUN apk add curl\nFROM b\nRUN make\n",
            "FROM a\nARG GIT_SHA\nRUN mkdir /x\nRUN make\n",
            "FROM a\nARG GIT_SHA\nCOPY . .\nRUN ./build\n",
        ] {
            assert_eq!(lines("C003", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn they_move_down() {
        assert_eq!(
            fixed(
                "C003",
                "FROM a\n# when\nARG BUILD_DATE\nARG VCS_REF\n\nRUN apk add curl\n\n# labels\nLABEL a=$BUILD_DATE b=$VCS_REF\n"
            ),
            "FROM a\n\nRUN apk add curl\n\n# when\nARG BUILD_DATE\nARG VCS_REF\n# labels\nLABEL a=$BUILD_DATE b=$VCS_REF\n"
        );
        let twice = "FROM a\nARG GIT_SHA\nARG GIT_SHA\nRUN apk add curl\nRUN make\n";
        assert_eq!(lines("C003", twice), [2]);
        assert_eq!(fixed("C003", twice), twice);
        let computed = "FROM a\nARG X=1\nARG GIT_SHA=$X\nRUN apk add curl\nRUN make\n";
        assert_eq!(fixed("C003", computed), computed);
    }
}
