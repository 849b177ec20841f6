//! C041 `target-mismatch-host-path`.

use std::ops::Range;

use layerwise_model::eval::Command;
use layerwise_syntax::{Form, Instruction, Keyword};

use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "target-mismatch-host-path",
        code: "C041",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds three or more COPYs in a row that put their sources into one and the same directory.

## Why it matters

Each makes a layer, and nothing is cached better for it: what stands below them runs again when any of them changes, as it
does with one COPY of all the sources.

## Example

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json ./
COPY package-lock.json ./
COPY tsconfig.json ./
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
```
";

/// From how many on it is worth a word.
const MANY: usize = 3;

/// How wide the line of a fix may be.
const MAX_WIDTH: usize = 120;

fn flags(instruction: &Instruction) -> Vec<&str> {
    instruction.flags().iter().map(|flag| flag.value.as_str()).collect()
}

/// Whether the second COPY puts its sources where the first one does, in the same way.
fn fits(cx: &FileCx<'_>, first: usize, second: usize) -> bool {
    let (Command::Copy(a), Command::Copy(b)) = (&cx.eval.step(first).command, &cx.eval.step(second).command)
    else {
        return false;
    };
    let (one, other) = (cx.file.instruction(first).1, cx.file.instruction(second).1);
    a.dest_path == b.dest_path
        && a.dest_path.ends_with('/')
        && a.from == b.from
        && flags(one) == flags(other)
        && [one, other].iter().all(|i| {
            i.kind() == Some(Keyword::Copy)
                && i.form() == Form::Words
                && i.heredocs().is_empty()
                && i.is_valid()
        })
        && !a.sources.is_empty()
        && !b.sources.is_empty()
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut at = stage.body.start;
        while at < stage.body.end {
            let mut end = at + 1;
            while end < stage.body.end && fits(cx, at, end) {
                end += 1;
            }
            if end - at >= MANY {
                let (_, instruction) = cx.file.instruction(at);
                let Command::Copy(copy) = &cx.eval.step(at).command else { break };
                let message = format!(
                    "{} COPYs in a row fill `{}`, each with a layer of its own; one COPY with all their sources is cached just as well.",
                    end - at,
                    copy.dest
                );
                let range = cx.file.absolute(at, head(instruction));
                let last = cx.file.range(end - 1);
                let mut finding = Finding::new(range, message).see(last, "The last of them");
                finding.fixes.extend(joined(cx, at..end));
                out.push(finding);
            }
            at = end;
        }
    }
}

/// One COPY of all sources, if nothing but these COPYs stands there.
fn joined(cx: &FileCx<'_>, numbers: Range<usize>) -> Option<Fix> {
    let (placed, first) = cx.file.instruction(numbers.start);
    let dest = first.args().last()?;
    let mut sources = Vec::new();
    for number in numbers.clone() {
        let (_, instruction) = cx.file.instruction(number);
        let follows = cx.file.block_of(number) == cx.file.block_of(numbers.start) + (number - numbers.start);
        if !follows || instruction.source().trim().contains('\n') {
            return None;
        }
        let (_, words) = instruction.args().split_last()?;
        for word in words {
            sources.push(instruction.source().get(word.range.clone())?);
        }
    }
    let start = first.args().first()?.range.start;
    let before = first.source().get(..start)?;
    let target = first.source().get(dest.range.clone())?;
    let line = format!("{before}{} {target}", sources.join(" "));
    if line.len() > MAX_WIDTH {
        return None;
    }
    let end = cx.file.range(numbers.end - 1).end;
    let edits = vec![Edit { range: placed.start..end, text: line }];
    Some(Fix { edits, ..Fix::replace("Copy them all at once", 0..0, "") }.safe())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn copies_in_a_row() {
        check(
            "C041",
            "\
FROM a
WORKDIR /app
COPY a .
^^^^^^^^ 3 COPYs in a row fill `.`
COPY b ./
COPY c /app/
COPY d /app/d/
",
        );
        for text in [
            "FROM a\nCOPY a /x/\nCOPY b /x/\n",
            "FROM a\nCOPY a /x\nCOPY b /x\nCOPY c /x\n",
            "FROM a\nCOPY a /x/\nCOPY --chown=1 b /x/\nCOPY c /x/\n",
            "FROM a\nCOPY a /x/\nRUN y\nCOPY b /x/\nCOPY c /x/\n",
        ] {
            assert_eq!(lines("C041", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed(
                "C041",
                "FROM a\nCOPY --chown=1 a /x/\nCOPY --chown=1 b c /x/\nCOPY --chown=1 d /x/\nRUN y\n"
            ),
            "FROM a\nCOPY --chown=1 a b c d /x/\nRUN y\n"
        );
        let same = "FROM a\nCOPY a /x/\n# why\nCOPY b /x/\nCOPY c /x/\n";
        assert_eq!(fixed("C041", same), same);
    }
}
