//! T005 `maintainer`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{head, is_verbatim};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "maintainer",
        code: "T005",
        severity: Severity::Info,
        buildkit: Some("MaintainerDeprecated"),
        equivalents: &["MaintainerDeprecated", "DL4000"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds MAINTAINER instructions.

## Why it matters

MAINTAINER is deprecated. Registries and tools read the author from the label `org.opencontainers.image.authors`. The two
are different fields of the image, so the fix changes what `docker inspect` shows.

## Example

```dockerfile
FROM alpine:3.20
MAINTAINER ann@example.com
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL org.opencontainers.image.authors=\"ann@example.com\"
```
";

/// Source: frontend/dockerfile/instructions/parse.go (`ParseInstructionWithLinter`): found before the arguments are looked at.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if instruction.kind() != Some(Keyword::Maintainer) {
        return;
    }
    let mut finding = Finding::new(
        head(instruction),
        "MAINTAINER is deprecated: tools read the author from a label; use LABEL org.opencontainers.image.authors.",
    );
    finding.deprecated = true;
    if let ([author], []) = (instruction.args(), instruction.flags())
        && is_verbatim(instruction, author)
    {
        let escape = instruction.escape();
        let bare = author.value.strip_prefix('"').and_then(|a| a.strip_suffix('"')).unwrap_or(&author.value);
        let mut quoted = String::new();
        for c in bare.chars() {
            if c == '"' || c == '$' || c == escape {
                quoted.push(escape);
            }
            quoted.push(c);
        }
        let label = if instruction.keyword().value.starts_with('m') { "label" } else { "LABEL" };
        let text = format!("{label} org.opencontainers.image.authors=\"{quoted}\"");
        let range = instruction.keyword().range.start..author.range.end;
        finding = finding.fix(Fix::replace("Use a label", range, text));
    }
    out.push(finding);
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn maintainer() {
        check(
            "T005",
            "\
FROM a
MAINTAINER Ann \\
^^^^^^^^^^^^^^ deprecated
  <ann@example.com>
LABEL maintainer=ann
",
        );
        let fixed = |text: &str| fixed("T005", &format!("FROM a\n{text}\n")).replace("FROM a\n", "");
        let label = |value: &str| format!("LABEL org.opencontainers.image.authors=\"{value}\"\n");
        assert_eq!(fixed("MAINTAINER Ann <a@b.c>"), label("Ann <a@b.c>"));
        assert_eq!(fixed("MAINTAINER \"Ann\""), label("Ann"));
        assert_eq!(fixed("MAINTAINER Ann \"A\" $x \\y"), label("Ann \\\"A\\\" \\$x \\\\y"));
        assert_eq!(fixed("maintainer x"), label("x").replace("LABEL", "label"));
        assert_eq!(fixed("MAINTAINER"), "MAINTAINER\n");
    }
}
