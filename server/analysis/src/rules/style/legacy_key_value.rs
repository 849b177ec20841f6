//! T004 `legacy-key-value`.

use layerwise_syntax::{Instruction, Keyword, Parsed};

use crate::diagnostic::Severity;
use crate::fix::{Applicability, Edit, Fix, apply};
use crate::ranges::head;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "legacy-key-value",
        code: "T004",
        severity: Severity::Info,
        buildkit: Some("LegacyKeyValueFormat"),
        equivalents: &["LegacyKeyValueFormat"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `ENV name value` and `LABEL name value`.

## Why it matters

The form is an old one that takes a single name; everything behind it is the value, which surprises whoever adds a second
one. Docker's documentation says that it may be removed.

## Example

```dockerfile
FROM alpine:3.20
ENV APP_HOME /app
```

## Use instead

```dockerfile
FROM alpine:3.20
ENV APP_HOME=/app
```
";

/// Source: frontend/dockerfile/dockerfile2llb/convert.go (`dispatchEnv`, `dispatchLabel`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    let keyword = match instruction.kind() {
        Some(keyword @ (Keyword::Env | Keyword::Label)) if instruction.is_valid() => keyword,
        _ => return,
    };
    let [name, _, separator] = instruction.args() else { return };
    if !separator.value.is_empty() {
        return;
    }
    let finding = Finding::new(
        head(instruction),
        format!(
            "`{keyword} {0} value` is a legacy form, which takes all that follows as one value; write `{keyword} {0}=value`.",
            name.value
        ),
    );
    out.push(match fix(instruction) {
        Some(fix) => finding.fix(fix),
        None => finding,
    });
}

/// Puts `=` between name and value, and quotes around the value if it needs them. Only offered if BuildKit then reads the
/// same name and the same value.
fn fix(instruction: &Instruction) -> Option<Fix> {
    let [name, value, _] = instruction.args() else { return None };
    let gap = name.range.end..value.range.start;
    if !instruction.source().get(gap.clone())?.bytes().all(|b| matches!(b, b' ' | b'\t')) {
        return None;
    }
    let is_special = |c: char| c == '"' || c == '\'' || c == instruction.escape();
    let edits = |quote: &str| {
        let mut edits = vec![Edit { range: gap.clone(), text: format!("={quote}") }];
        if !quote.is_empty() {
            edits.push(Edit { range: value.range.end..value.range.end, text: quote.to_owned() });
        }
        edits
    };
    let is_same = |edits: &[Edit], expected: &str| {
        let escape = if instruction.escape() == '\\' { "" } else { "# escape=`\n" };
        let text = apply(instruction.source(), edits).map(|text| format!("{escape}{text}"));
        let parsed = Parsed::new(&text.unwrap_or_default());
        let mut instructions = parsed.instructions();
        match (instructions.next().map(|(_, i)| i.args()), instructions.next()) {
            (Some([n, v, _]), None) => n.value == name.value && v.value == expected,
            _ => false,
        }
    };
    let plain = edits("");
    let edits = if is_same(&plain, &value.value) {
        plain
    } else {
        let quoted = edits("\"");
        let same = !value.value.contains(is_special) && is_same(&quoted, &format!("\"{}\"", value.value));
        same.then_some(quoted)?
    };
    Some(Fix { title: format!("Write `{}=...`", name.value), applicability: Applicability::Safe, edits })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn forms() {
        check(
            "T004",
            "\
FROM a
ENV key value
^^^^^^^^^^^^^ write `ENV key=value`
label key some text
^^^^^^^^^^^^^^^^^^^ write `LABEL key=value`
ENV key=value
ENV a=b c=d
LABEL \\
^^^^^ legacy
  key value
",
        );
    }

    #[test]
    fn fixes() {
        let fix = |text: &str| fixed("T004", &format!("FROM a\n{text}\n")).replace("FROM a\n", "");
        for (before, after) in [
            ("ENV a b", "ENV a=b"),
            ("ENV a   b  ", "ENV a=b  "),
            ("ENV a b c", "ENV a=\"b c\""),
            ("ENV a \"b c\"", "ENV a=\"b c\""),
            ("ENV a $b:/c", "ENV a=$b:/c"),
            ("ENV a $b ${c:-d e}", "ENV a=\"$b ${c:-d e}\""),
            ("ENV a b=c", "ENV a=b=c"),
            ("ENV a b\\ c", "ENV a=b\\ c"),
            ("ENV a it's", "ENV a=it's"),
            ("ENV a it's b'", "ENV a=it's b'"),
            ("ENV a b \"c\" d", "ENV a b \"c\" d"),
            ("ENV a b \\\n  c", "ENV a=\"b \\\n  c\""),
            ("ENV a \\\n  b", "ENV a \\\n  b"),
            ("LABEL a.b c", "LABEL a.b=c"),
        ] {
            assert_eq!(fix(before).trim_end(), after.trim_end(), "{before}");
        }
        let windows = "# escape=`\nFROM a\nENV a C:\\b c\n";
        assert_eq!(fixed("T004", windows), "# escape=`\nFROM a\nENV a=\"C:\\b c\"\n");
    }
}
