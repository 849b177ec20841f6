//! C004 `volatile-env-early`.

use layerwise_model::Stage;
use layerwise_model::eval::Command;
use layerwise_syntax::Keyword;

use super::support::{
    above_reader, chief, expensive, is_base, is_version, is_volatile, mentions, move_below, shown,
};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "volatile-env-early",
        code: "C004",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds an ENV that changes with every release or build (a version, a commit, a date) above steps that do not use it.

## Why it matters

The environment is part of the key of every RUN below. With a new value all of them run again. COPY is not affected.
Further down it costs nothing, and the container sees it all the same.

## Example

```dockerfile
FROM debian:bookworm-slim
ENV APP_VERSION=1.4.2
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
RUN curl -fsSLo /app https://example.com/app-$APP_VERSION
```

## Use instead

```dockerfile
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*
ENV APP_VERSION=1.4.2
RUN curl -fsSLo /app https://example.com/app-$APP_VERSION
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        for (number, _, _) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Env]) {
            out.extend(early(cx, stage, number));
        }
    }
}

fn early(cx: &FileCx<'_>, stage: &Stage, number: usize) -> Option<Finding> {
    let (_, instruction) = cx.file.instruction(number);
    let Command::Env(pairs) = &cx.eval.steps.get(number)?.command else { return None };
    // What is set beside it may be needed where it stands.
    let [(name, _)] = pairs.as_slice() else { return None };
    if !instruction.is_valid() || !(is_volatile(name) || is_version(name)) {
        return None;
    }
    let above = above_reader(cx, stage, number, name);
    let run = expensive(cx, &above.runs)?;
    if above.reader.is_none() && is_base(cx, stage.index) {
        return None;
    }
    let text = chief(cx, run).map_or_else(String::new, |c| shown(cx, run, c));
    let steps = match above.runs.len() {
        1 => format!("`{text}` on line {} again, which does not use it", cx.file.line(run)),
        several => {
            format!(
                "{several} steps again that do not use it, such as `{text}` on line {}",
                cx.file.line(run)
            )
        }
    };
    let last = above.runs.last().copied().unwrap_or(run);
    let (reader, what) = match above.reader {
        Some(reader) => (reader, format!("set it just above line {}", cx.file.line(reader))),
        None => (last + 1, format!("set it below line {}", cx.file.end_line(last))),
    };
    let message = format!("A new value of `{name}` runs {steps}; {what}.");
    let finding = Finding::new(cx.file.absolute(number, head(instruction)), message);
    // What its value is made of must be the same down there.
    let same = !instruction.source().contains('$')
        || cx.file.instructions(number + 1..reader.min(stage.body.end)).all(|(_, _, i)| {
            !matches!(i.kind(), Some(Keyword::Env | Keyword::Arg))
                || !i.args().iter().any(|w| {
                    w.value.split(['=', ' ']).next().is_some_and(|n| mentions(instruction.source(), n))
                })
        });
    let edits = (same && reader < stage.body.end).then(|| move_below(cx, number, reader)).flatten();
    Some(match edits {
        Some(edits) => {
            let title = format!("Move the ENV just above line {}", cx.file.line(reader));
            finding.fix(Fix { edits, ..Fix::replace(title, 0..0, "") })
        }
        None => finding,
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn variables_above_what_does_not_use_them() {
        check(
            "C004",
            "\
FROM debian
ENV VERSION 1.2
^^^^^^^^^^^^^^^ A new value of `VERSION` runs `apt-get install -y curl` on line 3 again, which does not use it; set it just above line 4.
RUN apt-get update && apt-get install -y curl
RUN curl https://x/$VERSION
",
        );
        assert_eq!(
            lines("C004", "FROM a\nENV GIT_COMMIT=x\nRUN apk add x\nCMD [\"echo\", \"$GIT_COMMIT\"]\n"),
            [2]
        );
        for text in [
            "FROM a\nENV NODE_ENV=production\nRUN npm ci\nCMD x\n",
            "FROM a\nENV VERSION=1 PATH=/x:$PATH\nRUN apk add x\nRUN echo $VERSION\n",
            "FROM a\nENV VERSION=1\nRUN apk add x=$VERSION\n",
            "FROM a\nENV VERSION=1\nRUN make\nRUN apk add x\n",
            "FROM a\nRUN apk add x\nENV VERSION=1\nRUN echo $VERSION\n",
            "FROM a\nENV VERSION=1\nENV V=$VERSION\nRUN apk add x\n",
        ] {
            assert_eq!(lines("C004", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn they_move_down() {
        assert_eq!(
            fixed("C004", "FROM a\nENV APP_VERSION=1\nRUN apk add x\nEXPOSE 80\nRUN echo $APP_VERSION\n"),
            "FROM a\nRUN apk add x\nEXPOSE 80\nENV APP_VERSION=1\nRUN echo $APP_VERSION\n"
        );
        assert_eq!(
            fixed("C004", "FROM a\nENV REVISION=1\nRUN apk add x\nCMD [\"x\"]\n"),
            "FROM a\nRUN apk add x\nENV REVISION=1\nCMD [\"x\"]\n"
        );
    }
}
