//! X011 `plain-http-download`.

use layerwise_syntax::Keyword;
use std::ops::Range;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::downloads::{host, is_local, urls, verifies};
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "plain-http-download",
        code: "X011",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds downloads by `http://` in ADD and in the curl, wget or git of a RUN that checks neither a hash nor a
signature. Hosts of a private network are left alone.

## Why it matters

Everyone on the way can change what comes, and it becomes part of the image.

## Example

```dockerfile
FROM debian:12
RUN curl -fsSLO http://example.com/tool.tar.gz
```

## Use instead

```dockerfile
FROM debian:12
RUN curl -fsSLO https://example.com/tool.tar.gz
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let source = cx.instruction.source();
    let mut found = |url: &str, range: Range<usize>| {
        let url = url.trim_matches(['"', '\'']);
        let host = host(url);
        if !url.starts_with("http://") || is_local(host) {
            return;
        }
        let finding = Finding::new(
            range.clone(),
            format!(
                "What comes from `{host}` by plain http can be changed by everyone on the way; use https."
            ),
        );
        let at = source.get(range.clone()).and_then(|text| text.find("http://")).map(|at| range.start + at);
        out.push(match at {
            Some(at) if !cx.facts.unclear => {
                finding.fix(Fix::replace("Use https", at..at + "http".len(), "https"))
            }
            _ => finding,
        });
    };
    match cx.instruction.kind() {
        Some(Keyword::Add) if cx.instruction.flag("checksum").is_none() => {
            let sources = cx.instruction.args().len().saturating_sub(1);
            cx.instruction
                .args()
                .iter()
                .take(sources)
                .for_each(|word| found(&word.value, word.range.clone()));
        }
        Some(Keyword::Run) if !verifies(&cx.facts.commands) => {
            cx.facts.commands.iter().flat_map(urls).for_each(|word| found(&word.text, word.range.clone()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn downloads() {
        check(
        "X011",
        "\
FROM a
RUN wget -qO x http://example.com/x && y
               ^^^^^^^^^^^^^^^^^^^^ `example.com` by plain http
ADD http://example.com/x https://example.com/y /
    ^^^^^^^^^^^^^^^^^^^^ use https
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d http://example.com/x /
RUN curl -x http://proxy.example.com:1 https://example.com && curl http://localhost:80 http://10.0.0.1/x http://$HOST/x
RUN curl -O http://example.com/x && echo '0 x' | sha256sum -c
RUN echo http://example.com
HEALTHCHECK CMD curl http://example.com
",
    );
        assert_eq!(lines("X011", "ONBUILD RUN git clone http://example.com/x\n"), [1]);
        assert_eq!(
            fixed("X011", "FROM a\nRUN curl \"http://e.org/$X\"\n"),
            "FROM a\nRUN curl \"https://e.org/$X\"\n"
        );
    }
}
