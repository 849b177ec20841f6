//! C006 `git-dir-in-copy`.

use super::support::taken;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "git-dir-in-copy",
        code: "C006",
        severity: Severity::Warning,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY that brings `.git` into the build, where nothing says that the build reads it.

## Why it matters

Every commit, fetch and checkout changes files in `.git`, and with them the cache key of the COPY: all steps below run again
though no source changed. The whole history lies in the image, deleted secrets included.

## Example

With these files in the build context and an empty ignore file:

```context
.git/HEAD
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
.git/HEAD
package.json
```

```dockerignore
.git
```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm run build
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(taken) = taken(cx).into_iter().find(|t| t.has(".git")) else { return };
    // Versions are read from it by these.
    let reads = cx.facts.instructions.iter().any(|facts| {
        facts.commands.iter().any(|c| {
            c.name == "git" && !matches!(c.subcommand(), Some("clone" | "config" | "init"))
                || c.args.iter().any(|a| a.text.contains("buildvcs=true") || a.text.contains("git rev-parse"))
        })
    });
    let plugins = [
        "setuptools_scm",
        "setuptools-scm",
        "hatch-vcs",
        "versioneer",
        "pbr",
        "versioningit",
        "vergen",
        "jgitver",
    ];
    let versions = ["pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml", "pom.xml", "build.gradle"]
        .iter()
        .any(|file| {
            taken.context.text(&taken.path(file)).is_some_and(|text| plugins.iter().any(|p| text.contains(p)))
        });
    // An exception for it says that it is wanted.
    let wanted = taken.context.ignore.deciding_line(&taken.path(".git")).is_some();
    if reads || versions || wanted {
        return;
    }
    let message = format!(
        "`{}` is copied too, so that every commit and fetch {}; add `{}` to {}.",
        taken.path(".git"),
        taken.cost(),
        taken.path(".git"),
        taken.ignore_file()
    );
    out.push(taken.finding(cx, message));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::said_in_context;

    const TEXT: &str = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

    fn found(files: &[&str], ignore: Option<&str>, text: &str) -> Vec<String> {
        said_in_context("C006", files, ignore, text)
    }

    #[test]
    fn history_is_copied() {
        let [message] = found(&[".git/HEAD", "a.js"], Some("x\n"), TEXT).try_into().unwrap();
        assert!(
            message
                .contains("every commit and fetch runs the 2 steps below again; add `.git` to .dockerignore"),
            "{message}"
        );
        let inner = "FROM a\nCOPY sub /sub\n";
        assert_eq!(found(&["sub/.git/HEAD"], Some(""), inner).len(), 1);
        let reads = "FROM a\nCOPY . .\nRUN git describe > version\n";
        for (files, ignore, text) in [
            (&[".git/HEAD", "a.js"][..], Some(".git\n"), TEXT),
            (&["a.js"][..], Some(""), TEXT),
            (&[".git/HEAD", "a.js"][..], Some("**\n!.git\n!a.js\n"), TEXT),
            (&[".git/HEAD"][..], Some(""), reads),
            (&[".git/HEAD", "src/a"][..], Some(""), "FROM a\nCOPY src .\n"),
            (&[".git/HEAD"][..], Some(""), "FROM a\nCOPY --exclude=.git . .\n"),
        ] {
            assert_eq!(found(files, ignore, text), [""; 0], "{files:?} {ignore:?} {text}");
        }
    }
}
