//! E016 `env-self-reference`.

use layerwise_syntax::Keyword;
use layerwise_syntax::words::Lex;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "env-self-reference",
        code: "E016",
        severity: Severity::Error,
        equivalents: &["DL3044"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds an ENV that uses a variable which the same ENV sets before it.

## Why it matters

All values of one ENV are expanded before any of them is set: the variable still has its value from before, mostly none.

## Example

```dockerfile
FROM alpine:3.20
ENV HOME_DIR=/app BIN_DIR=$HOME_DIR/bin
```

## Use instead

```dockerfile
FROM alpine:3.20
ENV HOME_DIR=/app
ENV BIN_DIR=$HOME_DIR/bin
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if instruction.kind() != Some(Keyword::Env) || !instruction.source().contains('$') {
        return;
    }
    let lex = Lex::new(instruction.escape());
    let pairs: Vec<_> = instruction.args().chunks(3).filter(|pair| pair.len() >= 2).collect();
    let mut set = std::collections::HashMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        let used = if pair[1].value.contains('$') { lex.variables(&pair[1].value) } else { Vec::new() };
        // The value that it had above may be the same.
        let early = used.iter().find(|v| {
            set.get(v.name.as_str())
                .is_some_and(|value: &&str| cx.step.state.env.get(&v.name) != Some(unquoted(value)))
        });
        if let Some(variable) = early {
            let name = &variable.name;
            let before =
                match cx.step.state.env.get(name).filter(|value| !value.is_empty() && value.len() < 60) {
                    Some(value) => format!("still `{value}`, as above this ENV"),
                    None => "still what it was above this ENV".to_owned(),
                };
            let message = format!(
                "`${name}` is {before}: all values of one ENV are expanded before any is set; move `{}` to an ENV of its own below.",
                pair[0].value
            );
            let range = pair[0].range.start..pair[1].range.end.max(pair[0].range.end);
            let finding = Finding::new(range.clone(), message);
            let gap =
                at.checked_sub(1).and_then(|before| pairs.get(before)).map(|p| p[1].range.end..range.start);
            let blank = |gap: &std::ops::Range<usize>| {
                let text = instruction.source().get(gap.clone()).unwrap_or("x");
                !text.is_empty() && text.chars().all(|c| c.is_whitespace() || c == instruction.escape())
            };
            let keyword = if cx.onbuild { "ONBUILD ENV" } else { "ENV" };
            out.push(match gap.filter(blank).filter(|_| instruction.comments().is_empty()) {
                Some(gap) => finding.fix(Fix::replace("Split the ENV here", gap, format!("\n{keyword} "))),
                None => finding,
            });
        }
        set.insert(pair[0].value.as_str(), pair[1].value.as_str());
    }
}

/// A value without the quotes around it.
fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn references() {
        check(
            "E016",
            "\
FROM a
ENV A=1 B=$A
        ^^^^ `$A` is still what it was above
ENV C=1 D=\"${C}/x\" E=2
        ^^^^^^^^^^ move `D` to an ENV of its own
ENV A=2 B=$A
        ^^^^ still `1`, as above this ENV
ENV A=2 B=$A
ENV PATH=/x:$PATH
ENV G=$H H=1
ENV K=1 L='$K'
ENV M $M
",
        );
        assert_eq!(lines("E016", "ENV PATH=/bla:${PATH} PATH=/blubb:${PATH}\n"), [1]);
        assert_eq!(fixed("E016", "FROM a\nENV A=1 \\\n    B=$A C=2\n"), "FROM a\nENV A=1\nENV B=$A C=2\n");
    }
}
