//! E113 `quoted-heredoc-expansion`.

use layerwise_model::eval::State;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "quoted-heredoc-expansion",
        code: "E113",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds variables in the text of a COPY or ADD heredoc that nothing defines, where the delimiter stands without quotes.

## Why it matters

BuildKit replaces variables in such a text when the image is built. What is not defined becomes nothing: a script loses its `$1`, a
server's configuration its `$uri`. With quotes around the delimiter the text stays as it is.

## Example

```dockerfile
FROM debian:12
COPY <<EOF /start.sh
#!/bin/sh
exec app \"$1\"
EOF
```

## Use instead

```dockerfile
FROM debian:12
COPY <<'EOF' /start.sh
#!/bin/sh
exec app \"$1\"
EOF
```
";

/// Source: docs.docker.com/reference/dockerfile, here-documents in COPY: variables are expanded unless the delimiter is quoted.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if !matches!(instruction.kind(), Some(Keyword::Copy | Keyword::Add)) || instruction.heredocs().is_empty()
    {
        return;
    }
    let source = instruction.source();
    let mut from = 0;
    for heredoc in instruction.heredocs() {
        let sign = if heredoc.chomp { "<<-" } else { "<<" };
        let head = source.get(from..heredoc.body.start).unwrap_or_default();
        let written = format!("{sign}{}", heredoc.name);
        let Some(at) = head.find(&written).map(|at| from + at).filter(|_| heredoc.expand) else { continue };
        from = at + written.len();
        let Some(body) = source.get(heredoc.body.clone()) else { continue };
        let (mut missing, mut defined) = (None, false);
        for name in plain_variables(body) {
            if is_defined(&cx.step.state, name) {
                defined = true;
            } else if missing.is_none() && is_certain(&cx.step.state, name) {
                missing = Some(name);
            }
        }
        let Some(name) = missing else { continue };
        let message = format!(
            "`${name}` in this text is replaced when the image is built, and nothing defines it there, so it becomes empty; quote the delimiter, as in `{sign}'{}'`, to keep the text as it is.",
            heredoc.name
        );
        let range = at..from;
        let finding = Finding::new(range.clone(), message);
        out.push(if defined {
            finding
        } else {
            finding.fix(Fix::replace("Quote the delimiter", range, format!("{sign}'{}'", heredoc.name)))
        });
    }
}

/// The names of variables without a default and not behind a backslash: `$name`, `${name}`, `$1`, `$@`.
fn plain_variables(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('$').filter_map(move |(at, _)| {
        if text[..at].bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1 {
            return None;
        }
        let rest = &text[at + 1..];
        let (rest, braced) = rest.strip_prefix('{').map_or((rest, false), |rest| (rest, true));
        let length = match rest.bytes().next()? {
            b'@' | b'*' | b'#' | b'?' => 1,
            b'0'..=b'9' if !braced => 1,
            _ => rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count(),
        };
        let name = rest.get(..length).filter(|name| !name.is_empty())?;
        (!braced || rest[length..].starts_with('}')).then_some(name)
    })
}

fn is_defined(state: &State, name: &str) -> bool {
    state.env.get(name).is_some() || state.args.get(name).is_some()
}

/// Whether no base image can have set it: what is set there has a name in capitals.
fn is_certain(state: &State, name: &str) -> bool {
    state.env_known || !name.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn finds() {
        check(
            "E113",
            "FROM debian:12\nCOPY <<EOF /x.conf\n     ^^^^^ `$uri` in this text\ntry_files $uri /index.html;\nEOF\n",
        );
        for text in [
            "COPY <<'EOF' /x\necho $uri\nEOF",
            "COPY <<EOF /x\necho \\$uri ${x:-y} 5$\nEOF",
            "ENV uri=1\nCOPY <<EOF /x\necho $uri\nEOF",
            "ARG uri\nCOPY <<EOF /x\necho $uri\nEOF",
            "RUN <<EOF\necho $uri\nEOF",
        ] {
            assert_eq!(lines("E113", &format!("FROM debian:12\n{text}\n")), [0; 0], "{text}");
        }
        assert_eq!(lines("E113", "FROM team/x\nCOPY <<EOF /x\n$HOST_NAME\nEOF\n"), [0; 0]);
        assert_eq!(
            fixed("E113", "FROM debian:12\nCOPY <<-EOF /x\n\techo \"$@\"\nEOF\n"),
            "FROM debian:12\nCOPY <<-'EOF' /x\n\techo \"$@\"\nEOF\n"
        );
    }
}
