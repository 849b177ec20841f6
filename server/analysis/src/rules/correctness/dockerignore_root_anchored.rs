//! E093 `dockerignore-root-anchored`.

use layerwise_model::context::EntryKind;
use layerwise_model::eval::{Command, Source};
use layerwise_model::gopath::go_match;
use layerwise_syntax::Keyword;

use super::image_files::{below, clean, listed};
use super::programs::source_range;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dockerignore-root-anchored",
        code: "E093",
        severity: Severity::Warning,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds patterns of the ignore file that hold at the context's root only, where a COPY takes files in sub-folders that they would match there.

## Why it matters

Unlike git, Docker reads `node_modules` or `*.pem` as a path from the root of the context. The ones further down are sent and copied; `**/node_modules` means all of them.

## Example

With this ignore file, and a key in a sub-folder:

```dockerignore
*.pem
```

```text certs/server.pem
key
```

```dockerfile
FROM node:22
COPY . /app
```

## Use instead

```dockerignore
**/*.pem
```

```dockerfile
FROM node:22
COPY src /app/src
```
";

/// Names that mean the same wherever they stand: dependencies, secrets, caches, what editors and systems leave.
const EVERYWHERE: [&str; 29] = [
    "node_modules",
    "bower_components",
    "__pycache__",
    ".venv",
    "venv",
    ".tox",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".env",
    ".env.local",
    ".npmrc",
    ".netrc",
    ".pypirc",
    "id_rsa",
    ".git",
    ".svn",
    ".hg",
    ".idea",
    ".vscode",
    ".DS_Store",
    "Thumbs.db",
    ".next",
    ".nuxt",
    ".gradle",
    ".terraform",
    ".aws",
    ".cache",
    ".turbo",
];

/// Ends of files that are documentation or configuration: those at the root are meant.
const ROOT_FILES: [&str; 9] = [".md", ".yml", ".yaml", ".txt", ".json", ".toml", ".sh", ".rst", "file"];

/// Whether a pattern is meant for sub-folders, too.
fn is_meant_everywhere(pattern: &str) -> bool {
    EVERYWHERE.contains(&pattern)
        || pattern.starts_with(".env.")
        || (pattern.starts_with('*')
            && pattern.len() > 2
            && !ROOT_FILES.iter().any(|end| pattern.trim_end_matches('*').ends_with(end)))
}

/// Source: the reference of `.dockerignore` and github.com/moby/patternmatcher.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    let patterns: Vec<_> = context
        .ignore
        .patterns()
        .iter()
        .filter(|p| !p.is_negated() && !p.text().contains('/') && is_meant_everywhere(p.text()))
        .collect();
    // A file that names what comes in is not about sub-folders.
    if patterns.is_empty() || context.ignore.patterns().iter().any(|p| matches!(p.text(), "*" | "**")) {
        return;
    }
    let mut missed: Vec<(usize, Vec<&str>)> = patterns.iter().map(|_| (0, Vec::new())).collect();
    let mut inside: Option<&str> = None;
    for (path, entry) in context.entries.iter() {
        if inside.is_some_and(|dir| below(path, dir).is_some()) {
            continue;
        }
        inside = None;
        let Some((_, name)) = path.rsplit_once('/') else { continue };
        for (at, pattern) in patterns.iter().enumerate() {
            if pattern.text() == name
                || (pattern.text().contains(['*', '?', '['])
                    && go_match(pattern.text(), name).unwrap_or(false))
            {
                missed[at].0 += 1;
                if missed[at].1.len() < 200 {
                    missed[at].1.push(path);
                }
                if entry.kind == EntryKind::Dir {
                    inside = Some(path);
                }
            }
        }
    }
    for (number, _, _) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        if copy.from != Source::Context || !copy.excludes.is_empty() {
            continue;
        }
        for (pattern, (count, paths)) in patterns.iter().zip(&mut missed) {
            let taken = copy.sources.iter().find_map(|source| {
                let root = clean(source);
                let of = |path: &&&str| root.is_empty() || below(path, &root).is_some();
                let some: Vec<&str> = paths.iter().filter(of).copied().collect();
                (!some.is_empty()).then_some((source, some))
            });
            let Some((source, some)) = taken else { continue };
            let more = if some.len() == paths.len() { *count } else { some.len() };
            let message = format!(
                "`{}` in line {} of {} holds at the context's root only, so {more} below it {} copied here ({}); write `**/{}`.",
                pattern.text(),
                pattern.line(),
                context.ignore_file.as_deref().unwrap_or(".dockerignore"),
                if more == 1 { "is" } else { "are" },
                listed(some.into_iter(), 3),
                pattern.text()
            );
            out.push(Finding::new(source_range(cx, number, source), message));
            // Once is enough.
            paths.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let files = [
            ("a/node_modules/x/y.js", ""),
            ("a/node_modules/x/node_modules/z.js", ""),
            ("b/key.pem", ""),
            ("src/x.js", ""),
        ];
        let found =
            |ignore: &str, copy: &str| with_texts("E093", &files, ignore, &format!("FROM a\n{copy}\n"));
        let one = found("node_modules\n*.pem\n.git\n", "COPY . /app\nCOPY . /b");
        assert_eq!(one.len(), 2);
        assert!(
            one[0].message.contains("line 1 of .dockerignore") && one[0].message.contains("so 1 below"),
            "{}",
            one[0].message
        );
        assert!(one[1].message.contains("`b/key.pem`"));
        assert_eq!(found("*.pem", "COPY src /app").len(), 0);
        assert_eq!(found("*.pem", "COPY b /app").len(), 1);
        assert_eq!(found("**/*.pem\n**/node_modules", "COPY . /app").len(), 0);
        assert_eq!(found("*\n!a\nnode_modules", "COPY . /app").len(), 0);
        assert_eq!(found("*.pem", "COPY --from=x . /app").len(), 0);
    }
}
