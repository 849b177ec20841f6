//! R027 `corepack-unpinned`.

use layerwise_model::facts::Manager;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "corepack-unpinned",
        code: "R027",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `corepack` on a node image of version 25 or later, which does not bring it, without an installation of it.

## Why it matters

Node.js has left corepack out since version 25, so the RUN fails with \"corepack: not found\".

## Example

```dockerfile
FROM node:25
RUN corepack enable
```

## Use instead

```dockerfile
FROM node:25
RUN npm install -g corepack@0.34.0 && corepack enable
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        let Some(command) = facts.named("corepack").next() else { continue };
        let Some(stage) =
            stages::of(cx, number).filter(|stage| stage.base.official && stage.base.name == "node")
        else {
            continue;
        };
        let major = stage.base.tag.split(['.', '-']).next().and_then(|major| major.parse::<u32>().ok());
        let installed = [Manager::Npm, Manager::Yarn, Manager::Pnpm, Manager::Apk]
            .iter()
            .any(|&manager| stage.installed.contains(&(manager, "corepack".to_owned())));
        if major.is_some_and(|major| major >= 25) && !installed {
            out.push(Finding::new(
                cx.file.absolute(number, command.range.clone()),
                format!("`node:{}` has no corepack, so this fails; install it before with `npm install -g corepack@<version>`.", stage.base.tag),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        assert_eq!(lines("R027", "FROM node:25-alpine\nRUN corepack enable && yarn\n"), [2]);
        assert_eq!(
            lines(
                "R027",
                "FROM node:24\nRUN corepack enable\nFROM node:26\nRUN npm i -g corepack && corepack enable\n"
            ),
            [0; 0]
        );
    }
}
