//! E003 `duplicate-stage-name`.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "duplicate-stage-name",
        code: "E003",
        severity: Severity::Error,
        buildkit: Some("DuplicateStageName"),
        equivalents: &["DuplicateStageName", "DL3024"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds stages that have the name of an earlier stage. Case makes no difference.

## Why it matters

From there on the name means the later stage, and no name reaches the earlier one. Which of the two `COPY --from` and
`--target` mean is easy to get wrong.

## Example

```dockerfile
FROM golang:1.23 AS build
FROM node:22 AS build
```

## Use instead

```dockerfile
FROM golang:1.23 AS server
FROM node:22 AS client
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateStageNames`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut seen = HashMap::new();
    for stage in cx.file.stages() {
        let Some(name) = &stage.name else { continue };
        let instruction = cx.file.instruction(stage.from).1;
        let Some(word) = instruction.args().get(2) else { continue };
        let range = cx.file.absolute(stage.from, on_first_line(instruction, &word.range));
        match seen.get(name) {
            None => {
                seen.insert(name, (stage.from, range));
            }
            Some((first, first_range)) => out.push(
                Finding::new(
                    range,
                    format!(
                        "Stage name `{name}` is already used on line {}; below this line it means this stage. Give one of them another name.",
                        cx.file.line(*first)
                    ),
                )
                .see(first_range.clone(), format!("The first stage `{name}`")),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn names() {
        check(
            "E003",
            "\
FROM a AS one
FROM b
FROM c AS One
          ^^^ already used on line 1
FROM d AS two
FROM e AS ONE
          ^^^ already used on line 1
FROM f
",
        );
    }
}
