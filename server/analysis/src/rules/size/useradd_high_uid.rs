//! S028 `useradd-high-uid`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "useradd-high-uid",
        code: "S028",
        severity: Severity::Warning,
        equivalents: &["DL3046"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `useradd` with a user ID of six digits or more and without `--no-log-init`.

## Why it matters

useradd makes a place for the user in `/var/log/lastlog` and `/var/log/faillog`, which are as long as the highest ID takes,
some 300 bytes each. The holes in them take no room on a disk, but the layer holds them in full: hundreds of megabytes,
or a build that runs out of disk.

## Example

```dockerfile
FROM debian:12
RUN useradd --uid 1000660000 app
```

## Use instead

```dockerfile
FROM debian:12
RUN useradd --no-log-init --uid 1000660000 app
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("useradd") {
        let uid = command.flag_value(&["u", "uid"]).unwrap_or_default();
        // `-u1000` has the number in the same word.
        let joined = command.flag(&["u"]).and_then(|flag| flag.text.strip_prefix("-u"));
        let uid = joined.filter(|n| n.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(uid);
        let long = uid.len() > 5 && uid.bytes().all(|b| b.is_ascii_digit());
        if !long || command.has_flag(&["l", "no-log-init"]) {
            continue;
        }
        let message = format!(
            "`useradd` with the ID {uid} makes /var/log/lastlog as long as that ID takes, and the layer holds it in full; add `--no-log-init`."
        );
        let at = command.program.range.end;
        let mut finding = Finding::new(command.program.range.clone(), message);
        if !command.exec
            && cx.instruction.source().get(command.program.range.clone()) == Some(&command.program.text)
        {
            finding = finding.fix(Fix::replace("Add `--no-log-init`", at..at, " --no-log-init"));
        }
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn high_ids() {
        check(
            "S028",
            "\
FROM debian
RUN groupadd x && useradd -m -u 1000660000 app
                  ^^^^^^^ with the ID 1000660000
ONBUILD RUN useradd --uid=123456 app
            ^^^^^^^ with the ID 123456
",
        );
        for run in [
            "useradd x",
            "useradd -u 12345 x",
            "useradd -lu 123456 x",
            "useradd -u $ID x",
            "adduser -u 123456 x",
        ] {
            assert_eq!(lines("S028", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
        assert_eq!(lines("S028", "FROM a\nRUN useradd -u123456 x\n"), [2]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S028", "FROM a\nRUN useradd -u 123456 x\n"),
            "FROM a\nRUN useradd --no-log-init -u 123456 x\n"
        );
    }
}
