//! E055 `redundant-target-platform`.

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-target-platform",
        code: "E055",
        severity: Severity::Info,
        buildkit: Some("RedundantTargetPlatform"),
        equivalents: &["RedundantTargetPlatform", "DL3065"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `FROM --platform=$TARGETPLATFORM`.

## Why it matters

The target platform is what FROM uses anyway; the flag only makes the line longer.

## Example

```dockerfile
FROM --platform=$TARGETPLATFORM alpine:3.20
```

## Use instead

```dockerfile
FROM alpine:3.20
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`reportRedundantTargetPlatform`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let Some(flag) = &evaluated.platform_flag else { continue };
        let only = flag.unmatched.is_empty()
            && matches!(flag.matched.as_slice(), [name] if name == "TARGETPLATFORM");
        if !only || cx.eval.globals.get("TARGETPLATFORM") != Some(flag.value.as_str()) {
            continue;
        }
        let instruction = cx.file.instruction(stage.from).1;
        let Some(word) = instruction.flag_word("platform").filter(|_| instruction.is_valid()) else {
            continue;
        };
        let finding = Finding::new(
            cx.file.absolute(stage.from, on_first_line(instruction, &word.range)),
            format!("`{}` is what FROM does without it; remove it.", word.value),
        )
        .unneeded();
        let behind = &instruction.source()[word.range.end..];
        let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        out.push(if blanks > 0 {
            let range = cx.file.absolute(stage.from, word.range.start..word.range.end + blanks);
            finding.fix(Fix::replace("Remove the flag", range, "").safe())
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn flags() {
        check(
            "E055",
            "\
FROM --platform=$TARGETPLATFORM a
     ^^^^^^^^^^^^^^^^^^^^^^^^^^ remove it
FROM --platform=${TARGETPLATFORM} a AS b
     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ remove it
FROM --platform=$BUILDPLATFORM a
FROM --platform=$TARGETOS/$TARGETARCH a
FROM --platform=${TARGETPLATFORM}$NONE a
",
        );
        assert_eq!(lines("E055", "ARG TARGETPLATFORM=linux/s390x\nFROM --platform=$TARGETPLATFORM a\n"), [2]);
        assert_eq!(fixed("E055", "FROM --platform=$TARGETPLATFORM  a AS b\n"), "FROM a AS b\n");
    }
}
