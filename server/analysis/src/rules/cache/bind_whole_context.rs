//! C023 `bind-whole-context`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::selection::source_path;
use layerwise_syntax::Form;
use layerwise_syntax::mount::MountKind;

use super::support::and;
use crate::actions::ecosystem::{Class, classify};
use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "bind-whole-context",
        code: "C023",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a step that only installs dependencies and has the whole build context mounted.

## Why it matters

A bind mount is part of the step's cache key, with the content of all that it mounts: an edit of any file installs all
dependencies again. The step reads the manifests only; mounted one by one, they keep it cached.

## Example

```dockerfile
FROM node:22
WORKDIR /app
RUN --mount=type=bind,target=. npm ci
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
RUN --mount=type=bind,source=package.json,target=package.json \\
    --mount=type=bind,source=package-lock.json,target=package-lock.json \\
    npm ci
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        for number in stage.body.clone() {
            out.extend(mounted(cx, number));
        }
    }
}

fn mounted(cx: &FileCx<'_>, number: usize) -> Option<Finding> {
    let Command::Run(run) = &cx.eval.steps.get(number)?.command else { return None };
    let (_, instruction) = cx.file.instruction(number);
    let whole = run.mounts.iter().position(|(mount, source)| {
        mount.kind == MountKind::Bind && *source == Source::Context && source_path(&mount.source).is_empty()
    })?;
    if instruction.form() != Form::Shell || cx.facts.instructions[number].unclear {
        return None;
    }
    let mut step = None;
    for command in instruction.script()?.simple_commands() {
        match classify(command) {
            Class::Neutral => {}
            Class::Dependencies(dependencies) if step.is_none() => step = Some(dependencies),
            Class::Dependencies(_) => {}
            _ if matches!(command.name(), Some("set" | "true")) => {}
            _ => return None,
        }
    }
    let inputs = step?.inputs(cx.context, "")?;
    let names: Vec<String> = inputs
        .files
        .iter()
        .chain(&inputs.dirs)
        .map(|name| format!("`{}`", name.trim_end_matches('*')))
        .collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "The whole build context is mounted here, so that an edit of any file runs this install again; mount {} only, each with its own `source=`.",
        and(&names)
    );
    let (_, word) = instruction.flag_values_words("mount").nth(whole)?;
    Some(Finding::new(cx.file.absolute(number, on_first_line(instruction, &word.range)), message))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn contexts_that_are_mounted() {
        check(
            "C023",
            "\
FROM python
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache --mount=target=/app pip install -r requirements.txt
                                           ^^^^^^^^^^^^^^^^^^^ mount `requirements.txt` only
",
        );
        for text in [
            "FROM node\nRUN --mount=type=bind,target=. npm ci && npm run build\n",
            "FROM node\nRUN --mount=type=bind,source=package.json,target=package.json npm ci\n",
            "FROM node AS b\nFROM node\nRUN --mount=type=bind,from=b,target=/x npm ci\n",
            "FROM node\nRUN --mount=type=bind,target=. make\n",
        ] {
            assert_eq!(lines("C023", text), [0; 0], "{text}");
        }
    }
}
