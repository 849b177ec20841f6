//! E105 `curl-no-fail`.

use layerwise_syntax::Keyword;

use super::unattended::may_hold_flags;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "curl-no-fail",
        code: "E105",
        severity: Severity::Info,
        equivalents: &["curlUseFlagF"],
        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `curl` that downloads into a file or a pipe, or answers a health check, without `-f`.

## Why it matters

Without `-f`, curl takes an error page for an answer and exits with 0: the page ends up in the file, in `tar` or in `sh`, and a health check calls a server healthy that answers with 500.

## Example

```dockerfile
FROM alpine:3.20
RUN curl -sSL -o /app.jar https://example.com/app.jar
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN curl -fsSL -o /app.jar https://example.com/app.jar
```
";

/// Source: curl(1), `--fail`.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let health = match cx.instruction.kind() {
        Some(Keyword::Healthcheck) => true,
        Some(Keyword::Run) => false,
        _ => return,
    };
    for command in cx.facts.named("curl") {
        if command.has_flag(&[
            "f",
            "fail",
            "fail-with-body",
            "I",
            "head",
            "w",
            "write-out",
            "K",
            "config",
            "V",
            "version",
        ]) || command.args.iter().any(|arg| may_hold_flags(arg.literal, &arg.text.to_ascii_lowercase()))
        {
            continue;
        }
        let web = command.args.iter().any(|arg| arg.text.contains("://") || arg.text.contains("localhost"));
        let saves = command.has_flag(&["o", "O", "output", "remote-name", "remote-name-all", "J"])
            || command.redirects.iter().any(|r| r.text.trim_start_matches('1').starts_with('>'));
        let pipe = cx
            .facts
            .pipelines
            .iter()
            .find(|p| p.range.start <= command.range.start && command.range.end < p.range.end);
        // What comes next reads the answer and says whether it is what was wanted.
        let into = pipe.and_then(|pipe| {
            let next = cx
                .facts
                .commands
                .iter()
                .filter(|c| c.range.start >= command.range.end && c.range.end <= pipe.range.end);
            next.min_by_key(|c| c.range.start).map(|c| c.name.as_str())
        });
        let into = into.filter(|name| {
            !matches!(
                *name,
                "grep" | "jq" | "sed" | "awk" | "cut" | "head" | "egrep" | "tr" | "python" | "python3"
            )
        });
        if (health && pipe.is_some()) || !web || !(health || saves || into.is_some()) {
            continue;
        }
        let message = match (health, into) {
            (true, _) => "Without `-f`, curl exits with 0 also when the server answers with an error, so the container stays healthy.".to_owned(),
            (_, Some(into)) if !into.is_empty() => format!("Without `-f`, curl passes an error page on to `{into}` as if it were the file; add `-f`."),
            _ => "Without `-f`, curl saves an error page as if it were the file, and the build goes on; add `-f`.".to_owned(),
        };
        let finding = Finding::new(command.program.range.clone(), message);
        let at = command.program.range.end;
        let fix = Fix::replace("Add `-f`", at..at, " -f");
        out.push(if command.exec || cx.facts.unclear { finding } else { finding.fix(fix) });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn finds() {
        check(
            "E105",
            "\
FROM a
RUN curl -sSL https://x/y | tar xz
    ^^^^ on to `tar`
RUN curl https://x/y > /z && curl -fsSL https://x/y -o z
    ^^^^ saves an error page
RUN V=$(curl -s https://x/y | jq .v) && curl https://x
RUN curl --version && curl $CURL_OPTS -O https://x/y
HEALTHCHECK CMD curl http://localhost/ || exit 1
                ^^^^ stays healthy
HEALTHCHECK CMD curl -f http://localhost/
",
        );
        assert_eq!(
            fixed("E105", "FROM a\nRUN curl -L https://x | sh\n"),
            "FROM a\nRUN curl -f -L https://x | sh\n"
        );
    }
}
