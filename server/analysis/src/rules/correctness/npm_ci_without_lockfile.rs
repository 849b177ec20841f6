//! E086 `npm-ci-without-lockfile`.

use layerwise_model::eval::Command;

use super::dependency_steps::steps;
use super::image_files::Found;
use crate::ranges::is_verbatim;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "npm-ci-without-lockfile",
        code: "E086",
        severity: Severity::Error,

        fix: FixClass::Sometimes,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `npm ci`, and other installs that insist on a lock file, where the manifest is copied and the lock file is not, or is not in the build context.

## Why it matters

`npm ci` installs exactly what `package-lock.json` says and stops without it. `yarn --frozen-lockfile` goes on and pins nothing.

## Example

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json ./
RUN npm ci
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for step in steps(cx).iter().filter(|step| !step.locks.is_empty()) {
        let Found::Context { path: manifest, by } = step.at(cx, &step.manifest) else { continue };
        // An empty project has nothing to lock; what is said must hold for each of the names.
        if !step.locks.iter().all(|lock| step.at(cx, lock) == Found::No) {
            continue;
        }
        let folder = manifest.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let known = cx.context.filter(|context| context.incomplete.is_none());
        let there = step
            .locks
            .iter()
            .find(|lock| known.is_some_and(|context| context.get(&format!("{folder}{lock}")).is_some()));
        let lock = there.or(step.locks.first()).copied().unwrap_or_default();
        let ignored = known.is_some_and(|context| context.ignore.is_excluded(&format!("{folder}{lock}")));
        let why = match (known.is_some(), there) {
            (true, None) if ignored => "the ignore file keeps it out of the build context",
            (true, None) => "there is none in the build context",
            _ => "it is not copied before this",
        };
        let what = match step.program.as_str() {
            "yarn" => "pins nothing without",
            _ => "stops without",
        };
        let message = format!("`{}` {what} `{lock}`, and {why}.", step.name);
        let range = step.range.clone();
        let finding = Finding::new(range, message);
        let instruction = cx.file.instruction(by).1;
        let word = instruction
            .args()
            .iter()
            .find(|w| w.value.trim_start_matches("./") == manifest && is_verbatim(instruction, w));
        let folder_dest =
            matches!(&cx.eval.step(by).command, Command::Copy(copy) if copy.dest_path.ends_with('/'));
        out.push(match word {
            Some(word) if folder_dest && (known.is_none() || there.is_some()) => {
                let at = cx.file.absolute(by, word.range.end..word.range.end);
                let prefix = word.value.strip_suffix(step.manifest.as_str()).unwrap_or_default();
                finding.fix(Fix::replace(format!("Copy `{lock}` too"), at, format!(" {prefix}{lock}")))
            }
            _ => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines, with_texts};

    #[test]
    fn finds() {
        check(
            "E086",
            "\
FROM node:22
WORKDIR /app
COPY package.json ./
RUN npm i -g npm && npm ci
                    ^^^^^^ `npm ci` stops without `package-lock.json`, and it is not copied
",
        );
        for (copy, run, expected) in [
            ("package.json package-lock.json ./", "npm ci", 0),
            ("package*.json ./", "npm ci", 0),
            (". .", "npm ci", 0),
            ("package.json ./", "npm install", 0),
            ("package.json ./", "npm install && npm ci", 1),
            ("package.json ./", "npm install --package-lock-only; cat package-lock.json; npm ci", 0),
            ("package.json ./", "pnpm install --frozen-lockfile", 1),
            ("package.json yarn.lock ./", "yarn --frozen-lockfile", 0),
            ("app/ ./", "npm ci", 0),
            ("Cargo.toml ./", "cargo build --locked", 1),
        ] {
            let text = format!("FROM node:22\nWORKDIR /app\nCOPY {copy}\nRUN {run}\n");
            assert_eq!(lines("E086", &text).len(), expected, "{copy} {run}");
        }
        assert!(lines("E086", "FROM team/node\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\n").is_empty());
        assert!(
            lines(
                "E086",
                "FROM node\nWORKDIR /app\nCOPY package.json .\nRUN --mount=type=bind,target=/app npm ci\n"
            )
            .is_empty()
        );
        let text = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n";
        assert_eq!(with_texts("E086", &[("package.json", "{}")], "", text).len(), 1);
        assert_eq!(
            with_texts("E086", &[("package.json", "{}"), ("package-lock.json", "{}")], "", text).len(),
            0
        );
        let text = "FROM node\nWORKDIR /app\nCOPY web/package*.json ./\nRUN npm ci\n";
        assert_eq!(with_texts("E086", &[("web/package.json", "{}")], "", text).len(), 1);
        assert_eq!(
            with_texts("E086", &[("web/package.json", "{}"), ("web/package-lock.json", "{}")], "", text)
                .len(),
            0
        );
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("E086", "FROM node\nWORKDIR /a\nCOPY ./package.json .\nRUN npm ci\n"),
            "FROM node\nWORKDIR /a\nCOPY ./package.json ./package-lock.json .\nRUN npm ci\n"
        );
    }
}
