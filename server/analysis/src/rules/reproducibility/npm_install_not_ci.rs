//! R012 `npm-install-not-ci`.

use layerwise_model::facts::Manager;

use super::locks;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "npm-install-not-ci",
        code: "R012",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `npm install` of a project whose lock file the stage has copied before.

## Why it matters

Then the build installs what is newest today instead of what was tested, and the lock file in the repository
says something else than what is in the image.

## Example

```dockerfile
FROM node:22
COPY package.json package-lock.json ./
RUN npm install
```

## Use instead

```dockerfile
FROM node:22
COPY package.json package-lock.json ./
RUN npm ci
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in locks::installs(cx, Manager::Npm, &["package-lock.json", "npm-shrinkwrap.json"]) {
        let command = found.command;
        if matches!(found.install.verb.as_str(), "ci" | "clean-install" | "install-clean" | "ic")
            || command.has_flag(&["package-lock-only"])
        {
            continue;
        }
        let verb = command.args.iter().find(|arg| arg.text == found.install.verb);
        let start = command.program.range.start;
        let end = verb.map_or(command.program.range.end, |verb| verb.range.end);
        let finding = Finding::new(
            cx.file.absolute(found.number, start..end),
            format!(
                "npm may change `{}` here and install other versions than it says; write `npm ci`, which installs exactly those.",
                found.lock
            ),
        );
        let clear = cx.facts.instructions.get(found.number).is_some_and(|facts| !facts.unclear);
        out.push(match verb {
            Some(verb) if !command.exec && clear => {
                let at = cx.file.absolute(found.number, verb.range.clone());
                finding.fix(Fix::replace("Write `npm ci`", at, "ci"))
            }
            _ => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, context_of, fixed, lines, with_context};

    #[test]
    fn locks() {
        check(
            "R012",
            "\
FROM node:22
COPY package.json package-lock.json* ./
RUN x && npm install --omit=dev
         ^^^^^^^^^^^ `package-lock.json`
RUN npm install -g x && npm ci && npm i express
",
        );
        let text = "FROM node\nCOPY package*.json ./\nRUN npm i\n";
        assert_eq!(lines("R012", text), [0; 0]);
        assert_eq!(with_context("R012", &context_of(&["package-lock.json", "package.json"]), text).len(), 1);
        assert_eq!(with_context("R012", &context_of(&["package.json"]), text).len(), 0);
        assert_eq!(lines("R012", "FROM node AS dev\nCOPY package-lock.json ./\nRUN npm i\n"), [0; 0]);
        assert_eq!(
            fixed("R012", "FROM a\nCOPY package-lock.json .\nRUN npm i --x\n"),
            "FROM a\nCOPY package-lock.json .\nRUN npm ci --x\n"
        );
    }
}
