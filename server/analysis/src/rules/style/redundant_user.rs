//! T018 `redundant-user`.

use layerwise_model::eval::Command;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-user",
        code: "T018",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds USER that names the user that its stage has chosen already. A stage that repeats what it inherits is left alone: it
says what it needs.

## Why it matters

It changes nothing, and lets the reader look for the reason.

## Example

```dockerfile
FROM alpine:3.20
USER app
RUN make
USER app
```

## Use instead

```dockerfile
FROM alpine:3.20
USER app
RUN make
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut chosen: Option<&str> = None;
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::User]) {
            let Command::User(user) = &cx.eval.step(number).command else { continue };
            let again = chosen.replace(user.as_str()) == Some(user.as_str());
            if !again || user.is_empty() {
                continue;
            }
            let text = format!("The user is `{user}` already, so this USER changes nothing; delete it.");
            let finding = Finding::new(cx.file.absolute(number, head(instruction)), text).unneeded();
            out.push(if instruction.comments().is_empty() {
                let all = cx.file.absolute(number, 0..instruction.source().len());
                finding.fix(Fix::replace("Delete this USER", all, ""))
            } else {
                finding
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn users() {
        assert_eq!(
            lines("T018", "FROM a AS b\nUSER x\nUSER y\nUSER y\nUSER x\nFROM b\nUSER x\nFROM a\nUSER x\n"),
            [4]
        );
        assert_eq!(fixed("T018", "FROM a\nUSER x\nUSER x\n"), "FROM a\nUSER x\n");
    }
}
