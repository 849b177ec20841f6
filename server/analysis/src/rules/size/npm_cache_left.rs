//! S008 `npm-cache-left`.

use layerwise_model::facts::Manager;

use super::layers::{Cache, Fixes, about, cache_bytes, call, runs, variable};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "npm-cache-left",
        code: "S008",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `npm install` and `npm ci` that leave npm's cache in a layer of the image: without a cache mount over `~/.npm`, and
without emptying it in the same RUN.

## Why it matters

npm keeps each archive that it fetches in `~/.npm/_cacache`, about a third of what it installs, and nothing in the image
reads it.

## Example

```dockerfile
FROM node:22-slim
RUN npm install -g serve@14
```

## Use instead

```dockerfile
FROM node:22-slim
RUN --mount=type=cache,target=/root/.npm npm install -g serve@14
```
";

const CACHE: Cache = Cache {
    dirs: &["/root/.npm"],
    cleans: |c| {
        c.name == "npm" && c.has("cache") && ["clean", "clear", "rm", "get"].iter().any(|verb| c.has(verb))
    },
    fills: |c| c.name == "npm" && ["install", "i", "ci", "add"].iter().any(|verb| c.has(verb)),
};

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    for run in runs(cx) {
        // One that cleans up behind the last install cleans up behind them all.
        let Some(install) = run.facts.installs.iter().rfind(|install| install.manager == Manager::Npm) else {
            continue;
        };
        let command = &run.facts.commands[install.command];
        let elsewhere = command.has_flag(&["cache", "dry-run", "package-lock-only"])
            || command
                .assignments
                .iter()
                .any(|word| word.text.to_lowercase().starts_with("npm_config_cache="))
            || ["npm_config_cache", "NPM_CONFIG_CACHE"].iter().any(|name| variable(cx, &run, name).is_some());
        if elsewhere
            || !CACHE.stays(&run, install.command)
            || emptied.get_or_insert_with(|| CACHE.last_emptied(cx)).is_some_and(|last| last > run.number)
        {
            continue;
        }
        let verb = command.args.iter().find(|arg| arg.text == install.verb);
        let size = cache_bytes(command).filter(|_| !install.from_file);
        let size = size.map_or_else(String::new, |bytes| format!(" ({})", about(bytes)));
        let message = format!(
            "`npm {}` leaves its cache, `~/.npm`, in this layer{size}; put a cache mount over it, or empty it in the same RUN.",
            install.verb
        );
        let mut finding = Finding::new(call(cx, &run, command, verb), message);
        finding.fixes.extend(fixes.append(&run, command, "npm cache clean --force"));
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn caches_that_stay() {
        check(
            "S008",
            "\
FROM node:22 AS build
RUN npm ci
FROM node:22-slim
RUN npm ci --omit=dev && npm run x
    ^^^^^^ `npm ci` leaves its cache
RUN npm install -g a b
    ^^^^^^^^^^^ (~5.4 MB)
",
        );
        let at = |text: &str| lines("S008", &format!("FROM node:22\n{text}\n"));
        for text in [
            "RUN npm ci && npm cache clean --force",
            "RUN npm ci && rm -rf ~/.npm",
            "RUN npm ci && rm -rf /root/.npm/_cacache",
            "RUN --mount=type=cache,target=/root/.npm npm ci",
            "RUN --mount=type=cache,target=/home/node/.npm,uid=1000 npm ci",
            "ENV NPM_CONFIG_CACHE=/tmp\nRUN npm ci",
            "RUN npm run build",
            "RUN npm ci\nRUN npm cache clean --force",
        ] {
            assert_eq!(at(text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S008", "FROM node\nRUN npm i -g a && npm i -g b\n"),
            "FROM node\nRUN npm i -g a && npm i -g b && \\\n    npm cache clean --force\n"
        );
    }
}
