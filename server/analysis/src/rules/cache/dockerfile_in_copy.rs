//! C007 `dockerfile-in-copy`.

use super::support::{and, taken};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dockerfile-in-copy",
        code: "C007",
        severity: Severity::Info,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY above other steps that brings the Dockerfile, the ignore file or a Compose file into the build.

## Why it matters

These files are edited while one works on the image. Copied, they are part of the cache key of the COPY, so that every edit
of them runs all steps below again, whatever line was edited. The builder reads them without the COPY.

## Example

With these files in the build context and an empty ignore file:

```context
Dockerfile
.dockerignore
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
Dockerfile
.dockerignore
package.json
```

```dockerignore
Dockerfile
.dockerignore
```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm run build
```
";

/// What describes the build and how to run it.
const FILES: [&str; 7] = [
    "Dockerfile",
    "Containerfile",
    ".dockerignore",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for taken in taken(cx) {
        let own = taken.context.dockerfile.as_deref().filter(|path| !FILES.contains(path));
        // What describes another build does not change with this one, but it changes as often.
        let names: Vec<String> = FILES
            .iter()
            .map(|name| taken.path(name))
            .chain(
                own.filter(|path| super::support::inside(path, &taken.dir) || taken.dir.is_empty())
                    .map(str::to_owned),
            )
            .filter(|path| taken.context.get(path).is_some())
            .take(4)
            .map(|path| format!("`{path}`"))
            .collect();
        if names.is_empty() || taken.runs == 0 {
            continue;
        }
        let message = format!(
            "An edit of {} changes what is copied here and {}; add {} to {}.",
            and(&names).replace(" and ", " or "),
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
        said_in_context("C007", files, ignore, text)
    }

    #[test]
    fn the_build_is_copied() {
        let [message] = found(&["Dockerfile", "compose.yaml", "a.js"], Some("x\n"), TEXT).try_into().unwrap();
        assert!(
            message.contains("An edit of `Dockerfile` or `compose.yaml` changes what is copied here"),
            "{message}"
        );
        for (files, ignore, text) in [
            (&["Dockerfile", "a.js"][..], Some("Dockerfile\n"), TEXT),
            (&["Dockerfile", "a.js"][..], Some(""), "FROM a\nRUN x\nCOPY . .\n"),
            (&["Dockerfile", "src/a.js"][..], Some(""), "FROM a\nCOPY src .\nRUN x\n"),
        ] {
            assert_eq!(found(files, ignore, text), [""; 0], "{files:?} {ignore:?} {text}");
        }
    }
}
