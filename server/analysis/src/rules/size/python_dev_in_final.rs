//! S016 `python-dev-in-final`.

use layerwise_model::facts::{Command, Manager};

use super::layers::{Fixes, Run, call, is_application, runs, starts_development, variable};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "python-dev-in-final",
        code: "S016",
        severity: Severity::Info,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs of development dependencies in a stage of the image that starts a program: `pip install -r
requirements-dev.txt`, `pipenv install --dev`, `poetry install` without `--only main`, `uv sync` without `--no-dev`.

## Why it matters

Test runners, linters and type checkers ship with the image, and nothing runs them there.

## Example

```dockerfile
FROM python:3.12-slim
COPY . .
RUN uv sync --locked
CMD [\"python\", \"-m\", \"app\"]
```

## Use instead

```dockerfile
FROM python:3.12-slim
COPY . .
RUN uv sync --locked --no-dev
CMD [\"python\", \"-m\", \"app\"]
```
";

/// Whether a file of requirements is for development, by its name.
fn is_for_development(file: &str) -> bool {
    file.ends_with(".txt")
        && file.split(['/', '-', '_', '.']).any(|word| {
            matches!(word, "dev" | "develop" | "development" | "test" | "tests" | "testing" | "lint")
        })
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let interesting = |command: &Command| matches!(command.name.as_str(), "poetry" | "uv" | "pipenv");
    let all: Vec<Run<'_>> = runs(cx).collect();
    let any = all.iter().any(|run| {
        run.facts.commands.iter().any(interesting)
            || run.facts.installs.iter().any(|i| i.manager == Manager::Pip)
    });
    if !any || !is_application(cx) || starts_development(cx) {
        return;
    }
    let fixes = Fixes::new(cx);
    for run in &all {
        for (at, command) in run.facts.commands.iter().enumerate() {
            let verb = command.operands().next();
            let (message, flag) = match (command.name.as_str(), verb.map(|verb| verb.text.as_str())) {
                ("poetry", Some("install" | "sync"))
                    if !command.has_flag(&["no-dev", "only", "without", "only-root", "help"])
                        && command.args.iter().all(|arg| arg.literal)
                        && variable(cx, run, "POETRY_WITHOUT").is_none() =>
                {
                    (
                        "`poetry install` brings the development group, too; use `--only main`.".to_owned(),
                        Some("--only main"),
                    )
                }
                ("uv", Some("sync"))
                    if !command.has_flag(&[
                        "no-dev",
                        "no-default-groups",
                        "only-group",
                        "no-group",
                        "help",
                    ]) && command.args.iter().all(|arg| arg.literal)
                        && variable(cx, run, "UV_NO_DEV").is_none()
                        && variable(cx, run, "UV_NO_DEFAULT_GROUPS").is_none() =>
                {
                    (
                        "`uv sync` brings the development group, too; use `--no-dev`.".to_owned(),
                        Some("--no-dev"),
                    )
                }
                ("pipenv", Some("install" | "sync")) if command.has_flag(&["dev", "d"]) => (
                    "`pipenv --dev` puts development packages into the image; leave `--dev` out.".to_owned(),
                    None,
                ),
                _ => {
                    let pip = run.facts.installs.iter().any(|i| i.command == at && i.manager == Manager::Pip);
                    let file = command.args.windows(2).find_map(|pair| {
                        let is_flag = matches!(pair[0].text.as_str(), "-r" | "--requirement");
                        (is_flag && is_for_development(&pair[1].text)).then_some(&pair[1])
                    });
                    let Some(file) = file.filter(|_| pip) else { continue };
                    let message =
                        format!("`{}` puts development packages into the image; leave it out.", file.text);
                    out.push(Finding::new(cx.file.absolute(run.number, file.range.clone()), message));
                    continue;
                }
            };
            let mut finding = Finding::new(call(cx, run, command, verb), message);
            if let (Some(flag), Some(verb)) = (flag, verb) {
                finding.fixes.extend(fixes.flag(run, command, verb, flag));
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn development_dependencies() {
        check(
            "S016",
            "\
FROM python AS build
RUN uv sync
FROM python
RUN pip install -r requirements.txt -r requirements/dev.txt
                                       ^^^^^^^^^^^^^^^^^^^^ leave it out
RUN poetry install --no-root
    ^^^^^^^^^^^^^^ use `--only main`
RUN pipenv install --system --dev
    ^^^^^^^^^^^^^^ leave `--dev` out
CMD [\"python\"]
",
        );
        for text in [
            "RUN poetry install --only main\nCMD x",
            "RUN poetry install --without dev,test\nCMD x",
            "RUN poetry install $(x)\nCMD x",
            "ENV UV_NO_DEV=1\nRUN uv sync\nCMD x",
            "RUN uv sync",
            "RUN pip install -r requirements.txt\nCMD x",
            "RUN pip install -r requirements-dev.txt\nCMD pytest",
        ] {
            assert_eq!(lines("S016", &format!("FROM python\n{text}\n")), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(fixed("S016", "FROM a\nRUN uv sync\nCMD x\n"), "FROM a\nRUN uv sync --no-dev\nCMD x\n");
    }
}
