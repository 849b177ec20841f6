//! C033 `poetry-uv-install-project-early`.

use super::support::{first_uses, ran_before, report_use};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "poetry-uv-install-project-early",
        code: "C033",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `poetry install` and `uv sync` below a COPY of all sources where no step has installed the dependencies without the
project before.

## Why it matters

An edit of any source file runs the step again, and it installs every dependency again. Both tools can install the
dependencies alone, from pyproject.toml and the lock file: `poetry install --no-root`, `uv sync --no-install-project`.

## Example

```dockerfile
FROM python:3.13-slim
WORKDIR /app
RUN pip install poetry==2.1.1
COPY . .
RUN poetry install
```

## Use instead

```dockerfile
FROM python:3.13-slim
WORKDIR /app
RUN pip install poetry==2.1.1
COPY pyproject.toml poetry.lock ./
RUN poetry install --no-root
COPY . .
RUN poetry install --only-root
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for used in first_uses(cx, true) {
        let command = used.command;
        let (sub, flag, lock) = match command.name.as_str() {
            "poetry" => ("install", "poetry install --no-root", "poetry.lock"),
            "uv" => ("sync", "uv sync --no-install-project", "uv.lock"),
            _ => continue,
        };
        let earlier = (cx.file.stages())
            .get(used.stage)
            .and_then(|s| cx.facts.instructions.get(s.body.start..used.copy))
            .unwrap_or_default()
            .iter()
            .any(|f| f.commands.iter().any(|c| c.name == command.name && c.subcommand() == Some(sub)));
        let there = cx.context.is_none_or(|c| c.incomplete.is_some() || c.get(lock).is_some());
        if command.subcommand() != Some(sub)
            || command.has_flag(&["only-root", "no-root", "no-install-project"])
            || used.cached
            || earlier
            || !there
            || from_others(cx, used.stage)
        {
            continue;
        }
        let what = format!(
            "every dependency is installed again each time; copy `pyproject.toml` and `{lock}` first, run `{flag}`, and copy the rest after it"
        );
        out.push(report_use(cx, &used, &what));
    }
}

/// Whether the stage takes an environment from another stage, or stands on one.
fn from_others(cx: &FileCx<'_>, stage: usize) -> bool {
    let Some(own) = cx.file.stages().get(stage) else { return false };
    ran_before(cx, stage, own.body.start, own.body.end, &["poetry", "uv"])
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn projects_with_their_dependencies() {
        check(
            "C033",
            "\
FROM python
WORKDIR /app
RUN pip install poetry
COPY . .
RUN poetry config virtualenvs.create false && poetry install --no-dev
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ every dependency is installed again each time
",
        );
        let text = "FROM python\nWORKDIR /x\nCOPY . .\nRUN uv sync --frozen\n";
        assert_eq!(lines("C033", text).len(), 1);
        for text in [
            "FROM python\nWORKDIR /x\nCOPY pyproject.toml .\nRUN poetry install --no-root\nCOPY . .\nRUN poetry install\n",
            "FROM python\nWORKDIR /x\nCOPY . .\nRUN --mount=type=cache,target=/root/.cache/uv uv sync\n",
            "FROM python\nWORKDIR /x\nCOPY . .\nRUN uv pip install .\n",
            "FROM python AS b\nRUN uv sync --no-install-project\nFROM python\nCOPY --from=b /x /x\nCOPY . .\nRUN uv sync\n",
        ] {
            assert_eq!(lines("C033", text), [0; 0], "{text}");
        }
    }
}
