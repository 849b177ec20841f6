//! E038 `onbuild-invalid-trigger`.

use layerwise_syntax::{Keyword, suggest};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "onbuild-invalid-trigger",
        code: "E038",
        severity: Severity::Error,
        equivalents: &["DL3043", "tally/invalid-onbuild-trigger"],
        fix: FixClass::Suggestion,
        supersedes: &["syntax-error"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ONBUILD with what cannot be triggered: ONBUILD, FROM, MAINTAINER, and words that are no instruction.

## Why it matters

The first three fail at once. A misspelt instruction is worse: this image builds, and every build on top of it fails.

## Example

```dockerfile
FROM node:22
ONBUILD CPOY . /app
```

## Use instead

```dockerfile
FROM node:22
ONBUILD COPY . /app
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild {
        return;
    }
    let Some(trigger) = cx.instruction.trigger() else { return };
    let word = trigger.keyword();
    match trigger.kind() {
        Some(Keyword::Onbuild) => {
            let message = "ONBUILD cannot trigger another ONBUILD; name the instruction that has to run.";
            out.push(Finding::new(word.range.clone(), message));
        }
        Some(kind @ (Keyword::From | Keyword::Maintainer)) => {
            let message = format!("ONBUILD cannot trigger {kind}, so BuildKit refuses the file; remove it.");
            out.push(Finding::new(word.range.clone(), message));
        }
        Some(_) => {}
        None if word.value.is_empty() => {}
        None => {
            let known = Keyword::ALL.iter().map(|keyword| keyword.as_str());
            let near = suggest::nearest(&word.value, known, false);
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or(".".to_owned());
            let message = format!(
                "`{}` is no instruction: this image builds, and every build on top of it fails{meant}",
                word.value
            );
            let finding = Finding::new(word.range.clone(), message);
            out.push(match near {
                Some(near) => {
                    finding.fix(Fix::replace(format!("Change to `{near}`"), word.range.clone(), near))
                }
                None => finding,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, fixed};

    #[test]
    fn triggers() {
        check(
            "E038",
            "\
FROM a
ONBUILD FROM b
        ^^^^ cannot trigger FROM
ONBUILD maintainer me
        ^^^^^^^^^^ cannot trigger MAINTAINER
ONBUILD ONBUILD RUN x
        ^^^^^^^ another ONBUILD
ONBUILD CPOY a b
        ^^^^ did you mean `COPY`?
ONBUILD nothing a b
        ^^^^^^^ every build on top of it fails.
ONBUILD RUN x
",
        );
        let rules =
            diagnostics("FROM a:1\nONBUILD FROM b:1\n", &[]).iter().map(|d| d.rule).collect::<Vec<_>>();
        assert_eq!(rules, ["onbuild-invalid-trigger"]);
        assert_eq!(fixed("E038", "FROM a\nONBUILD RUNN x\n"), "FROM a\nONBUILD RUN x\n");
    }
}
