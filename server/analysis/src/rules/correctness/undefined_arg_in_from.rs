//! E012 `undefined-arg-in-from`.

use std::collections::HashSet;

use layerwise_model::eval::Expansion;
use layerwise_syntax::suggest;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{on_first_line, variable};
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "undefined-arg-in-from",
        code: "E012",
        severity: Severity::Error,
        buildkit: Some("UndefinedArgInFrom"),
        equivalents: &["UndefinedArgInFrom"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds variables in FROM that no ARG above the first FROM declares.

## Why it matters

Only ARGs before the first FROM, and predefined ones such as `TARGETPLATFORM`, exist in FROM. Any other variable is empty
there, whatever `--build-arg` says.

## Example

```dockerfile
FROM alpine:${VERSION}
```

## Use instead

```dockerfile
ARG VERSION=3.20
FROM alpine:${VERSION}
```
";

/// Among how many ARGs the nearest is looked for: more has no file that a person typed.
const MAX_NEAR: usize = 1_000;

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`reportUnusedFromArgs`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let declared: HashSet<&str> = cx.eval.global_names.iter().map(String::as_str).collect();
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let instruction = cx.file.instruction(stage.from).1;
        if !instruction.is_valid() {
            continue;
        }
        let image = instruction.args().first();
        let platform = instruction.flag_word("platform");
        let parts: [(Option<&Expansion>, _); 2] =
            [(Some(&evaluated.base_name), image), (evaluated.platform_flag.as_ref(), platform)];
        for (expansion, word) in parts {
            let (Some(expansion), Some(word)) = (expansion, word) else { continue };
            for name in &expansion.unmatched {
                if declared.contains(name.as_str()) {
                    continue;
                }
                let names = cx.eval.global_names.iter().map(String::as_str);
                let near = match declared.len() <= MAX_NEAR {
                    true => suggest::nearest(name, names.chain(cx.eval.globals.iter().map(|(n, _)| n)), true),
                    false => None,
                };
                let found = variable(instruction, word.range.clone(), name, 0);
                let range = on_first_line(instruction, found.as_ref().unwrap_or(&word.range));
                let what = "is not declared before the first FROM, so it is empty here";
                let message = match near {
                    Some(near) => format!("`${name}` {what}; did you mean `${near}`?"),
                    None => format!("`${name}` {what}; add `ARG {name}=value` above the first FROM."),
                };
                let finding = Finding::new(cx.file.absolute(stage.from, range), message);
                out.push(match (near, found) {
                    (Some(near), Some(found)) => {
                        let at = cx.file.absolute(stage.from, found);
                        finding.fix(Fix::replace(format!("Change to `{near}`"), at, near))
                    }
                    _ => finding,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn variables() {
        check(
            "E012",
            "\
ARG tag=latest
ARG empty
FROM a:${tag}${version} AS b
               ^^^^^^^ `ARG version=value`
FROM --platform=$BULIDPLATFORM a
                 ^^^^^^^^^^^^^ did you mean `$BUILDPLATFORM`?
FROM --platform=$BUILDPLATFORM a:$empty
FROM a:${none:-x}
         ^^^^ not declared
",
        );
        assert_eq!(lines("E012", "FROM $x AS a\nARG x\nFROM $x$x:$y\n"), [1, 3, 3]);
        let text = "ARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} busybox\n";
        assert_eq!(fixed("E012", text), text.replace("MYARCH", "MY_ARCH"));
    }
}
