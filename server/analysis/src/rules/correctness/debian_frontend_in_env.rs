//! E063 `debian-frontend-in-env`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "debian-frontend-in-env",
        code: "E063",
        severity: Severity::Warning,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `ENV DEBIAN_FRONTEND=noninteractive`.

## Why it matters

ENV is part of the image: every container, and every image built on this one, then installs packages without asking, also where a person sits at the terminal. An ARG holds during the build only.

## Example

```dockerfile
FROM debian:12
ENV DEBIAN_FRONTEND=noninteractive
```

## Use instead

```dockerfile
FROM debian:12
ARG DEBIAN_FRONTEND=noninteractive
```
";

/// Source: Docker's documentation of ENV, which names this case.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if instruction.kind() != Some(Keyword::Env) || cx.onbuild {
        return;
    }
    // The arguments are triples: name, value, separator.
    for triple in instruction.args().chunks(3) {
        let [name, value, ..] = triple else { continue };
        if name.value != "DEBIAN_FRONTEND" || !value.value.to_ascii_lowercase().contains("noninteractive") {
            continue;
        }
        let finding = Finding::new(
            name.range.start..value.range.end.max(name.range.end),
            "DEBIAN_FRONTEND stays set in every container of this image and in images built on it; use ARG, which holds during the build only.",
        );
        let keyword = instruction.keyword();
        let text = if keyword.value.bytes().all(|b| b.is_ascii_lowercase()) { "arg" } else { "ARG" };
        let mut edits = vec![(keyword.range.clone(), text.to_owned())];
        // `ENV name value` has a space where ARG needs a sign.
        let between = name.range.end..value.range.start;
        if instruction
            .source()
            .get(between.clone())
            .is_some_and(|gap| gap.trim().is_empty() && !gap.is_empty())
        {
            edits.push((between, "=".to_owned()));
        }
        let mut fix = Fix::replace("Use ARG", 0..0, "");
        fix.edits = edits.into_iter().map(|(range, text)| crate::fix::Edit { range, text }).collect();
        let alone = instruction.args().len() <= 3;
        out.push(if alone { finding.fix(fix) } else { finding });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E063",
            "FROM a\nENV A=1 DEBIAN_FRONTEND=noninteractive\n        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ use ARG\nARG DEBIAN_FRONTEND=noninteractive\nENV DEBIAN_FRONTEND=dialog\n",
        );
        assert_eq!(lines("E063", "FROM a\nENV DEBIAN_FRONTEND noninteractive\n"), [2]);
        for env in ["ENV DEBIAN_FRONTEND noninteractive", "ENV DEBIAN_FRONTEND=noninteractive"] {
            assert_eq!(
                fixed("E063", &format!("FROM a\n{env}\n")),
                "FROM a\nARG DEBIAN_FRONTEND=noninteractive\n"
            );
        }
    }
}
