//! E114 `env-quote-literal`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "env-quote-literal",
        code: "E114",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        supersedes: &["legacy-key-value"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `ENV name = value` and `LABEL name = value`, with a space in front of the sign.

## Why it matters

That is the old form without a sign, and the sign becomes a part of the value: `= value`.

## Example

```dockerfile
FROM debian:12
ENV PORT = 8080
```

## Use instead

```dockerfile
FROM debian:12
ENV PORT=8080
```
";

/// Source: frontend/dockerfile/parser/line_parsers.go (`parseNameVal`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if !matches!(instruction.kind(), Some(Keyword::Env | Keyword::Label)) || !instruction.is_valid() {
        return;
    }
    let [name, value, separator] = instruction.args() else { return };
    let Some(rest) = value.value.strip_prefix('=').filter(|_| separator.value.is_empty()) else { return };
    let meant = rest.trim();
    let message = format!(
        "The value of `{0}` is `{1}`, with the sign in it: with a space in front of `=` this is the form without a sign; write `{0}=...`.",
        name.value, value.value
    );
    let range = name.range.start..value.range.end;
    let finding = Finding::new(crate::ranges::on_first_line(instruction, &range), message);
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '`' | '=');
    let simple = !meant.is_empty() && !meant.contains(special);
    let inner = meant.strip_prefix('"').and_then(|meant| meant.strip_suffix('"'));
    let quoted = inner.is_some_and(|inner| !inner.contains(['"', '\\', '`', '\n']));
    let verbatim = instruction.source().get(value.range.clone()) == Some(value.value.as_str());
    out.push(if verbatim && (simple || quoted) {
        let text = format!("{}={meant}", name.value);
        finding.fix(Fix::replace(format!("Write `{text}`"), range, text))
    } else {
        finding
    });
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn finds() {
        check(
            "E114",
            "\
FROM a
ENV PORT = 80
    ^^^^^^^^^ The value of `PORT` is `= 80`
LABEL a = \"b c\"
      ^^^^^^^^^ with the sign in it
ENV A=1 B=2
ENV A b
ENV OPTS -Da=b
",
        );
        assert_eq!(fixed("E114", "FROM a\nENV PORT = 80\n"), "FROM a\nENV PORT=80\n");
        assert_eq!(fixed("E114", "FROM a\nENV A = \"b c\"\n"), "FROM a\nENV A=\"b c\"\n");
        assert_eq!(fixed("E114", "FROM a\nENV A = b c\n"), "FROM a\nENV A = b c\n");
    }
}
