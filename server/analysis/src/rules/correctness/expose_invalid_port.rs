//! E039 `expose-invalid-port`.

use layerwise_model::ports::PortSpec;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::{head, on_first_line};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "expose-invalid-port",
        code: "E039",
        severity: Severity::Error,
        equivalents: &["DL3011"],
        supersedes: &["syntax-error"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ports of EXPOSE that are none: larger than 65535, no number, a range that ends before it begins, another protocol
than tcp, udp and sctp.

## Why it matters

BuildKit refuses the file.

## Example

```dockerfile
FROM nginx:1.27
EXPOSE 80808
```

## Use instead

```dockerfile
FROM nginx:1.27
EXPOSE 8080
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if instruction.kind() != Some(Keyword::Expose) {
        return;
    }
    if cx.onbuild {
        // What variables will be is not known yet.
        for arg in instruction.args().iter().filter(|a| !a.value.contains(['$', '"', '\'', '\\'])) {
            if let Err(reason) = PortSpec::parse(&arg.value) {
                let message = format!("`{}` cannot be exposed: {reason}.", arg.value);
                out.push(Finding::new(arg.range.clone(), message));
            }
        }
    } else if let Some(message) = &cx.step.error {
        let range = cx.step.error_range.as_ref().map(|range| on_first_line(instruction, range));
        out.push(Finding::new(range.unwrap_or_else(|| head(instruction)), message.as_str()));
    } else if !cx.step.state.in_stage {
        for arg in
            instruction.args().iter().filter(|a| a.value.bytes().all(|b| b"0123456789-/tcpudsp".contains(&b)))
        {
            if let Err(reason) = PortSpec::parse(&arg.value) {
                let message = format!("`{}` cannot be exposed: {reason}.", arg.value);
                out.push(Finding::new(arg.range.clone(), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, lines};

    #[test]
    fn ports() {
        check(
            "E039",
            "\
FROM a
EXPOSE 80 70000
          ^^^^^ larger than 65535
EXPOSE 40000-80000/tcp
       ^^^^^^^^^^^^^^^ larger than 65535
EXPOSE http
       ^^^^ not a number
EXPOSE $P 8000-9000/udp
ONBUILD EXPOSE 80 90000
                  ^^^^^ larger than 65535
ONBUILD EXPOSE $P
",
        );
        assert_eq!(lines("E039", "EXPOSE 80000\n"), [1]);
        let rules =
            diagnostics("FROM scratch\nEXPOSE 80000\n", &[]).iter().map(|d| d.rule).collect::<Vec<_>>();
        assert_eq!(rules, ["expose-invalid-port"]);
    }
}
