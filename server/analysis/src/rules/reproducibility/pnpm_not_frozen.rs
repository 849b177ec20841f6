//! R014 `pnpm-not-frozen`.

use layerwise_model::facts::Manager;

use super::locks;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "pnpm-not-frozen",
        code: "R014",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `pnpm install` of a project whose lock file the stage has copied before, without `--frozen-lockfile`.

## Why it matters

Then the build installs what is newest today instead of what was tested, and the lock file in the repository
says something else than what is in the image.

## Example

```dockerfile
FROM node:22
COPY package.json pnpm-lock.yaml ./
RUN pnpm install
```

## Use instead

```dockerfile
FROM node:22
COPY package.json pnpm-lock.yaml ./
RUN pnpm install --frozen-lockfile
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in locks::installs(cx, Manager::Pnpm, &["pnpm-lock.yaml"]) {
        let command = found.command;
        let ci = cx
            .eval
            .step(found.number)
            .state
            .env
            .get("CI")
            .is_some_and(|ci| !matches!(ci, "" | "0" | "false"));
        if ci
            || found.install.verb == "add"
            || command.has_flag(&[
                "frozen-lockfile",
                "no-frozen-lockfile",
                "no-lockfile",
                "lockfile-only",
                "fix-lockfile",
            ])
            || command.assignments.iter().any(|a| a.text.starts_with("CI="))
        {
            continue;
        }
        let flag = "--frozen-lockfile";
        let verb = command.args.iter().find(|arg| arg.text == found.install.verb);
        let start = command.program.range.start;
        let end = verb.map_or(command.program.range.end, |verb| verb.range.end);
        let finding = Finding::new(
            cx.file.absolute(found.number, start..end),
            format!(
                "pnpm keeps to `{}` by itself only where `CI` is set, which it is not in a build; add `{flag}`.",
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
        let text =
            |env: &str, run: &str| format!("FROM node\nENV {env}\nCOPY pnpm-lock.yaml ./\nRUN {run}\n");
        assert_eq!(fixed("R014", &text("A=b", "pnpm i -P")), text("A=b", "pnpm i --frozen-lockfile -P"));
        for (env, run) in [
            ("CI=true", "pnpm i"),
            ("A=b", "CI=1 pnpm i"),
            ("A=b", "pnpm add x"),
            ("A=b", "pnpm install --frozen-lockfile"),
            ("A=b", "pnpm build"),
        ] {
            assert_eq!(lines("R014", &text(env, run)), [0; 0], "{env} {run}");
        }
    }
}
