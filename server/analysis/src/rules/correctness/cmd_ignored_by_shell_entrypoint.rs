//! E020 `cmd-ignored-by-shell-entrypoint`.

use layerwise_syntax::{Form, Keyword};

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "cmd-ignored-by-shell-entrypoint",
        code: "E020",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a CMD below an ENTRYPOINT in shell form that does not use its arguments.

## Why it matters

Docker hands CMD to the shell behind `sh -c`, not to the program: the program starts without it, and without what is given
to `docker run`.

## Example

```dockerfile
FROM python:3.12-slim
ENTRYPOINT python app.py
CMD [\"--port\", \"8000\"]
```

## Use instead

```dockerfile
FROM python:3.12-slim
ENTRYPOINT [\"python\", \"app.py\"]
CMD [\"--port\", \"8000\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    // The ENTRYPOINT in force at the end of each stage.
    let mut entrypoints: Vec<Option<usize>> = Vec::with_capacity(cx.file.stages().len());
    for stage in cx.file.stages() {
        let last = |kind: Keyword| {
            let mut body = cx.file.instructions(stage.body.clone()).rev();
            body.find(|(_, _, i)| i.kind() == Some(kind) && i.is_valid()).map(|(number, ..)| number)
        };
        let below = cx.facts.stages.get(stage.index).and_then(|facts| facts.chain.get(1)).copied();
        let inherited = below.and_then(|below| entrypoints.get(below).copied().flatten());
        let entrypoint = last(Keyword::Entrypoint).or(inherited);
        entrypoints.push(entrypoint);
        let (Some(entrypoint), Some(cmd)) = (entrypoint, last(Keyword::Cmd)) else { continue };
        let shell = cx.file.instruction(entrypoint).1;
        let text = shell.args().first().map_or("", |arg| arg.value.as_str());
        if shell.form() != Form::Shell || text.is_empty() || uses_arguments(text) {
            continue;
        }
        if cx.file.instruction(cmd).1.args().is_empty() {
            continue;
        }
        let line = cx.file.line(entrypoint);
        let message = format!(
            "The program never sees this CMD: the ENTRYPOINT on line {line} is in shell form, and its shell drops the arguments; use the JSON form there."
        );
        let place = |number: usize| cx.file.absolute(number, head(cx.file.instruction(number).1));
        out.push(
            Finding::new(place(cmd), message).see(place(entrypoint), "This ENTRYPOINT is in shell form"),
        );
    }
}

/// Whether a script uses what stands behind it: `$@`, `$*`, `$0`, `$1`.
fn uses_arguments(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = rest[at + 1..].trim_start_matches('{');
        if rest.starts_with(|c: char| matches!(c, '@' | '*' | '#') || c.is_ascii_digit()) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn commands() {
        check(
            "E020",
            "\
FROM a AS one
ENTRYPOINT python app.py
CMD [\"x\"]
^^^^^^^^^ ENTRYPOINT on line 2
FROM one
CMD x
^^^^^ ENTRYPOINT on line 2
",
        );
        for good in [
            "ENTRYPOINT [\"x\"]\nCMD y",
            "ENTRYPOINT exec x \"$@\"\nCMD y",
            "ENTRYPOINT x ${1}\nCMD y",
            "ENTRYPOINT x",
            "CMD x",
            "ENTRYPOINT x\nENTRYPOINT [\"x\"]\nCMD y",
            "ENTRYPOINT x\nCMD []",
        ] {
            assert_eq!(lines("E020", &format!("FROM a\n{good}\n")), [0; 0], "{good}");
        }
    }
}
