//! T006 `expose-proto-casing`.

use layerwise_model::ports::PortSpec;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::correctness::specs;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "expose-proto-casing",
        code: "T006",
        severity: Severity::Info,
        buildkit: Some("ExposeProtoCasing"),
        equivalents: &["ExposeProtoCasing"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds protocols in EXPOSE that are not in lower case.

## Why it matters

The image's configuration has them in lower case, so this is what `docker inspect` shows and what others search for.

## Example

```dockerfile
FROM alpine:3.20
EXPOSE 80/TCP
```

## Use instead

```dockerfile
FROM alpine:3.20
EXPOSE 80/tcp
```
";

/// Source: frontend/dockerfile/dockerfile2llb/convert_expose.go (`parsePort`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (word, spec) in specs(cx) {
        let protocol = PortSpec::split(&spec).protocol;
        let lower = protocol.to_lowercase();
        if protocol == lower {
            continue;
        }
        let range = on_first_line(cx.instruction, &word.range);
        let finding =
            Finding::new(range, format!("The protocol of `{spec}` should be lower case: `{lower}`."));
        let text = cx.instruction.source().get(word.range.clone()).filter(|text| *text == spec);
        out.push(match text {
            Some(_) => {
                let range = word.range.end - protocol.len()..word.range.end;
                finding.fix(Fix::replace(format!("Write `{lower}`"), range, lower).safe())
            }
            None => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn protocols() {
        check(
            "T006",
            "\
FROM scratch
EXPOSE 80/TcP 8080/TCP 8080/udp 90
       ^^^^^^ `tcp`
              ^^^^^^^^ `tcp`
ARG p=UDP
EXPOSE 53/$p
       ^^^^^ `53/UDP`
EXPOSE 53/HTTP
",
        );
        assert_eq!(lines("T006", "FROM scratch\nEXPOSE 1/TCP \\\n 2/TCP\n"), [2, 2]);
        assert_eq!(fixed("T006", "FROM a\nEXPOSE 1/TCP 2/Udp 3\n"), "FROM a\nEXPOSE 1/tcp 2/udp 3\n");
    }
}
