//! R013 `yarn-not-frozen`.

use layerwise_model::facts::Manager;

use super::locks;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "yarn-not-frozen",
        code: "R013",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `yarn install` of a project whose lock file the stage has copied before, without `--frozen-lockfile`
(`--immutable` for yarn 2 and later).

## Why it matters

Then the build installs what is newest today instead of what was tested, and the lock file in the repository
says something else than what is in the image.

## Example

```dockerfile
FROM node:22
COPY package.json yarn.lock ./
RUN yarn install
```

## Use instead

```dockerfile
FROM node:22
COPY package.json yarn.lock ./
RUN yarn install --frozen-lockfile
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in locks::installs(cx, Manager::Yarn, &["yarn.lock"]) {
        let command = found.command;
        if found.install.verb == "add"
            || command.has_flag(&[
                "frozen-lockfile",
                "immutable",
                "pure-lockfile",
                "immutable-cache",
                "no-immutable",
                "production-ready",
            ])
        {
            continue;
        }
        let berry = locks::has(cx, found.number, ".yarnrc.yml") || locks::has(cx, found.number, ".yarn");
        let flag = if berry { "--immutable" } else { "--frozen-lockfile" };
        let verb = command.args.iter().find(|arg| arg.text == found.install.verb);
        let start = command.program.range.start;
        let end = verb.map_or(command.program.range.end, |verb| verb.range.end);
        let finding = Finding::new(
            cx.file.absolute(found.number, start..end),
            format!(
                "yarn may change `{}` here and install other versions than it says; add `{flag}`, so that the build fails instead.",
                found.lock
            ),
        );
        let clear = cx.facts.instructions.get(found.number).is_some_and(|facts| !facts.unclear);
        out.push(if command.exec || !clear {
            finding
        } else {
            let at = cx.file.absolute(found.number, end..end);
            finding.fix(Fix::replace(format!("Add `{flag}`"), at, format!(" {flag}")))
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn locks() {
        let text = |copy: &str, run: &str| format!("FROM node\nCOPY {copy} ./\nRUN {run}\n");
        assert_eq!(
            fixed("R013", &text("yarn.lock", "x && yarn && y")),
            text("yarn.lock", "x && yarn --frozen-lockfile && y")
        );
        assert_eq!(
            fixed("R013", &text(".yarnrc.yml yarn.lock", "yarn install")),
            text(".yarnrc.yml yarn.lock", "yarn install --immutable")
        );
        for (copy, run) in [
            ("yarn.lock", "yarn build"),
            ("yarn.lock", "yarn --frozen-lockfile"),
            ("x", "yarn"),
            ("yarn.lock", "yarn add x"),
        ] {
            assert_eq!(lines("R013", &text(copy, run)), [0; 0], "{copy} {run}");
        }
    }
}
