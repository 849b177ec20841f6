//! C034 `pnpm-fetch`.

use layerwise_model::facts::Manager;
use layerwise_syntax::Keyword;

use super::support::from_context;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "pnpm-fetch", code: "C034", severity: Severity::Hint, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `pnpm install` below COPYs of the package.json of each package of a workspace, where nothing fetches from the lock file
alone.

## Why it matters

An edit of any package.json, a script or a version in it, downloads all dependencies again, and each new package needs a line
here. `pnpm fetch` needs nothing but pnpm-lock.yaml: below it, `pnpm install --offline` only links what is there.

## Example

```dockerfile
FROM node:22
WORKDIR /repo
COPY pnpm-lock.yaml pnpm-workspace.yaml package.json ./
COPY packages/api/package.json packages/api/
COPY packages/web/package.json packages/web/
RUN pnpm install --frozen-lockfile
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /repo
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN pnpm fetch
COPY . .
RUN pnpm install --frozen-lockfile --offline
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let (mut lock, mut manifests) = (false, 0);
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy, Keyword::Run])
        {
            if instruction.kind() == Some(Keyword::Copy) {
                let Some(copy) = from_context(cx, number) else { continue };
                lock |= copy.sources.iter().any(|source| source.contains("pnpm-lock"));
                manifests += copy
                    .sources
                    .iter()
                    .filter(|s| s.ends_with("/package.json") && *s != "./package.json")
                    .count();
                continue;
            }
            let facts = &cx.facts.instructions[number];
            if facts.named("pnpm").any(|c| matches!(c.subcommand(), Some("fetch" | "deploy"))) {
                break;
            }
            let Some(install) = facts.installs.iter().find(|i| i.manager == Manager::Pnpm && i.from_file)
            else {
                continue;
            };
            // A cache mount over the store keeps what was downloaded.
            let cached = instruction.flag_values("mount").any(|mount| mount.contains("type=cache"));
            if lock && manifests >= 2 && !cached {
                let command = &facts.commands[install.command];
                let end = command.args.first().map_or(command.program.range.end, |arg| arg.range.end);
                let message = format!(
                    "This downloads all dependencies again when any of {manifests} package.json above it changes; `pnpm fetch` above them needs pnpm-lock.yaml alone."
                );
                let range = cx.file.absolute(number, command.program.range.start..end);
                out.push(Finding::new(range, message));
            }
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn workspaces() {
        check(
            "C034",
            "\
FROM node
COPY package.json pnpm-lock.yaml a/package.json b/package.json ./
RUN pnpm i --frozen-lockfile
    ^^^^^^ when any of 2 package.json above it changes
",
        );
        for text in [
            "FROM node\nCOPY package.json pnpm-lock.yaml ./\nRUN pnpm i\n",
            "FROM node\nCOPY pnpm-lock.yaml ./\nRUN pnpm fetch\nCOPY a/package.json b/package.json ./\nRUN pnpm i\n",
            "FROM node\nCOPY pnpm-lock.yaml a/package.json b/package.json ./\nRUN --mount=type=cache,target=/s pnpm i\n",
            "FROM node\nCOPY package-lock.json a/package.json b/package.json ./\nRUN npm ci\n",
        ] {
            assert_eq!(lines("C034", text), [0; 0], "{text}");
        }
    }
}
