//! C008 `volatile-files-in-copy`.

use super::support::{and, entries, taken};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "volatile-files-in-copy",
        code: "C008",
        severity: Severity::Info,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY above other steps that brings logs, reports of test runs, caches of tools or settings of editors into the
build.

## Why it matters

Such files change whenever somebody runs the tests or the program. Copied, they are part of the cache key of the COPY, so
that a test run on the host runs all steps below again though no source changed.

## Example

With these files in the build context and an empty ignore file:

```context
coverage/index.html
package.json
```

```dockerignore

```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm run build
```

## Use instead

With the same files, and this ignore file:

```context
coverage/index.html
package.json
```

```dockerignore
coverage
```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm run build
```
";

/// Files and folders that tools write whenever they run.
const NAMES: [&str; 24] = [
    "coverage",
    "htmlcov",
    ".coverage",
    ".nyc_output",
    ".pytest_cache",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".cache",
    ".parcel-cache",
    ".turbo",
    ".eslintcache",
    ".gradle",
    ".terraform",
    ".idea",
    ".vscode",
    ".DS_Store",
    "logs",
    "test-results",
    "playwright-report",
    ".ipynb_checkpoints",
    ".sass-cache",
];

/// What such files end in.
const ENDS: [&str; 5] = [".log", ".swp", ".pyc", ".pid", "~"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for taken in taken(cx).into_iter().filter(|t| t.runs > 0) {
        let mut names: Vec<String> = entries(&taken)
            .map(|(path, _)| path)
            .filter(|path| {
                let name = path.rsplit('/').next().unwrap_or(path);
                NAMES.contains(&name) || ENDS.iter().any(|end| name.ends_with(end))
            })
            .map(|path| format!("`{path}`"))
            .collect();
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(3);
        names.truncate(3);
        if more > 0 {
            names.push(format!("{more} more of that kind"));
        }
        let message = format!(
            "{} copied too, and a change in {} {}; add {} to {}.",
            format_args!("{} {}", and(&names), if names.len() == 1 { "is" } else { "are" }),
            if names.len() == 1 { "it" } else { "any of them" },
            taken.cost(),
            if names.len() == 1 { "it" } else { "them" },
            taken.ignore_file()
        );
        out.push(taken.finding(cx, message));
        return;
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::said_in_context;

    const TEXT: &str = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

    fn found(files: &[&str], ignore: Option<&str>, text: &str) -> Vec<String> {
        said_in_context("C008", files, ignore, text)
    }

    #[test]
    fn what_tools_write_is_copied() {
        let [message] =
            found(&["coverage/a", "web/npm-debug.log", "a.js"], Some("x\n"), TEXT).try_into().unwrap();
        assert!(message.starts_with("`coverage` and `web/npm-debug.log` are copied too"), "{message}");
        for (files, ignore, text) in [
            (&["coverage/a", "a.js"][..], Some("coverage\n"), TEXT),
            (&["src/a.js"][..], Some(""), TEXT),
            (&["coverage/a"][..], Some(""), "FROM a\nRUN x\nCOPY . .\n"),
        ] {
            assert_eq!(found(files, ignore, text), [""; 0], "{files:?} {ignore:?} {text}");
        }
    }
}
