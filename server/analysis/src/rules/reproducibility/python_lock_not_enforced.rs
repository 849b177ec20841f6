//! R016 `python-lock-not-enforced`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "python-lock-not-enforced",
        code: "R016",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `uv sync` without `--locked` or `--frozen`, and `pipenv install` of a project without `--deploy`.

## Why it matters

Then the build installs what is newest today instead of what was tested, and the lock file in the repository
says something else than what is in the image.

## Example

```dockerfile
FROM python:3.12
COPY pyproject.toml uv.lock ./
RUN uv sync
```

## Use instead

```dockerfile
FROM python:3.12
COPY pyproject.toml uv.lock ./
RUN uv sync --locked
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    let env = &cx.step.state.env;
    for command in &cx.facts.commands {
        let (flag, others): (&str, &[&str]) = match (command.name.as_str(), command.subcommand()) {
            ("uv", Some("sync")) if env.get("UV_LOCKED").is_none() && env.get("UV_FROZEN").is_none() => {
                ("--locked", &["locked", "frozen", "upgrade", "U", "script"])
            }
            ("pipenv", Some("install"))
                if command.operands_without(&["--python", "-r", "-i", "--index", "--categories"]).count()
                    == 1 =>
            {
                ("--deploy", &["deploy", "ignore-pipfile", "skip-lock", "r", "requirements"])
            }
            _ => continue,
        };
        let set = command
            .assignments
            .iter()
            .any(|a| a.text.starts_with("UV_LOCKED") || a.text.starts_with("UV_FROZEN"));
        if set || command.has_flag(others) {
            continue;
        }
        let Some(verb) = command.operands().next() else { continue };
        let finding = Finding::new(
            command.program.range.start..verb.range.end,
            format!(
                "`{} {}` updates a lock file that is out of date and installs what is newest; add `{flag}`, so that the build fails instead.",
                command.name, verb.text
            ),
        );
        let fix = Fix::replace(format!("Add `{flag}`"), verb.range.end..verb.range.end, format!(" {flag}"));
        out.push(if command.exec || cx.facts.unclear { finding } else { finding.fix(fix) });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn locks() {
        assert_eq!(
            fixed("R016", "FROM a\nRUN uv sync --no-dev\n"),
            "FROM a\nRUN uv sync --locked --no-dev\n"
        );
        assert_eq!(
            fixed("R016", "FROM a\nRUN pipenv install --system\n"),
            "FROM a\nRUN pipenv install --deploy --system\n"
        );
        for run in [
            "uv sync --frozen",
            "UV_LOCKED=1 uv sync",
            "pipenv install black",
            "pipenv install --system --deploy",
            "pipenv sync",
            "uv pip sync x",
        ] {
            assert_eq!(lines("R016", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
        assert_eq!(lines("R016", "FROM a\nENV UV_FROZEN=1\nRUN uv sync\n"), [0; 0]);
    }
}
