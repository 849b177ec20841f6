//! E023 `variable-in-exec-form`.

use layerwise_syntax::{Form, Keyword};

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "variable-in-exec-form",
        code: "E023",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `$NAME` and `${NAME}` in the JSON form of RUN, CMD, ENTRYPOINT and HEALTHCHECK where no shell is started.

## Why it matters

Only a shell replaces variables. The program gets the text `$NAME` itself.

## Example

```dockerfile
FROM python:3.12-slim
ENV PORT=8000
CMD [\"gunicorn\", \"--bind\", \"0.0.0.0:$PORT\", \"app:app\"]
```

## Use instead

```dockerfile
FROM python:3.12-slim
ENV PORT=8000
CMD [\"sh\", \"-c\", \"exec gunicorn --bind 0.0.0.0:$PORT app:app\"]
```
";

/// Programs that replace variables themselves, or take a script in which a dollar sign means something else.
const EXPANDING: [&str; 28] = [
    "sh",
    "bash",
    "ash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "busybox",
    "cmd",
    "powershell",
    "pwsh",
    "awk",
    "gawk",
    "perl",
    "php",
    "ruby",
    "node",
    "sed",
    "grep",
    "find",
    "envsubst",
    "make",
    "nginx",
    "expect",
    "tclsh",
    "Rscript",
    "jq",
    "supervisord",
];

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    let kind = match instruction.kind() {
        Some(kind @ (Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck)) => kind,
        _ => return,
    };
    if instruction.form() != Form::Exec || !instruction.source().contains('$') {
        return;
    }
    let words = instruction.args().get(usize::from(kind == Keyword::Healthcheck)..).unwrap_or_default();
    let expands = words.iter().any(|word| {
        let name = word.value.rsplit(['/', '\\']).next().unwrap_or_default();
        EXPANDING.contains(&name.trim_end_matches(".exe"))
    });
    if expands {
        return;
    }
    // The arguments of an ENTRYPOINT that is a script may go through its shell.
    let first = words.first().map_or("", |word| word.value.as_str());
    if kind != Keyword::Run && (first.ends_with(".sh") || first.contains("entrypoint")) {
        return;
    }
    for word in words {
        let Some(name) = variable(&word.value) else { continue };
        let message = format!(
            "The JSON form starts no shell, so the program gets `${name}` as text; use `[\"sh\", \"-c\", \"exec ...\"]` or the shell form."
        );
        out.push(Finding::new(word.range.clone(), message));
        return;
    }
}

/// The first environment variable that a text uses; names of small letters only count in braces.
fn variable(text: &str) -> Option<&str> {
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let (name, braces) = match rest.strip_prefix('{') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let found = &name[..end];
        let starts = found.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let upper = found.len() > 1 && !found.contains(|c: char| c.is_ascii_lowercase());
        if starts && upper && (!braces || name[end..].starts_with(['}', ':', '-'])) {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn exec_forms() {
        check(
            "E023",
            "\
FROM a
CMD [\"app\", \"--port=$PORT\", \"$HOST\"]
            ^^^^^^^^^^^^^^ gets `$PORT` as text
ENTRYPOINT [\"java\", \"${JAVA_OPTS}\", \"-jar\", \"x\"]
                    ^^^^^^^^^^^^^^ gets `$JAVA_OPTS`
HEALTHCHECK CMD [\"curl\", \"http://localhost:${PORT:-80}/\"]
                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ gets `$PORT`
RUN [\"x\", \"$HOME\"]
          ^^^^^^^ gets `$HOME`
",
        );
        for good in [
            "CMD [\"sh\", \"-c\", \"app $PORT\"]",
            "CMD [\"/bin/bash\", \"-lc\", \"app $PORT\"]",
            "CMD [\"tini\", \"--\", \"sh\", \"-c\", \"x $PORT\"]",
            "CMD [\"awk\", \"{print $NF}\"]",
            "CMD [\"x\", \"^a$\"]",
            "CMD [\"/docker-entrypoint.sh\", \"$PORT\"]",
            "CMD app $PORT",
            "CMD [\"x\", \"$1\", \"$(date)\", \"100$\"]",
        ] {
            assert_eq!(lines("E023", &format!("FROM a\n{good}\n")), [0; 0], "{good}");
        }
    }
}
