//! C010 `docs-tests-in-copy`.

use layerwise_model::EntryKind;
use layerwise_syntax::Keyword;

use super::support::{and, expensive, mentions, taken};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "docs-tests-in-copy",
        code: "C010",
        severity: Severity::Info,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY of the whole build context, above a step that takes long, that brings documentation and tests which nothing in
the Dockerfile names.

## Why it matters

They are part of the cache key of the COPY: whoever corrects a word in the documentation, or adds a test, builds everything
below it again.

## Example

With these files in the build context and an empty ignore file:

```context
docs/index.md
package.json
src/a.js
```

```dockerignore

```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci && npm run build
```

## Use instead

With the same files, and this ignore file:

```context
docs/index.md
package.json
src/a.js
```

```dockerignore
docs
```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci && npm run build
```
";

/// Folders of documentation, and files that say something about the project. A README is none of them: packages read it.
const DOCS: [&str; 12] = [
    "docs",
    "doc",
    "documentation",
    "CHANGELOG.md",
    "CHANGES.md",
    "HISTORY.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
    "AUTHORS.md",
    ".github",
    "screenshots",
];

/// Folders of tests.
const TESTS: [&str; 7] = ["test", "tests", "__tests__", "e2e", "cypress", "spec", "playwright"];

/// Programs that build or run tests together with the rest.
const BUILD_TESTS: [&str; 12] =
    ["make", "cmake", "mvn", "mvnw", "gradle", "gradlew", "dotnet", "sbt", "bazel", "meson", "mix", "swift"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(taken) = taken(cx).into_iter().find(|taken| taken.dir.is_empty()) else { return };
    let Some(stage) = cx.file.stage_of(taken.number) else { return };
    let below: Vec<usize> = cx
        .file
        .of_kind_in(taken.number + 1..stage.body.end, &[Keyword::Run])
        .map(|(number, _, _)| number)
        .collect();
    let Some(run) = expensive(cx, &below) else { return };
    let commands = || cx.facts.instructions.iter().flat_map(|facts| &facts.commands);
    let tests = commands().any(|c| {
        BUILD_TESTS.contains(&c.name.as_str()) || c.args.iter().any(|arg| arg.text.contains("test"))
    }) || cx.facts.instructions.iter().any(|facts| facts.unclear);
    let names: Vec<String> = DOCS
        .iter()
        .chain(TESTS.iter().filter(|_| !tests))
        .filter(|name| taken.has(name))
        .filter(|name| {
            // An exception for it says that it is wanted.
            let wanted = taken.context.ignore.deciding_line(name).is_some();
            !wanted && !cx.file.all().any(|(_, _, i)| mentions(i.source(), name))
        })
        .map(|name| match taken.context.get(name).map(|entry| entry.kind) {
            Some(EntryKind::Dir) => format!("`{name}/`"),
            _ => format!("`{name}`"),
        })
        .take(4)
        .collect();
    // A page or two is no habit.
    if !names.iter().any(|name| name.ends_with("/`")) {
        return;
    }
    let message = format!(
        "{} {} copied too, and an edit there runs the RUN of line {} again; add {} to {}.",
        and(&names),
        if names.len() == 1 { "is" } else { "are" },
        cx.file.line(run),
        if names.len() == 1 { "it" } else { "them" },
        taken.ignore_file()
    );
    out.push(taken.finding(cx, message));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::said_in_context;

    const TEXT: &str = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

    fn found(files: &[&str], ignore: &str, text: &str) -> Vec<String> {
        said_in_context("C010", files, Some(ignore), text)
    }

    #[test]
    fn what_no_build_needs() {
        let [message] =
            found(&["docs/a.md", "tests/b.js", "src/a.js", "CHANGELOG.md"], "x\n", TEXT).try_into().unwrap();
        assert!(
            message.starts_with("`docs/`, `CHANGELOG.md` and `tests/` are copied too, and an edit there runs the RUN of line 4 again"),
            "{message}"
        );
        for (files, ignore, text) in [
            (&["docs/a"][..], "docs\n", TEXT),
            (&["CHANGELOG.md", "a.js"][..], "", TEXT),
            (&["tests/a"][..], "", "FROM node\nCOPY . .\nRUN npm ci && npm test\n"),
            (&["tests/a"][..], "", "FROM maven\nCOPY . .\nRUN mvn package\n"),
            (&["docs/a"][..], "", "FROM node\nCOPY . .\nRUN npm ci && mkdocs build docs\n"),
            (&["docs/a"][..], "", "FROM node\nRUN npm ci\nCOPY . .\n"),
            (&["docs/a"][..], "", "FROM node\nCOPY src .\nRUN npm ci\n"),
        ] {
            assert_eq!(found(files, ignore, text), [""; 0], "{files:?} {ignore:?} {text}");
        }
    }
}
