//! S015 `npm-dev-in-final`.

use layerwise_model::facts::{Command, Install, Manager};

use super::layers::{Fixes, Run, call, is_application, runs, starts_development, variable};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "npm-dev-in-final",
        code: "S015",
        // Whether there are any devDependencies is known only with the build context.
        severity: Severity::Info,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds npm, yarn, pnpm and bun that install devDependencies in a stage of the image that starts a program, without removing
them later. Where the build context is known, package.json must have some.

## Why it matters

Bundlers, compilers and test runners are often more than half of `node_modules`, and nothing runs them in the image.

## Example

```dockerfile
FROM node:22-slim
WORKDIR /app
COPY . .
RUN npm ci
CMD [\"node\", \"server.js\"]
```

## Use instead

```dockerfile
FROM node:22-slim
WORKDIR /app
COPY . .
RUN npm ci --omit=dev
CMD [\"node\", \"server.js\"]
```
";

/// Whether an install takes all that the manifest names.
fn takes_all(cx: &FileCx<'_>, run: &Run<'_>, install: &Install, command: &Command) -> bool {
    if !matches!(install.manager, Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun)
        || !install.from_file
        || install.global
        || install.verb == "add"
    {
        return false;
    }
    let without = ["production", "prod", "P", "omit", "only", "help", "version", "v", "package-lock-only"];
    let env = |name: &str, wanted: &str| {
        let own = command.assignments.iter().find_map(|word| word.text.strip_prefix(name)?.strip_prefix('='));
        let exported = run.facts.named("export").flat_map(|c| &c.args);
        let exported = exported.filter_map(|word| word.text.strip_prefix(name)?.strip_prefix('=')).last();
        own.or(exported).or_else(|| variable(cx, run, name)).is_some_and(|value| value == wanted)
    };
    // A variable may hold a flag or the environment's name.
    let computed = command.args.iter().any(|arg| !arg.literal);
    let node_env = variable(cx, run, "NODE_ENV").is_some_and(|value| value.contains('$'));
    !command.has_flag(&without)
        && !computed
        && !node_env
        && !env("NODE_ENV", "production")
        && !env("NPM_CONFIG_PRODUCTION", "true")
        && !env("NPM_CONFIG_OMIT", "dev")
}

/// Whether a command takes devDependencies away.
fn prunes(command: &Command) -> bool {
    match command.name.as_str() {
        "npm" | "pnpm" | "yarn" | "bun" => {
            command.has("prune")
                || command.has("autoclean")
                || command.has("focus")
                || command.has("deploy")
                || command.has_flag(&["production", "prod", "omit", "only"])
        }
        "rm" | "rimraf" => command.args.iter().any(|arg| arg.text.contains("node_modules")),
        "node-prune" => true,
        _ => false,
    }
}

/// Whether a command needs the tools that are devDependencies as a rule.
fn builds(command: &Command) -> bool {
    match command.name.as_str() {
        "npm" | "pnpm" | "yarn" | "bun" => {
            command.args.iter().any(|arg| matches!(arg.text.as_str(), "run" | "test" | "build" | "exec"))
                || (command.name == "yarn"
                    && !matches!(
                        command.subcommand(),
                        None | Some("install" | "add" | "cache" | "config" | "global" | "set")
                    ))
        }
        "npx" | "tsc" | "webpack" | "gulp" | "grunt" | "ng" | "vite" | "next" | "bower" | "lerna"
        | "turbo" | "nx" | "make" => true,
        name => name.contains("node_modules") || name == "ember",
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let all: Vec<Run<'_>> = runs(cx).collect();
    let installs = |run: &Run<'_>| {
        run.facts.installs.iter().any(|i| {
            i.from_file && matches!(i.manager, Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Bun)
        })
    };
    if !all.iter().any(installs) || !is_application(cx) || starts_development(cx) {
        return;
    }
    let manifest = cx.context.and_then(|context| context.text("package.json"));
    if manifest.is_some_and(|text| !text.contains("\"devDependencies\"")) {
        return;
    }
    for (at, run) in all.iter().enumerate() {
        for install in &run.facts.installs {
            let command = &run.facts.commands[install.command];
            if !takes_all(cx, run, install, command) {
                continue;
            }
            let below = || {
                let own = run.facts.commands.iter().skip(install.command + 1);
                own.chain(all[at + 1..].iter().flat_map(|later| &later.facts.commands))
            };
            if run.facts.unclear || below().any(prunes) {
                return;
            }
            let name = &command.name;
            let flag = if install.manager == Manager::Npm || install.manager == Manager::Bun {
                "--omit=dev"
            } else {
                "--prod"
            };
            let flag = if install.manager == Manager::Yarn { "--production" } else { flag };
            let needed = below().any(builds);
            let instead = if needed {
                "build in a stage of its own, and install for production here".to_owned()
            } else {
                format!("use `{flag}`")
            };
            let verb = command.args.iter().find(|arg| arg.text == install.verb);
            let message =
                format!("`{name} {}` puts devDependencies into the image, too; {instead}.", install.verb);
            let mut finding = Finding::new(call(cx, run, command, verb), message);
            // With another install that brings them, one flag alone is no way out.
            let only = all
                .iter()
                .flat_map(|run| run.facts.installs.iter().map(move |install| (run, install)))
                .filter(|(run, install)| takes_all(cx, run, install, &run.facts.commands[install.command]))
                .count()
                == 1;
            if let Some(verb) = verb.filter(|_| !needed && only) {
                finding.fixes.extend(fixes.flag(run, command, verb, flag));
            }
            out.push(finding);
            // What the next one brings is the same.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn development_dependencies() {
        check(
            "S015",
            "\
FROM node AS build
RUN npm ci
FROM node
RUN npm i && npm run build
    ^^^^^ `npm i` puts devDependencies into the image, too; build in a stage of its own
CMD [\"node\", \"x\"]
",
        );
        let at = |text: &str| lines("S015", &format!("FROM node\n{text}\n"));
        for text in [
            "RUN npm ci --omit=dev\nCMD x",
            "RUN npm ci --only production\nCMD x",
            "ENV NODE_ENV=production\nRUN npm ci\nCMD x",
            "RUN NODE_ENV=production yarn\nCMD x",
            "RUN npm ci\nRUN npm run build && npm prune --production\nCMD x",
            "RUN npm ci\nCMD npm run dev",
            "RUN npm ci\nCMD [\"npm\", \"test\"]",
            "RUN npm ci",
            "RUN npm i -g x\nCMD x",
            "RUN npm i $FLAGS\nCMD x",
        ] {
            assert_eq!(at(text), [0; 0], "{text}");
        }
        assert_eq!(at("RUN pnpm install --frozen-lockfile\nCMD x"), [2]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S015", "FROM node\nRUN npm ci\nCMD x\n"),
            "FROM node\nRUN npm ci --omit=dev\nCMD x\n"
        );
    }
}
