//! E014 `undefined-var`.

use std::collections::HashMap;

use layerwise_syntax::suggest;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{head, on_first_line, variable};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "undefined-var",
        code: "E014",
        severity: Severity::Warning,
        buildkit: Some("UndefinedVar"),
        equivalents: &["UndefinedVar"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds variables that nothing above them sets: no ENV, no ARG of the stage, not the base image. Of a base image whose
environment is not known, only what looks like a misspelling of a known variable is reported.

## Why it matters

An undefined variable is empty, and the build goes on: a file ends up in another folder, or a setting is lost.

## Example

```dockerfile
FROM alpine:3.20
ENV APP_HOME=/app
WORKDIR $APP_HOM
```

## Use instead

```dockerfile
FROM alpine:3.20
ENV APP_HOME=/app
WORKDIR $APP_HOME
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`reportUnmatchedVariables`): once per word that uses it.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let state = &cx.step.state;
    let mut count: HashMap<&str, usize> = HashMap::new();
    for (name, near) in &cx.step.unmatched {
        let nth = count.entry(name).and_modify(|n| *n += 1).or_insert(0);
        let near = near.as_deref().filter(|near| is_misspelt(name, near, state.env_known));
        if !state.env_known && near.is_none() {
            continue;
        }
        let whole = cx.instruction.trimmed_range();
        let found = variable(cx.instruction, whole, name, *nth);
        let range = found.as_ref().map_or_else(|| head(cx.instruction), |r| on_first_line(cx.instruction, r));
        let message = match near {
            Some(near) => format!("`${name}` is not defined, so it is empty here; did you mean `${near}`?"),
            None => format!(
                "`${name}` is not defined, so it is empty here; set it with ENV or declare `ARG {name}` above."
            ),
        };
        let mut finding = Finding::new(range.clone(), message);
        if let Some(found) = found.as_ref().filter(|found| **found != range) {
            finding = finding.see(found.clone(), format!("`${name}` is used here"));
        }
        out.push(match (near, found) {
            (Some(near), Some(found)) => {
                finding.fix(Fix::replace(format!("Change to `{near}`"), found, near))
            }
            _ => finding,
        });
    }
}

/// Whether an undefined name is likely a misspelling of `near`, rather than something that an unknown base image sets or
/// that was never set. `GOPATH` is no misspelling of `PATH`.
fn is_misspelt(name: &str, near: &str, env_known: bool) -> bool {
    let is_name = near.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let prefixed = name.ends_with(near);
    let sure = if env_known {
        true
    } else {
        let is_longer = name.len() > near.len() || (name.len() == near.len() && !is_anagram(name, near));
        name.len() >= 4 && !is_longer
    };
    is_name && !prefixed && sure && suggest::is_misspelling(name, near)
}

fn is_anagram(a: &str, b: &str) -> bool {
    let sorted = |s: &str| {
        let mut bytes: Vec<u8> = s.bytes().collect();
        bytes.sort_unstable();
        bytes
    };
    sorted(a) == sorted(b)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn variables() {
        check(
            "E014",
            "\
FROM alpine
ENV PATH=$PAHT:/tmp/bin
          ^^^^ did you mean `$PATH`?
COPY $foo ${foo} .
      ^^^ declare `ARG foo`
            ^^^ not defined
ARG foo
COPY $foo .
RUN echo $nothing
CMD echo $nothing
LABEL a=$x b=\"$x\" c='$x'
         ^ not defined
               ^ not defined
WORKDIR ${y:-/x}
          ^ not defined
COPY a \\
^^^^^^ not defined
  $z
ARG a=$b b=$a c d=$c
       ^ not defined
FROM unknown
ARG DIR_ASSETS=x
COPY $DIR_ASSET $HOME $UID .
      ^^^^^^^^^ did you mean `$DIR_ASSETS`?
ENV GOPATH=$GOPATH:/x
FROM scratch
ENV GOPATH=$GOPATH:/x
            ^^^^^^ set it with ENV
COPY $DIR_ASSETS .
      ^^^^^^^^^^ not defined
",
        );
        // A stage on top of a known one knows its environment; mounts are expanded too.
        assert_eq!(lines("E014", "FROM alpine AS a\nENV x=1\nFROM a\nCOPY $x $y .\n"), [4]);
        assert_eq!(lines("E014", "FROM scratch\nRUN --mount=type=cache,target=$t x\n"), [2]);
        assert_eq!(lines("E014", "FROM scratch\nCOPY <<E /x\n$a\nE\nCOPY <<'E' /x\n$a\nE\n"), [2]);
        assert_eq!(fixed("E014", "FROM scratch\nENV A=$PAHT\n"), "FROM scratch\nENV A=$PATH\n");
    }
}
