//! T019 `redundant-env`.

use layerwise_model::eval::Command;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-env",
        code: "T019",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ENV that sets a variable to the value that it has already.

## Why it matters

It changes nothing, and lets the reader look for the reason.

## Example

```dockerfile
FROM alpine:3.20
ENV PORT=80
RUN make
ENV PORT=80
```

## Use instead

```dockerfile
FROM alpine:3.20
ENV PORT=80
RUN make
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Command::Env(pairs) = &cx.step.command else { return };
    if cx.onbuild {
        return;
    }
    let state = &cx.step.state;
    for (at, (name, value)) in pairs.iter().enumerate() {
        // An ARG of the same value ends with the build; ENV keeps it. What is set again below in the same ENV is not alone.
        let twice = pairs.iter().filter(|(other, _)| other == name).count() > 1;
        let again = state.env.get(name) == Some(value.as_str()) && state.args.get(name).is_none() && !twice;
        let words = cx.instruction.args();
        let (Some(key), Some(word)) = (words.get(at * 3), words.get(at * 3 + 1)) else { continue };
        // What builds on itself only happens to be the same, and BuildKit gives every image a PATH.
        if !again || word.value.contains('$') || name == "PATH" {
            continue;
        }
        let range = key.range.start..word.range.end.max(key.range.end);
        let finding = Finding::new(
            on_first_line(cx.instruction, &range),
            format!("`{name}` has this value already, so setting it again changes nothing; delete it."),
        )
        .unneeded();
        out.push(if pairs.len() == 1 && cx.instruction.comments().is_empty() {
            finding.fix(Fix::replace("Delete this ENV", 0..cx.instruction.source().len(), ""))
        } else {
            finding
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn values() {
        assert_eq!(
            lines("T019", "FROM a\nENV A=1 B=2\nENV C=3 B=2\nENV A=2\nENV A=1\nARG D=4\nENV D=4\nENV A=$A\n"),
            [3]
        );
        assert_eq!(fixed("T019", "FROM a\nENV A 1\nENV A=1\nRUN x\n"), "FROM a\nENV A 1\nRUN x\n");
        assert_eq!(
            lines(
                "T019",
                "FROM alpine\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
            ),
            [0; 0]
        );
    }
}
