//! T017 `redundant-workdir`.

use layerwise_model::eval::{Command, Step};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-workdir",
        code: "T017",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds WORKDIR that names the folder to which its stage has gone already. A stage that repeats what it inherits is left
alone: it says what it needs.

## Why it matters

It changes nothing, makes a layer of its own, and lets the reader look for the reason.

## Example

```dockerfile
FROM alpine:3.20
WORKDIR /app
RUN make
WORKDIR /app
```

## Use instead

```dockerfile
FROM alpine:3.20
WORKDIR /app
RUN make
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut known = false;
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Workdir]) {
            let step = cx.eval.step(number);
            let Command::Workdir(path) = &step.command else { continue };
            let word = instruction.args().first().map_or("", |word| word.value.as_str());
            let unknown = is_unknown(step, word);
            let same = path.trim_end_matches('/') == step.state.dir.trim_end_matches('/');
            if known && same && !unknown {
                let text = format!(
                    "The working directory is `{}` already, so this WORKDIR changes nothing; delete it.",
                    step.state.dir
                );
                let range = cx.file.absolute(number, head(instruction));
                let finding = Finding::new(range, text).unneeded();
                out.push(if instruction.comments().is_empty() {
                    let all = cx.file.absolute(number, 0..instruction.source().len());
                    finding.fix(Fix::replace("Delete this WORKDIR", all, ""))
                } else {
                    finding
                });
            }
            known = !unknown && (known || word.starts_with(['/', '$']));
        }
    }
}

/// Whether a folder depends on what is not in the file: a variable of an unknown base image, or a build argument.
fn is_unknown(step: &Step, word: &str) -> bool {
    !step.unmatched.is_empty()
        || word.contains('$') && step.state.args.iter().any(|(name, _)| word.contains(name))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn folders() {
        assert_eq!(
            lines("T017", "FROM a\nWORKDIR /a\nWORKDIR b\nWORKDIR /a/b/\nWORKDIR .\nWORKDIR /a\n"),
            [4, 5]
        );
        for text in [
            "FROM a\nWORKDIR /a\nFROM a\nWORKDIR /a\n",
            "FROM a AS b\nWORKDIR /a\nFROM b\nWORKDIR /a\n",
            "FROM a\nWORKDIR /a\nWORKDIR $CATALINA_HOME\nWORKDIR /a\n",
            "FROM a\nARG DIR\nWORKDIR /a\nWORKDIR $DIR\nWORKDIR /a\n",
        ] {
            assert_eq!(lines("T017", text), [0; 0], "{text}");
        }
        assert_eq!(fixed("T017", "FROM a\nWORKDIR /a\nWORKDIR /a\nRUN x\n"), "FROM a\nWORKDIR /a\nRUN x\n");
    }
}
