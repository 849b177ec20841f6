//! R018 `composer-update`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "composer-update",
        code: "R018",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `composer update` in RUN.

## Why it matters

It throws composer.lock away and installs whatever is newest today.

## Example

```dockerfile
FROM composer:2
COPY . /app
RUN composer update --no-dev
```

## Use instead

```dockerfile
FROM composer:2
COPY . /app
RUN composer install --no-dev
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in
        cx.facts.commands.iter().filter(|c| matches!(c.name.as_str(), "composer" | "composer.phar"))
    {
        let mut words = command.operands_without(&["-d", "--working-dir"]);
        let Some(verb) = words.next().filter(|verb| matches!(verb.text.as_str(), "update" | "u" | "upgrade"))
        else {
            continue;
        };
        // With names it is about these packages; `--lock` installs nothing.
        if words.next().is_some() || command.has_flag(&["lock", "dry-run"]) {
            continue;
        }
        let finding = Finding::new(
            command.program.range.start..verb.range.end,
            "`composer update` ignores composer.lock and installs what is newest today; write `composer install`.",
        );
        let fix = Fix::replace("Write `composer install`", verb.range.clone(), "install");
        out.push(if command.exec || cx.facts.unclear { finding } else { finding.fix(fix) });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn updates() {
        assert_eq!(
            fixed("R018", "FROM a\nRUN x && composer -d y update --no-dev\n"),
            "FROM a\nRUN x && composer -d y install --no-dev\n"
        );
        assert_eq!(
            lines("R018", "FROM a\nRUN composer update a/b; composer self-update; composer install\n"),
            [0; 0]
        );
    }
}
