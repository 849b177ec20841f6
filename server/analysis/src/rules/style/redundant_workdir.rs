//! T017 `redundant-workdir`.

use layerwise_model::eval::Command;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-workdir",
        code: "T017",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds WORKDIR that names the folder where the build is already.

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

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let Command::Workdir(path) = &cx.step.command else { return };
    let state = &cx.step.state;
    let same = |text: &str| text.trim_end_matches('/').to_owned();
    // What a base image is set to may be another folder tomorrow.
    if cx.onbuild || !state.workdir_set || same(path) != same(&state.dir) {
        return;
    }
    let text = format!(
        "The working directory is `{}` already, so this WORKDIR changes nothing; delete it.",
        state.dir
    );
    let finding = Finding::new(head(cx.instruction), text).unneeded();
    let source = cx.instruction.source();
    out.push(if cx.instruction.comments().is_empty() {
        finding.fix(Fix::replace("Delete this WORKDIR", 0..source.len(), ""))
    } else {
        finding
    });
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
        assert_eq!(lines("T017", "FROM a\nWORKDIR /a\nFROM a\nWORKDIR /a\n"), [0; 0]);
        assert_eq!(fixed("T017", "FROM a\nWORKDIR /a\nWORKDIR /a\nRUN x\n"), "FROM a\nWORKDIR /a\nRUN x\n");
    }
}
