//! S047 `double-install`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::{Install, Manager};

use super::layers::{call, chain, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "double-install",
        code: "S047",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds stages of the image that copy `node_modules` or `vendor` from another stage and also install the dependencies
themselves.

## Why it matters

The dependencies are in two layers, and only the later copy is seen.

## Example

```dockerfile
FROM node:22 AS deps
WORKDIR /app
COPY package*.json ./
RUN npm ci
FROM node:22-slim
WORKDIR /app
COPY package*.json ./
RUN npm ci --omit=dev
COPY --from=deps /app/node_modules ./node_modules
```

## Use instead

```dockerfile
FROM node:22 AS deps
WORKDIR /app
COPY package*.json ./
RUN npm ci --omit=dev
FROM node:22-slim
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
```
";

/// The folder that an install fills, below the one that it runs in.
fn folder(install: &Install) -> Option<&'static str> {
    let local = install.from_file && !install.global;
    match install.manager {
        Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun if local => Some("node_modules"),
        Manager::Composer if local && install.verb == "install" => Some("vendor"),
        _ => None,
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let chain = chain(cx);
    // Folders that are copied: the instruction, the path.
    let mut copied: Vec<(usize, &str)> = Vec::new();
    for stage in chain.iter().filter_map(|stage| cx.file.stages().get(*stage)) {
        for number in stage.body.clone() {
            if let Command::Copy(copy) = &cx.eval.step(number).command
                && matches!(copy.from, Source::Stage(_) | Source::Image(_))
                && copy.sources.iter().any(|s| {
                    matches!(s.trim_end_matches('/').rsplit('/').next(), Some("node_modules" | "vendor"))
                })
                && copied.len() < 64
            {
                copied.push((number, copy.dest_path.trim_end_matches('/')));
            }
        }
    }
    if copied.is_empty() {
        return;
    }
    for run in runs(cx).filter(|run| run.stage.is_some_and(|stage| chain.contains(&stage))) {
        for install in &run.facts.installs {
            let Some(folder) = folder(install).filter(|_| run.facts.named("cd").next().is_none()) else {
                continue;
            };
            let place = format!("{}/{folder}", run.state.dir.trim_end_matches('/'));
            // On top of what was copied before, only npm ci begins anew.
            let anew = matches!(install.verb.as_str(), "ci" | "clean-install");
            let mut later = copied.iter().filter(|(copy, _)| anew || *copy > run.number);
            let copy = later.find(|(_, dest)| *dest == place || format!("{dest}/{folder}") == place);
            let Some((copy, _)) = copy else { continue };
            // Without a lock file's check it may only link what is there.
            let command = &run.facts.commands[install.command];
            if command.has_flag(&["offline", "prefer-offline"]) {
                continue;
            }
            let verb = command.args.iter().find(|arg| arg.text == install.verb);
            let message = format!(
                "`{place}` is installed here and copied on line {}, so that the image holds it twice; leave one of them out.",
                cx.file.line(*copy)
            );
            let range = call(cx, &run, command, verb);
            out.push(Finding::new(range, message).see(cx.file.range(*copy), "It is copied here"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn installed_and_copied() {
        check(
            "S047",
            "\
FROM node AS deps
WORKDIR /app
RUN npm ci
FROM node
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY . .
RUN npm ci --omit=dev
    ^^^^^^ `/app/node_modules` is installed here and copied on line 6
RUN npm install -g x
",
        );
        for text in [
            "WORKDIR /app\nCOPY --from=deps /app/node_modules /other/node_modules\nRUN npm ci",
            "WORKDIR /app\nCOPY --from=deps /app/node_modules ./node_modules\nRUN npm run build",
            "WORKDIR /app\nCOPY --from=deps /app/node_modules ./node_modules\nRUN npm install",
        ] {
            assert_eq!(lines("S047", &format!("FROM a AS deps\nFROM a\n{text}\n")), [0; 0], "{text}");
        }
    }
}
