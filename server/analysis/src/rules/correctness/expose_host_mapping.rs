//! E040 `expose-host-mapping`.

use layerwise_model::ports::PortSpec;
use layerwise_syntax::words::Lex;
use layerwise_syntax::{Keyword, Word};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::on_first_line;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "expose-host-mapping",
        code: "E040",
        severity: Severity::Error,
        buildkit: Some("ExposeInvalidFormat"),
        equivalents: &["ExposeInvalidFormat"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds host ports and addresses in EXPOSE.

## Why it matters

EXPOSE says on which ports the container listens. It publishes nothing: BuildKit drops the host's part today and has
announced that it will become an error. Which host port a container gets is for `docker run -p` to say.

## Example

```dockerfile
FROM alpine:3.20
EXPOSE 127.0.0.1:8080:80
```

## Use instead

```dockerfile
FROM alpine:3.20
EXPOSE 80
```
";

/// Source: frontend/dockerfile/dockerfile2llb/convert_expose.go (`parsePort`).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (word, spec) in specs(cx) {
        let port = PortSpec::split(&spec);
        if port.ip.is_empty() && port.host.is_empty() {
            continue;
        }
        let what = if port.ip.is_empty() { "a host port" } else { "a host address" };
        let container = &spec[spec.rfind(':').map_or(0, |at| at + 1)..];
        let range = on_first_line(cx.instruction, &word.range);
        let message = format!(
            "`{spec}` names {what}, which EXPOSE drops: it publishes nothing. Write `{container}` and leave the rest to `docker run -p`."
        );
        let finding = Finding::new(range, message);
        let text = cx.instruction.source().get(word.range.clone()).filter(|text| *text == spec);
        out.push(match text {
            Some(_) => {
                let fix = Fix::replace(format!("Write `{container}`"), word.range.clone(), container);
                finding.fix(fix.safe())
            }
            None => finding,
        });
    }
}

/// The ports of an EXPOSE, expanded, each with the word that it comes from; those that BuildKit refuses for want of a port or
/// protocol left out.
pub(in crate::rules) fn specs<'a>(cx: &InstructionCx<'a>) -> impl Iterator<Item = (&'a Word, String)> {
    let is_expose = cx.instruction.kind() == Some(Keyword::Expose) && cx.instruction.is_valid();
    let words = if is_expose { cx.instruction.args() } else { &[] };
    let lex = Lex::new(cx.instruction.escape());
    let env = &cx.step.state.env;
    words
        .iter()
        .flat_map(move |word| {
            let specs = lex.process_words(&word.value, env).unwrap_or_default();
            specs.into_iter().map(move |spec| (word, spec))
        })
        .filter(|(_, spec)| {
            let port = PortSpec::split(spec);
            let protocol = port.protocol.to_lowercase();
            !port.container.is_empty() && matches!(protocol.as_str(), "" | "tcp" | "udp" | "sctp")
        })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn mappings() {
        check(
            "E040",
            "\
FROM scratch
EXPOSE 127.0.0.1:80:80 [::1]:8080:8080 5000:5000 8000
       ^^^^^^^^^^^^^^^ a host address
                       ^^^^^^^^^^^^^^^ a host address
                                       ^^^^^^^^^ a host port
ARG p=1:2
EXPOSE $p/tcp
       ^^^^^^ `1:2/tcp`
",
        );
        assert_eq!(fixed("E040", "FROM a\nEXPOSE 1:2/tcp 3\n"), "FROM a\nEXPOSE 2/tcp 3\n");
    }
}
