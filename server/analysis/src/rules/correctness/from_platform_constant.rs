//! E054 `from-platform-constant`.

use layerwise_model::Platform;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "from-platform-constant",
        code: "E054",
        severity: Severity::Warning,
        buildkit: Some("FromPlatformFlagConstDisallowed"),
        equivalents: &["FromPlatformFlagConstDisallowed", "DL3029"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `FROM --platform=` with a constant, unless the stage's name says which platform it is for.

## Why it matters

A constant pins every build to one platform: `docker build --platform=linux/arm64` still gets this one, and on another
machine the stage runs under emulation. Leave the flag out, use `$BUILDPLATFORM` for a stage that cross-compiles, or name
the stage after its platform.

## Example

```dockerfile
FROM --platform=linux/amd64 alpine:3.20
```

## Use instead

```dockerfile
FROM --platform=linux/amd64 alpine:3.20 AS base-amd64
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`reportConstPlatformDisallowed`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let Some(flag) = &evaluated.platform_flag else { continue };
        if !flag.matched.is_empty() || !flag.unmatched.is_empty() {
            continue;
        }
        let Ok(platform) = Platform::parse(&flag.value) else { continue };
        let name = stage.name.as_deref().unwrap_or_default();
        if name.contains(&platform.os) || name.contains(&platform.architecture) {
            continue;
        }
        let instruction = cx.file.instruction(stage.from).1;
        let Some(word) = instruction.flag_word("platform").filter(|_| instruction.is_valid()) else {
            continue;
        };
        out.push(Finding::new(
            cx.file.absolute(stage.from, on_first_line(instruction, &word.range)),
            format!(
                "`{}` pins this stage to one platform whatever `docker build --platform` asks for; leave it out, use `$BUILDPLATFORM`, or name the stage after the platform.",
                word.value
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn constants() {
        check(
            "E054",
            "\
ARG P=linux/amd64
FROM --platform=linux/amd64 a
     ^^^^^^^^^^^^^^^^^^^^^^ pins this stage
FROM --platform=linux/x86_64 a AS my_amd64_stage
FROM --platform=linux/amd64 a AS linux
FROM --platform=arm64 a AS b
     ^^^^^^^^^^^^^^^^ pins
FROM --platform=$P a
FROM --platform=nonsense a
FROM --platform=linux/$NONE a
",
        );
    }
}
