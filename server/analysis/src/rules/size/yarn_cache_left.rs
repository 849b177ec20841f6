//! S009 `yarn-cache-left`.

use layerwise_model::facts::Manager;

use super::layers::{Cache, Fixes, about, cache_bytes, call, runs, variable};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "yarn-cache-left",
        code: "S009",
        severity: Severity::Info,
        equivalents: &["DL3060"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `yarn install` and `yarn add` that leave yarn's cache in a layer of the image: without a cache mount over it, and
without `yarn cache clean` in the same RUN.

## Why it matters

yarn keeps each package that it fetches a second time in its cache, more than half of what it installs, and nothing in the
image reads it.

## Example

```dockerfile
FROM node:22-slim
RUN yarn global add serve@14
```

## Use instead

```dockerfile
FROM node:22-slim
RUN yarn global add serve@14 && yarn cache clean
```
";

const CACHE: Cache = Cache {
    dirs: &["/usr/local/share/.cache/yarn", "/root/.cache/yarn", "/root/.yarn"],
    cleans: |c| {
        c.name.starts_with("yarn")
            && c.has("cache")
            && ["clean", "clear", "dir"].iter().any(|verb| c.has(verb))
    },
    fills: |c| c.name.starts_with("yarn") && !c.has("cache"),
};

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    for run in runs(cx) {
        let Some(install) = run.facts.installs.iter().rfind(|install| install.manager == Manager::Yarn)
        else {
            continue;
        };
        let command = &run.facts.commands[install.command];
        if command.has_flag(&["version", "v", "help", "h", "cache-folder"])
            || variable(cx, &run, "YARN_CACHE_FOLDER").is_some()
            || command.assignments.iter().any(|word| word.text.starts_with("YARN_CACHE_FOLDER="))
            || !CACHE.stays(&run, install.command)
            || emptied.get_or_insert_with(|| CACHE.last_emptied(cx)).is_some_and(|last| last > run.number)
        {
            continue;
        }
        let verb = command.args.iter().find(|arg| arg.text == install.verb);
        let size = cache_bytes(command).filter(|_| !install.from_file);
        let size = size.map_or_else(String::new, |bytes| format!(" ({})", about(bytes)));
        let message = format!(
            "`yarn {}` leaves its cache in this layer{size}; add `yarn cache clean` to the same RUN, or put a cache mount over it.",
            install.verb
        );
        let mut finding = Finding::new(call(cx, &run, command, verb), message);
        finding.fixes.extend(fixes.append(&run, command, "yarn cache clean"));
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn caches_that_stay() {
        check(
            "S009",
            "\
FROM node:22 AS build
RUN yarn
FROM node:22-slim
RUN yarn --frozen-lockfile
    ^^^^ `yarn install` leaves its cache
RUN yarn global add a
    ^^^^^^^^^^^^^^^ `yarn add` leaves
",
        );
        let at = |text: &str| lines("S009", &format!("FROM node:22\n{text}\n"));
        for text in [
            "RUN yarn && yarn cache clean",
            "RUN yarn && rm -rf /usr/local/share/.cache",
            "RUN --mount=type=cache,target=/root/.cache/yarn yarn",
            "RUN --mount=type=cache,target=/usr/local/share/.cache/yarn/v6 yarn --version",
            "RUN yarn build",
            "RUN yarn -v",
        ] {
            assert_eq!(at(text), [0; 0], "{text}");
        }
        assert_eq!(at("RUN yarn cache clean && yarn install"), [2]);
        assert_eq!(at("RUN --mount=type=tmpfs,target=/var/lib/x yarn install"), [2]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S009", "FROM node\nRUN yarn install\n"),
            "FROM node\nRUN yarn install && \\\n    yarn cache clean\n"
        );
    }
}
