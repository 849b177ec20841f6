//! T019 `redundant-env`.

use std::collections::HashSet;

use layerwise_model::eval::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-env",
        code: "T019",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds ENV that sets a variable to the value that its stage has given it already. A stage that repeats what it inherits is
left alone: it says what it needs.

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

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut set: HashSet<&str> = HashSet::new();
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Env]) {
            let step = cx.eval.step(number);
            let Command::Env(pairs) = &step.command else { continue };
            let state = &step.state;
            let words = instruction.args();
            for (at, (name, value)) in pairs.iter().enumerate() {
                // An ARG of the same value ends with the build; ENV keeps it.
                let again = set.contains(name.as_str())
                    && state.env.get(name) == Some(value.as_str())
                    && state.args.get(name).is_none();
                let (Some(key), Some(word)) = (words.get(at * 3), words.get(at * 3 + 1)) else { continue };
                // What builds on itself only happens to be the same, and BuildKit gives every image a PATH. What is set again
                // below in the same ENV is not alone.
                let own = word.value.contains('$') || name == "PATH";
                if !again || own || pairs.iter().filter(|(other, _)| other == name).count() > 1 {
                    continue;
                }
                let range = key.range.start..word.range.end.max(key.range.end);
                let finding = Finding::new(
                    cx.file.absolute(number, on_first_line(instruction, &range)),
                    format!(
                        "`{name}` has this value already, so setting it again changes nothing; delete it."
                    ),
                )
                .unneeded();
                out.push(if pairs.len() == 1 && instruction.comments().is_empty() {
                    let all = cx.file.absolute(number, 0..instruction.source().len());
                    finding.fix(Fix::replace("Delete this ENV", all, ""))
                } else {
                    finding
                });
            }
            set.extend(pairs.iter().map(|(name, _)| name.as_str()));
        }
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
