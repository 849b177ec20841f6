//! E104 `stopsignal-invalid`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "stopsignal-invalid",
        code: "E104",
        severity: Severity::Warning,
        equivalents: &["tally/no-ungraceful-stopsignal"],
        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `STOPSIGNAL SIGKILL` and `STOPSIGNAL SIGSTOP`.

## Why it matters

No program can catch these: the first ends it without a chance to finish what it does, the second only halts it, so that `docker stop` waits and then kills it.

## Example

```dockerfile
FROM alpine:3.20
STOPSIGNAL SIGKILL
```

## Use instead

```dockerfile
FROM alpine:3.20
STOPSIGNAL SIGTERM
```
";

/// Source: signal(7).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Stopsignal) {
        return;
    }
    let Some(word) = cx.instruction.args().first() else { return };
    let name = word.value.trim_matches('"').to_ascii_uppercase();
    let what = match name.trim_start_matches("SIG") {
        "KILL" | "9" => "ends the program at once, so that it cannot finish what it does",
        "STOP" | "19" => {
            "halts the program instead of ending it, so that `docker stop` waits in vain and then kills it"
        }
        _ => return,
    };
    let message = format!("`{}` {what}; no program can catch it; use SIGTERM.", word.value);
    out.push(Finding::new(word.range.clone(), message).fix(Fix::replace(
        "Use SIGTERM",
        word.range.clone(),
        "SIGTERM",
    )));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        let text = "FROM a\nSTOPSIGNAL 9\nSTOPSIGNAL SIGSTOP\nSTOPSIGNAL SIGRTMIN+3\nSTOPSIGNAL $X\nSTOPSIGNAL 15\nSTOPSIGNAL kill\n";
        assert_eq!(lines("E104", text), [2, 3, 7]);
        assert_eq!(fixed("E104", "FROM a\nSTOPSIGNAL SIGKILL\n"), "FROM a\nSTOPSIGNAL SIGTERM\n");
    }
}
