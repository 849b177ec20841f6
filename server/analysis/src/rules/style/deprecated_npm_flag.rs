//! T022 `deprecated-npm-flag`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "deprecated-npm-flag",
        code: "T022",
        severity: Severity::Info,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `--only=production`, `--only=prod`, `--production` and `--only=dev` of npm, which `--omit=dev` and
`--include=dev` have replaced. Node images with npm 6 (below version 16) are left alone: that one does not know the new
flags.

## Why it matters

npm warns about the old flags since version 7, and does not promise to keep them. When one of them is gone it is
ignored, and everything for development is in the image.

## Example

```dockerfile
FROM node:22
COPY package.json package-lock.json ./
RUN npm ci --only=production
```

## Use instead

```dockerfile
FROM node:22
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, outer) in cx.file.of_kind_or_trigger(&[Keyword::Run]) {
        let instruction = outer.trigger().unwrap_or(outer);
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        for command in facts.named("npm") {
            let flag = command.args.iter().find(|arg| {
                matches!(
                    arg.text.as_str(),
                    "--only=production" | "--only=prod" | "--production" | "--production=true"
                )
            });
            let Some(flag) = flag.filter(|flag| flag.literal) else { continue };
            if !matches!(command.subcommand(), Some("ci" | "install" | "i" | "prune" | "update" | "rebuild"))
            {
                continue;
            }
            let stage = stages::of(cx, number);
            // Others' images of Node have its version as their tag, too: `mhart/alpine-node:8`.
            let node = stage
                .filter(|stage| stage.base.name.rsplit('/').next().is_some_and(|name| name.contains("node")));
            let version =
                |tag: &str| tag.trim_start_matches('v').split(['.', '-']).next()?.parse::<u32>().ok();
            let major = node.and_then(|stage| codename(&stage.base.tag).or_else(|| version(&stage.base.tag)));
            // Alpine had this package up to 3.12, with npm 6.
            if major.is_some_and(|major| major < 16) || stage.is_some_and(|s| s.has_package("nodejs-npm")) {
                continue;
            }
            let major = major.filter(|_| node.is_some_and(|stage| stage.base.official));
            let finding = Finding::new(
                cx.file.absolute(number, flag.range.clone()),
                format!(
                    "npm has replaced `{}`, and warns about it since version 7; write `--omit=dev`.",
                    flag.text
                ),
            );
            let range = cx.file.absolute(number, flag.range.clone());
            let fix = Fix::replace("Write `--omit=dev`", range, "--omit=dev");
            let verbatim = instruction.source().get(flag.range.clone()) == Some(flag.text.as_str());
            out.push(match major {
                _ if command.exec || facts.unclear || !verbatim => finding,
                Some(_) => finding.fix(fix.safe()),
                None => finding.fix(fix),
            });
        }
    }
}

/// The versions that tags also call by the name of their long-term support, as far as they have npm 6.
fn codename(tag: &str) -> Option<u32> {
    let names = [("argon", 4), ("boron", 6), ("carbon", 8), ("dubnium", 10), ("erbium", 12), ("fermium", 14)];
    names.iter().find(|(name, _)| tag.starts_with(name)).map(|(_, major)| *major)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn flags() {
        assert_eq!(
            fixed("T022", "FROM node:22\nRUN npm ci --only=production && x\n"),
            "FROM node:22\nRUN npm ci --omit=dev && x\n"
        );
        assert_eq!(fixed("T022", "FROM x\nRUN npm i --production\n"), "FROM x\nRUN npm i --omit=dev\n");
        for from in
            ["mhart/alpine-node:8", "alpine:3.9\nRUN apk add nodejs-npm", "x/node:v12.1-slim", "node:carbon"]
        {
            assert_eq!(lines("T022", &format!("FROM {from}\nRUN npm i --production\n")), [0; 0], "{from}");
        }
        assert_eq!(
            lines(
                "T022",
                "FROM node:14\nRUN npm ci --only=production\nRUN yarn --production\nRUN npm run x --production\n"
            ),
            [0; 0]
        );
    }
}
