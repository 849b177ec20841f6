//! R015 `bun-not-frozen`.

use layerwise_model::facts::Manager;

use super::locks;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "bun-not-frozen",
        code: "R015",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `bun install` of a project whose lock file the stage has copied before, without `--frozen-lockfile`.

## Why it matters

Then the build installs what is newest today instead of what was tested, and the lock file in the repository
says something else than what is in the image.

## Example

```dockerfile
FROM oven/bun:1
COPY package.json bun.lock ./
RUN bun install
```

## Use instead

```dockerfile
FROM oven/bun:1
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in locks::installs(cx, Manager::Bun, &["bun.lock", "bun.lockb"]) {
        let command = found.command;
        if matches!(found.install.verb.as_str(), "add" | "ci")
            || command.has_flag(&["frozen-lockfile", "no-save"])
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
                "bun may change `{}` here and install other versions than it says; add `{flag}`, so that the build fails instead.",
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
        let text = |run: &str| format!("FROM oven/bun:1\nCOPY bun.lockb ./\nRUN {run}\n");
        assert_eq!(fixed("R015", &text("bun install")), text("bun install --frozen-lockfile"));
        assert_eq!(lines("R015", &text("bun add x && bun i --frozen-lockfile && bun run build")), [0; 0]);
    }
}
