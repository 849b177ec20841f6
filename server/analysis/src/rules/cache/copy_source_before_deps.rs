//! C001 `copy-source-before-deps`.

use layerwise_model::Stage;
use layerwise_model::gopath::{path_clean, path_join};
use layerwise_model::selection::source_path;

use super::support::{FirstUse, actions, and, first_uses, ran_before, shown, whole_context};
use crate::actions::ecosystem::{Class, Inputs, classify};
use crate::actions::reorder_copy::{edits, offer, shape};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-source-before-deps",
        code: "C001",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY of all sources above the step that installs the dependencies: npm, yarn, pnpm, bun, pip, pipenv, Poetry, uv,
Go, Maven, Cargo, Bundler and Composer.

## Why it matters

The key of a COPY is the content of all that it copies. An edit of any source file changes it, and every RUN below runs
again: all dependencies are downloaded and installed for a change that has nothing to do with them. The install step reads
only the manifests; with those copied first, it stays cached until one of them changes. The fix is safe where the build
context is known and shows that the step reads nothing else.

## Example

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut told = vec![false; cx.file.stages().len()];
    for stage in cx.file.stages() {
        for copy in stage.body.clone() {
            if let Some(finding) = reordered(cx, stage, copy) {
                told[stage.index] = true;
                out.push(finding);
            }
        }
    }
    for used in first_uses(cx, false) {
        if told.get(used.stage) == Some(&false) {
            out.extend(by_hand(cx, &used));
        }
    }
}

/// What the refactoring can put right.
fn reordered(cx: &FileCx<'_>, stage: &Stage, copy: usize) -> Option<Finding> {
    let actions = actions(cx);
    let found = shape(&actions, stage, copy).filter(|s| s.invented.is_none())?;
    let (run, text) = (copy + 1..=found.last).rev().find_map(|n| {
        let facts = &cx.facts.instructions[n];
        let script = cx.file.instruction(n).1.script();
        let simple = script.map_or(&[][..], |s| s.simple_commands());
        let at = simple.iter().position(|c| matches!(classify(c), Class::Dependencies(_))).unwrap_or(0);
        facts.commands.get(at).map(|c| (n, shown(cx, n, c)))
    })?;
    let offer = offer(&actions, &found)?;
    let mut fix = Fix { edits: edits(&actions, &found)?, ..Fix::replace(offer.title, 0..0, "") };
    fix.applicability = offer.applicability;
    let what = match names(&found.inputs) {
        names if names.is_empty() => format!("move it below line {}", cx.file.line(found.last)),
        names => format!("copy {} before that line and the rest after it", and(&names)),
    };
    let message = format!(
        "`{text}` on line {} runs again whenever any file changes, because everything is copied above it; {what}.",
        cx.file.line(run)
    );
    let range = cx.file.absolute(copy, head(cx.file.instruction(copy).1));
    let finding = Finding::new(range, message).fix(fix);
    Some(finding.see(cx.file.absolute(run, head(cx.file.instruction(run).1)), "This step runs again."))
}

/// The files and folders that a step reads, as messages show them.
fn names(inputs: &Inputs) -> Vec<String> {
    inputs.files.iter().chain(&inputs.dirs).map(|name| format!("`{name}`")).collect()
}

/// What a person has to put right: the step changes its directory, or is more than a chain of commands.
fn by_hand(cx: &FileCx<'_>, used: &FirstUse<'_>) -> Option<Finding> {
    let Class::Dependencies(dependencies) = &used.class else { return None };
    let program = used.command.name.as_str();
    // A stage that installs twice has its reasons, and Composer has a rule of its own.
    if dependencies.id == "composer"
        || ran_before(cx, used.stage, used.copy, used.run, &[program])
        || dependencies.named.iter().any(|n| n.starts_with('/') || n.starts_with(".."))
    {
        return None;
    }
    let copy = whole_context(cx, used.copy)?;
    let state = &cx.eval.step(used.run).state;
    let mut dir = path_clean(if state.dir.is_empty() { "/" } else { &state.dir });
    for command in &cx.facts.instructions[used.run].commands {
        if command.range == used.command.range {
            break;
        }
        if command.name == "cd" {
            let to = command.args.first().filter(|a| a.literal && !a.text.starts_with(['-', '~']))?;
            dir = path_clean(&if to.text.starts_with('/') {
                to.text.clone()
            } else {
                path_join(&[&dir, &to.text])
            });
        }
    }
    let dest = path_clean(&copy.dest_path);
    let inner = match dir.strip_prefix(dest.trim_end_matches('/')) {
        Some("") => "",
        Some(rest) => rest.strip_prefix('/')?,
        None => return None,
    };
    let inputs = dependencies.inputs(cx.context, &source_path(inner))?;
    let prefix = if inner.is_empty() { String::new() } else { format!("{inner}/") };
    let names: Vec<String> =
        inputs.files.iter().chain(&inputs.dirs).map(|name| format!("`{prefix}{name}`")).collect();
    let what = if names.is_empty() { "its manifests".to_owned() } else { and(&names) };
    let message = format!(
        "`{}` on line {} runs again whenever any file changes, because everything is copied above it; copy {what} first, install in a RUN of its own, and copy the rest after it.",
        shown(cx, used.run, used.command),
        cx.file.line(used.run)
    );
    let range = cx.file.absolute(used.copy, head(cx.file.instruction(used.copy).1));
    let at = cx.file.absolute(used.run, head(cx.file.instruction(used.run).1));
    Some(Finding::new(range, message).see(at, "This step runs again."))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn sources_above_dependencies() {
        check(
            "C001",
            "\
FROM node:22
WORKDIR /app
COPY . .
^^^^^^^^ `npm ci` on line 5 runs again whenever any file changes, because everything is copied above it; copy `package.json` and `package-lock.json` before
RUN apt-get update && apt-get install -y git
RUN npm ci
",
        );
        for text in [
            "FROM python\nWORKDIR /a\nADD . /a\nRUN pip install -r requirements.txt\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN cd web && npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN npm ci && npm run build && npm cache clean --force\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN yarn install; yarn build\n",
        ] {
            assert_eq!(lines("C001", text), [3], "{text}");
        }
    }

    #[test]
    fn what_reads_the_sources() {
        for text in [
            "FROM node\nWORKDIR /a\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n",
            "FROM node\nWORKDIR /a\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm ci && npm run build\n",
            "FROM python\nWORKDIR /a\nCOPY . .\nRUN pip install .\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN ./generate && npm ci\n",
            "FROM node\nWORKDIR /a\nCOPY --from=x . .\nRUN npm ci\n",
            "FROM golang\nWORKDIR /a\nCOPY . .\nRUN go build ./...\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN cd / && npm ci\n",
            "FROM node AS deps\nWORKDIR /a\nCOPY package.json .\nRUN npm i\nFROM deps\nCOPY . .\nRUN cd x; npm i\n",
            "FROM node\nWORKDIR /a\nCOPY . .\nRUN --mount=target=/a npm ci\n",
        ] {
            assert_eq!(lines("C001", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn it_gives_the_article_its_good_block() {
        assert_eq!(
            fixed("C001", "FROM node:20-alpine\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n"),
            "FROM node:20-alpine\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
        );
    }
}
