//! E085 `host-modules-overwrite-install`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::Manager;
use layerwise_syntax::Keyword;

use super::image_files::{absolute, below, brings, clean, of_kind};
use super::programs::{dir_of, source_range};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "host-modules-overwrite-install",
        code: "E085",
        severity: Severity::Error,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs whose folder (`node_modules`, `.venv`, `vendor`) a later COPY overwrites with that of the build context.

## Why it matters

What was installed on the host, for another system and perhaps from another lock file, replaces file by file what the image installed: add-ons that are compiled for the host do not load, and what is not in the lock file comes along. A line in `.dockerignore` keeps the folder out.

## Example

The build context has a `node_modules`:

```js node_modules/left-pad/index.js
module.exports = () => \"host\";
```

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY src ./src
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    let installed = installed(cx);
    if installed.is_empty() {
        return;
    }
    for (number, stage) in of_kind(cx, &[Keyword::Copy]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        if copy.from != Source::Context {
            continue;
        }
        let chain = cx.facts.stages.get(stage).map(|s| s.chain.as_slice()).unwrap_or_default();
        let mut folders: Vec<&str> = chain
            .iter()
            .filter_map(|&stage| cx.file.stages().get(stage))
            .flat_map(|stage| {
                let from = installed.partition_point(|(by, _)| *by < stage.body.start);
                let to = installed.partition_point(|(by, _)| *by < stage.body.end.min(number));
                installed.get(from..to).unwrap_or_default()
            })
            .map(|(_, folder)| folder.as_str())
            .collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in folders {
            // Only a folder that comes along with others is a mistake; one that is named is meant.
            if below(folder, &copy.dest_path).is_none() && copy.dest_path.trim_end_matches('/') != folder {
                continue;
            }
            let Some(Some(host)) = brings(cx, copy, folder) else { continue };
            let named = copy
                .sources
                .iter()
                .any(|source| clean(source) == host || below(&clean(source), &host).is_some());
            if named || !context.is_dir(&host) || context.below(&host).next().is_none() {
                continue;
            }
            let totals = context.entries.totals(&host);
            let source = copy.sources.first().map_or("", String::as_str);
            let message = format!(
                "This overwrites `{folder}`, which the image installed, with the {} files of the host's `{host}`; add `{host}` to {}.",
                totals.files,
                context.ignore_file.as_deref().unwrap_or(".dockerignore")
            );
            out.push(Finding::new(source_range(cx, number, source), message));
        }
    }
}

/// The folders of packages that are installed or copied from another stage, each with the instruction that does, in the
/// file's order.
fn installed(cx: &FileCx<'_>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run, Keyword::Copy, Keyword::Add]) {
        match &cx.eval.step(number).command {
            Command::Run(_) => {
                let facts = &cx.facts.instructions[number];
                for install in facts.installs.iter().filter(|install| !install.global) {
                    let name = match install.manager {
                        Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun => "node_modules",
                        Manager::Composer => "vendor",
                        _ => continue,
                    };
                    if let Some(dir) = dir_of(cx, number, &facts.commands[install.command]) {
                        found.push((number, format!("{}/{name}", dir.trim_end_matches('/'))));
                    }
                }
                for command in &facts.commands {
                    let uv = command.name == "uv" && matches!(command.subcommand(), Some("sync" | "venv"));
                    if let Some(dir) = uv.then(|| dir_of(cx, number, command)).flatten() {
                        found.push((number, format!("{}/.venv", dir.trim_end_matches('/'))));
                    }
                    if command.name.starts_with("python") && command.has("venv") {
                        let last = command.args.last().filter(|arg| arg.literal && !arg.is_flag());
                        found.extend(last.map(|arg| (number, absolute(cx, number, &arg.text))));
                    }
                }
            }
            Command::Copy(copy) if matches!(copy.from, Source::Stage(_)) => {
                let dest = copy.dest_path.trim_end_matches('/');
                if ["/node_modules", "/.venv", "/vendor"].iter().any(|end| dest.ends_with(end)) {
                    found.push((number, dest.to_owned()));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let files = [
            ("package.json", "{}"),
            ("node_modules/a/index.js", ""),
            ("web/node_modules/b.js", ""),
            (".venv/x", ""),
        ];
        let count = |text: &str| {
            with_texts("E085", &files, "", &format!("FROM node:22 AS a\nWORKDIR /app\n{text}\n")).len()
        };
        for (text, expected) in [
            ("COPY package.json .\nRUN npm ci\nCOPY . .", 1),
            ("COPY . .\nRUN npm ci", 0),
            ("COPY package.json .\nRUN npm ci\nCOPY web .", 1),
            ("COPY package.json .\nRUN npm ci\nCOPY node_modules ./node_modules", 0),
            ("COPY package.json .\nRUN npm ci\nCOPY . /other", 0),
            ("RUN npm i -g x\nCOPY . .", 0),
            ("FROM node\nWORKDIR /app\nCOPY --from=a /app/node_modules ./node_modules\nCOPY . .", 1),
            ("RUN uv sync\nCOPY . .", 1),
            ("RUN python -m venv /app/.venv\nCOPY . .", 1),
        ] {
            assert_eq!(count(text), expected, "{text}");
        }
        let clean = with_texts(
            "E085",
            &[("package.json", "{}")],
            "node_modules",
            "FROM node\nWORKDIR /a\nRUN npm ci\nCOPY . .\n",
        );
        assert!(clean.is_empty());
    }
}
