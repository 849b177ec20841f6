//! C009 `dependency-dir-in-context`.

use layerwise_model::facts::Manager;

use super::support::{entries, taken};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dependency-dir-in-context",
        code: "C009",
        severity: Severity::Warning,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY that brings installed dependencies or build output of the host (node_modules, .venv, target, vendor/bundle)
into an image that installs or builds them itself.

## Why it matters

Thousands of files are sent and hashed with every build, a package installed on the host runs all steps below again, and
what was made for the host replaces what the image installed for itself.

## Example

With these files in the build context and an empty ignore file:

```context
node_modules/a/index.js
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
node_modules/a/index.js
package.json
```

```dockerignore
node_modules
```

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm run build
```
";

/// Folders, with the programs that make them.
const FOLDERS: [(&str, &[&str]); 8] = [
    ("node_modules", &["npm", "yarn", "pnpm", "bun"]),
    (".venv", &["pip", "pip3", "uv", "poetry", "pipenv"]),
    ("venv", &["pip", "pip3", "uv", "poetry", "pipenv"]),
    ("target", &["cargo", "mvn", "mvnw"]),
    ("vendor/bundle", &["bundle"]),
    ("bower_components", &["bower"]),
    ("_build", &["mix"]),
    ("Pods", &["pod"]),
];

/// Whether a program of a folder's kind runs in the build.
fn runs(cx: &FileCx<'_>, name: &str, programs: &[&str]) -> bool {
    cx.facts.instructions.iter().any(|facts| {
        facts.commands.iter().any(|c| programs.contains(&c.name.as_str()))
            || (name == "node_modules" && facts.installs.iter().any(|i| i.manager == Manager::Npm))
    })
}

/// Whether a path is that of a folder which the build makes for itself, so that the rule tells of it where it is copied.
pub(in crate::rules) fn is_made(cx: &FileCx<'_>, path: &str) -> bool {
    let ends =
        |name: &str| path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    FOLDERS.iter().any(|(name, programs)| ends(name) && runs(cx, name, programs))
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for taken in taken(cx) {
        let found = FOLDERS.iter().filter(|(name, programs)| {
            !matches!(*name, "target")
                || taken.has("Cargo.toml")
                || taken.has("pom.xml")
                || programs.is_empty()
        });
        for (name, programs) in found {
            if !runs(cx, name, programs) {
                continue;
            }
            let inner =
                entries(&taken).map(|(path, _)| path).find(|path| path.rsplit('/').next() == Some(name));
            let path = if taken.has(name) { taken.path(name) } else { inner.unwrap_or_default().to_owned() };
            if path.is_empty() || !taken.context.is_dir(&path) {
                continue;
            }
            let totals = taken.context.entries.totals(&path);
            let message = format!(
                "`{path}` of the host is copied too: {} files, {} MB, which {} when they change, and replace what the image has installed; add `{path}` to {}.",
                totals.files,
                totals.bytes.div_ceil(1_000_000),
                match taken.runs {
                    0 => "make this layer anew".to_owned(),
                    1 => "run the step below again".to_owned(),
                    several => format!("run the {several} steps below again"),
                },
                taken.ignore_file()
            );
            out.push(taken.finding(cx, message));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::said_in_context;

    const TEXT: &str = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n";

    fn found(files: &[&str], ignore: Option<&str>, text: &str) -> Vec<String> {
        said_in_context("C009", files, ignore, text)
    }

    #[test]
    fn dependencies_of_the_host() {
        let [message] = found(&["node_modules/a/b.js", "a.js"], Some("x\n"), TEXT).try_into().unwrap();
        assert!(
            message.starts_with(
                "`node_modules` of the host is copied too: 1 files, 1 MB, which run the 2 steps below"
            ),
            "{message}"
        );
        assert_eq!(found(&["web/node_modules/a"], Some(""), TEXT).len(), 1);
        for (files, ignore, text) in [
            (&["node_modules/a", "a.js"][..], Some("node_modules\n"), TEXT),
            (&["node_modules/a"][..], Some(""), "FROM node\nCOPY . .\nCMD [\"node\", \"a\"]\n"),
            (&["target/a"][..], Some(""), "FROM rust\nCOPY . .\nRUN cargo build\n"),
        ] {
            assert_eq!(found(files, ignore, text), [""; 0], "{files:?} {ignore:?} {text}");
        }
    }
}
