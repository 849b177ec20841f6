//! C020 `duplicate-stage-prefix`.

use std::collections::HashMap;

use layerwise_syntax::{Instruction, Keyword};

use super::support::expensive;
use crate::actions::layout::Layout;
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "duplicate-stage-prefix",
        code: "C020",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds stages that start from the same image with the same instructions as a stage above, a RUN that installs or downloads something among
them.

## Why it matters

BuildKit runs equal steps once, so this costs no time as long as they are equal. An edit that reaches one of the two only, or
a blank too many in one RUN, makes them two steps, which both run and both are kept. In a stage of their own they stay one.

## Example

```dockerfile
FROM node:22 AS deps
WORKDIR /app
RUN npm install -g pnpm@9
RUN echo deps

FROM node:22 AS build
WORKDIR /app
RUN npm install -g pnpm@9
RUN echo build
```

## Use instead

```dockerfile
FROM node:22 AS base
WORKDIR /app
RUN npm install -g pnpm@9

FROM base AS deps
RUN echo deps

FROM base AS build
RUN echo build
```
";

/// How many instructions two stages are compared for.
const MAX_PREFIX: usize = 64;

fn text(instruction: &Instruction) -> &str {
    &instruction.source()[instruction.trimmed_range()]
}

/// FROM as far as it says what the stage starts from: flags and image.
fn start(instruction: &Instruction) -> Option<&str> {
    let image = instruction.args().first()?;
    instruction.source().get(instruction.trimmed_range().start..image.range.end)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let stages = cx.file.stages();
    if stages.len() < 2 {
        return;
    }
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (index, stage) in stages.iter().enumerate() {
        let (_, from) = cx.file.instruction(stage.from);
        let Some(start) = start(from) else { continue };
        let Some(&other) = first.get(start) else {
            first.insert(start, index);
            continue;
        };
        let above = &stages[other];
        let equal = above
            .body
            .clone()
            .zip(stage.body.clone())
            .take(MAX_PREFIX)
            .take_while(|(a, b)| {
                let (a, b) = (cx.file.instruction(*a).1, cx.file.instruction(*b).1);
                a.kind().is_some() && text(a) == text(b)
            })
            .count();
        // What takes no time is repeated for no harm.
        let shared_runs = cx.file.of_kind_in(stage.body.start..stage.body.start + equal, &[Keyword::Run]);
        let runs: Vec<usize> = shared_runs.map(|(number, _, _)| number).collect();
        if equal < 2 || expensive(cx, &runs).is_none() {
            continue;
        }
        let name = match &above.name {
            Some(name) => format!("`{name}`"),
            None => other.to_string(),
        };
        let message = format!(
            "The first {equal} instructions are those of stage {name}, line {}; put them into a stage of their own that both start from, so that they stay one set of steps.",
            cx.file.line(above.from)
        );
        let range = cx.file.absolute(stage.from, head(from));
        let mut finding = Finding::new(range, message).see(cx.file.range(above.from), "The stage above");
        finding.fixes.extend(shared(cx, other, index, equal));
        out.push(finding);
    }
}

/// Puts the instructions that two stages share into a new one above them.
fn shared(cx: &FileCx<'_>, first: usize, second: usize, equal: usize) -> Option<Fix> {
    let stages = cx.file.stages();
    let (first, second) = (stages.get(first)?, stages.get(second)?);
    let newline = Layout::of(cx.file).newline;
    let text = cx.file.parsed().text();
    let name = ["base", "common", "shared"].into_iter().find(|name| {
        !stages.iter().any(|stage| stage.name.as_deref() == Some(name))
            && !cx.file.all().any(|(_, _, i)| i.source().contains(&format!("from={name}")))
    })?;
    // Numbers of stages would mean others.
    let numbered = cx.file.all().any(|(_, _, i)| {
        i.flags().iter().any(|flag| {
            flag.value
                .split("from=")
                .skip(1)
                .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '$'))
        })
    });
    let whole = |stage: &layerwise_model::Stage| {
        let from = cx.file.instruction(stage.from).0.range().end;
        let last = cx.file.instruction(stage.body.start + equal - 1).0.range().end;
        (from, last)
    };
    let ((a, a_end), (b, b_end)) = (whole(first), whole(second));
    let prefix = text.slice(a..a_end).into_owned();
    if numbered || prefix != text.slice(b..b_end) || !prefix.ends_with('\n') {
        return None;
    }
    let (_, from) = cx.file.instruction(first.from);
    let begin = from.trimmed_range().start;
    let image = from.args().first()?.range.clone();
    let base = from.source().get(begin..image.end)?;
    let mut edits = vec![Edit {
        range: cx.file.absolute(first.from, begin..begin),
        text: format!("{base} AS {name}{newline}{prefix}{newline}"),
    }];
    for (stage, range) in [(first, a..a_end), (second, b..b_end)] {
        let (_, from) = cx.file.instruction(stage.from);
        let start = from.flags().first().map_or(from.args().first()?.range.start, |flag| flag.range.start);
        let range_of = start..from.args().first()?.range.end;
        edits.push(Edit { range: cx.file.absolute(stage.from, range_of), text: name.to_owned() });
        edits.push(Edit { range, text: String::new() });
    }
    Some(Fix { edits, ..Fix::replace(format!("Put them into a stage `{name}`"), 0..0, "") })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn equal_beginnings() {
        check(
            "C020",
            "\
FROM node AS a
WORKDIR /x
RUN npm install -g pnpm@9
COPY a .
FROM node AS b
^^^^^^^^^^^^^^ The first 2 instructions are those of stage `a`, line 1
WORKDIR /x
RUN npm install -g pnpm@9
COPY b .
",
        );
        for text in [
            "FROM a AS x\nWORKDIR /x\nRUN apk add y\nFROM b\nWORKDIR /x\nRUN apk add y\n",
            "FROM a AS x\nRUN apk add y\nFROM a\nRUN apk add y\n",
            "FROM a AS x\nWORKDIR /x\nENV a=b\nFROM a\nWORKDIR /x\nENV a=b\n",
            "FROM a AS x\nWORKDIR /x\nRUN apk add y\nFROM a\nWORKDIR /y\nRUN apk add y\n",
        ] {
            assert_eq!(lines("C020", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed(
                "C020",
                "# x\nFROM --platform=$BUILDPLATFORM node AS a\nWORKDIR /x\nRUN apk add y\nCOPY a .\nFROM --platform=$BUILDPLATFORM node\nWORKDIR /x\nRUN apk add y\nCOPY b .\n"
            ),
            "# x\nFROM --platform=$BUILDPLATFORM node AS base\nWORKDIR /x\nRUN apk add y\n\nFROM base AS a\nCOPY a .\nFROM base\nCOPY b .\n"
        );
        let same = "FROM node AS a\nWORKDIR /x\nRUN apk add y\nFROM node\nWORKDIR /x\nRUN apk add y\nCOPY --from=0 a .\n";
        assert_eq!(fixed("C020", same), same);
    }
}
