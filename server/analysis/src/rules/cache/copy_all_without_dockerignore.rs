//! C005 `copy-all-without-dockerignore`.

use layerwise_model::Context;

use super::support::{and, taken};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-all-without-dockerignore",
        code: "C005",
        severity: Severity::Warning,
        supersedes: &[
            "git-dir-in-copy",
            "dockerfile-in-copy",
            "volatile-files-in-copy",
            "dependency-dir-in-context",
        ],
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY of the whole build context where there is no ignore file and the context holds what no image needs: `.git`,
installed dependencies, the Dockerfile itself, caches, settings of editors.

## Why it matters

All of that is sent to the builder, copied, and part of the cache key of the COPY: a commit, an installed package or an edit
of the Dockerfile runs every step below again. And `.git` and `.env` end up in the image.

## Example

With these files in the build context:

```context
.git/HEAD
Dockerfile
package.json
node_modules/a/index.js
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
.git/HEAD
Dockerfile
package.json
node_modules/a/index.js
```

```dockerignore
.git
Dockerfile
node_modules
```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm run build
```
";

/// What no image needs, in the order of what it costs.
const UNNEEDED: [&str; 18] = [
    ".git",
    "node_modules",
    ".venv",
    "venv",
    "target",
    "__pycache__",
    ".env",
    ".next",
    "coverage",
    ".gradle",
    ".terraform",
    ".pytest_cache",
    ".idea",
    ".vscode",
    ".github",
    "docker-compose.yml",
    "compose.yaml",
    "Dockerfile",
];

/// Whether the rule names an entry of a context, wherever the context is copied whole.
pub(in crate::rules) fn is_told(context: &Context, path: &str) -> bool {
    context.ignore_file.is_none() && UNNEEDED.contains(&path)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let whole = taken(cx).into_iter().find(|t| t.dir.is_empty());
    let Some(taken) = whole.filter(|t| t.context.ignore_file.is_none() && t.context.incomplete.is_none())
    else {
        return;
    };
    let dockerfile = taken.context.dockerfile.as_deref().filter(|d| !UNNEEDED.contains(d));
    let names: Vec<String> = UNNEEDED
        .into_iter()
        .chain(dockerfile)
        .filter(|name| taken.has(name))
        .take(4)
        .map(|name| format!("`{name}`"))
        .collect();
    // The Dockerfile alone is `dockerfile-in-copy`.
    if names.is_empty() || names.iter().all(|name| name.contains("ockerfile")) {
        return;
    }
    let message = format!(
        "There is no .dockerignore, so everything is copied, {} too, and a change of any of it {}; list what the image does not need in a .dockerignore.",
        and(&names),
        taken.cost()
    );
    out.push(taken.finding(cx, message));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::said_in_context;

    const TEXT: &str = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

    fn found(files: &[&str], ignore: Option<&str>, text: &str) -> Vec<String> {
        said_in_context("C005", files, ignore, text)
    }

    #[test]
    fn everything_is_copied() {
        let [message] =
            found(&[".git/HEAD", "node_modules/a/b.js", "src/a.js"], None, TEXT).try_into().unwrap();
        assert!(
            message.contains(
                "`.git` and `node_modules` too, and a change of any of it runs the 2 steps below again"
            ),
            "{message}"
        );
        for (files, ignore, text) in [
            (&[".git/HEAD"][..], Some("x\n"), TEXT),
            (&["src/a.js", "Dockerfile"][..], None, TEXT),
            (&[".git/HEAD", "src/a"][..], None, "FROM a\nCOPY src /src\n"),
            (&[".git/HEAD"][..], None, "FROM a AS b\nFROM a\nCOPY --from=b . .\n"),
        ] {
            assert_eq!(found(files, ignore, text), [""; 0], "{files:?} {ignore:?} {text}");
        }
    }
}
