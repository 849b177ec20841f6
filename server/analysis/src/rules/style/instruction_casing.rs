//! T001 `instruction-casing`.

use std::ops::Range;

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "instruction-casing",
        code: "T001",
        severity: Severity::Info,
        buildkit: Some("ConsistentInstructionCasing"),
        equivalents: &["ConsistentInstructionCasing"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds keywords that are not written like most others in the file, all in upper case or all in lower case.

## Why it matters

Keywords are case-insensitive, so it builds all the same; one casing makes a file easier to scan.

## Example

```dockerfile
FROM alpine:3.20
run apk add curl
WORKDIR /app
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add curl
WORKDIR /app
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateCommandCasing`). ARGs before the first FROM neither
/// count nor are found.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let first = cx.file.stages().first().map_or(cx.file.len(), |stage| stage.from);
    let instructions: Vec<(usize, &str, Range<usize>)> = cx
        .file
        .instructions(first..cx.file.len())
        .filter(|(_, _, instruction)| instruction.kind().is_some())
        .map(|(number, _, instruction)| {
            let word = instruction.keyword();
            (number, word.value.as_str(), word.range.clone())
        })
        .collect();
    let is_lower = |word: &str| !word.bytes().any(|b| b.is_ascii_uppercase());
    let is_upper = |word: &str| !word.bytes().any(|b| b.is_ascii_lowercase());
    let lower = instructions.iter().filter(|(_, word, _)| is_lower(word)).count();
    let upper = instructions.iter().filter(|(_, word, _)| is_upper(word) && !is_lower(word)).count();
    let to_lower = lower > upper;
    for (number, word, range) in &instructions {
        if if to_lower { is_lower(word) } else { is_upper(word) } {
            continue;
        }
        let Some(keyword) = Keyword::parse(word).map(Keyword::as_str) else { continue };
        let text = if to_lower { keyword.to_lowercase() } else { keyword.to_owned() };
        let (count, case) = if to_lower { (lower, "lower") } else { (upper, "upper") };
        let range = cx.file.absolute(*number, range.clone());
        let message = match count {
            0 => format!("`{word}` is in mixed case; write `{text}`."),
            1 => format!("`{word}` is not in {case} case as the other keyword is; write `{text}`."),
            _ => format!("`{word}` is not in {case} case as {count} other keywords are; write `{text}`."),
        };
        let fix = Fix::replace(format!("Write `{text}`"), range.clone(), text).safe();
        out.push(Finding::new(range, message).fix(fix));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn casing() {
        check(
            "T001",
            "\
arg X=1
FROM a
run b
^^^ write `RUN`
Copy b c
^^^^ as 2 other keywords are
RUN d
",
        );
        assert_eq!(lines("T001", "from a\nCOPY a b\ncopy a b\n"), [2]);
        assert_eq!(lines("T001", "from a\nCOPY a b\n"), [1]);
        assert_eq!(lines("T001", "From a\n"), [1]);
        assert_eq!(lines("T001", "FROM a\nONBUILD run x\n"), [0; 0]);
        assert_eq!(fixed("T001", "frOM a\nfrom b\nRun c\n"), "from a\nfrom b\nrun c\n");
    }
}
