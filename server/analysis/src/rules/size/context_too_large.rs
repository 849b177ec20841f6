//! S042 `context-too-large`.

use layerwise_model::eval::{Command, Source, is_url};
use layerwise_model::selection::source_path;
use layerwise_model::{Context, EntryKind};
use layerwise_syntax::mount::MountKind;

use super::layers::{about, mentions_path};
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::cache::{copy_all_without_dockerignore, dependency_dir_in_context};
use crate::rules::{Check, FileCx, Finding, Meta, Rule, built_stages};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "context-too-large",
        code: "S042",
        severity: Severity::Warning,
        context: true,
        options: &["max-context-mb"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY, ADD or bind mount that takes the whole build context, or a project's folder of it, of which more than 100 MB
lies in files and folders that nothing in the Dockerfile names. `max-context-mb` sets another limit, in millions of bytes.
What the ignore file leaves out does not count.

## Why it matters

The builder gets what COPY and bind mounts read, and nothing else. A whole folder is all that lies in it: it is sent, hashed
and, by a COPY, stored in a layer, though the image may need a small part of it.

## Example

With this limit in `layerwise.toml`, no ignore file and these files in the build context:

```json
{ \"max-context-mb\": 0 }
```

```context
recordings/a.wav
src/main.py
```

```dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY . .
CMD [\"python\", \"src/main.py\"]
```

## Use instead

With the same files, and this ignore file:

```context
recordings/a.wav
src/main.py
```

```dockerignore
recordings
```

```dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY . .
CMD [\"python\", \"src/main.py\"]
```
";

/// Millions of bytes that a folder may have beside what the file names. The sources of nearly every project are less, and
/// sending as much takes seconds.
const MAX_MB: u64 = 100;

/// How many entries of a folder are weighed, the biggest first.
const MAX_ENTRIES: usize = 64;

/// How far down a folder is followed that holds hardly anything but one other.
const MAX_DEPTH: usize = 4;

/// Files that stand at the root of a project.
const MANIFESTS: [&str; 9] = [
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "go.mod",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "Gemfile",
    "composer.json",
];

/// Folders that are known by their own names.
const WHOLE: [&str; 8] = ["node_modules", ".venv", "venv", "target", "vendor", "dist", "build", ".next"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    let limit = cx.options.max_context_mb.unwrap_or(MAX_MB).saturating_mul(1_000_000);
    if context.entries.totals("").bytes <= limit {
        return;
    }
    let mut taken = folders(cx, context);
    // The widest first: what lies in it is weighed once.
    taken.sort_by_key(|(number, dir)| (dir.len(), *number));
    let mut seen: Vec<String> = Vec::new();
    for (number, dir) in taken {
        let inside = |outer: &String| {
            outer.is_empty() || dir.strip_prefix(outer).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        if seen.iter().any(inside) {
            continue;
        }
        out.extend(weighed(cx, context, number, &dir, limit));
        seen.push(dir);
    }
}

/// The folders of the context that instructions of the build take whole.
fn folders(cx: &FileCx<'_>, context: &Context) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, _) in built_stages(cx.eval) {
        let Some(stage) = cx.file.stages().get(index) else { continue };
        for number in stage.body.clone() {
            match &cx.eval.step(number).command {
                Command::Copy(copy) if copy.from == Source::Context && copy.excludes.is_empty() => {
                    let sources = copy.sources.iter().filter(|source| !is_url(source));
                    found.extend(sources.map(|source| (number, source_path(source))));
                }
                Command::Run(run) => {
                    let binds = run.mounts.iter().filter(|(mount, source)| {
                        mount.kind == MountKind::Bind && *source == Source::Context
                    });
                    found.extend(binds.map(|(mount, _)| (number, source_path(&mount.source))));
                }
                _ => {}
            }
        }
    }
    // Who names a folder wants what is in it, unless it is where a project of its own stands.
    let is_project = |dir: &str| MANIFESTS.iter().any(|name| context.get(&format!("{dir}/{name}")).is_some());
    found.retain(|(_, dir)| dir.is_empty() || (context.is_dir(dir) && is_project(dir)));
    found
}

/// The finding about a folder, if what nothing names in it weighs too much.
fn weighed(cx: &FileCx<'_>, context: &Context, number: usize, dir: &str, limit: u64) -> Option<Finding> {
    let bytes = |path: &str| match context.get(path) {
        Some(entry) if entry.kind == EntryKind::Dir => context.entries.totals(path).bytes,
        Some(entry) => entry.size,
        None => 0,
    };
    let mut entries: Vec<(&str, u64)> =
        context.entries.children(dir).map(|(path, _)| (path, bytes(path))).filter(|(_, b)| *b > 0).collect();
    entries.sort_by_key(|(path, bytes)| (std::cmp::Reverse(*bytes), *path));
    entries.truncate(MAX_ENTRIES);
    if entries.iter().map(|(_, bytes)| bytes).sum::<u64>() <= limit {
        return None;
    }
    let is_named = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        cx.file.all().any(|(_, _, instruction)| mentions_path(instruction.source(), name))
    };
    let is_told = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == ".git"
            || dependency_dir_in_context::is_made(cx, path)
            || copy_all_without_dockerignore::is_told(context, path)
    };
    let mut bulk: Vec<(&str, u64)> = Vec::new();
    for (mut path, mut size) in entries {
        if is_told(path) || is_named(path) {
            continue;
        }
        for _ in 0..MAX_DEPTH {
            if WHOLE.iter().any(|name| path.rsplit('/').next() == Some(name)) {
                break;
            }
            let dirs = context.entries.children(path).filter(|(_, entry)| entry.kind == EntryKind::Dir);
            let inner = dirs.map(|(p, _)| (p, bytes(p))).max_by_key(|(_, b)| *b);
            let Some((inner, most)) = inner.filter(|(_, most)| *most * 10 >= size * 9) else { break };
            (path, size) = (inner, most);
        }
        if !is_told(path) && !is_named(path) {
            bulk.push((path, size));
        }
    }
    let unnamed: u64 = bulk.iter().map(|(_, bytes)| bytes).sum();
    if unnamed <= limit {
        return None;
    }
    bulk.sort_by_key(|(path, bytes)| (std::cmp::Reverse(*bytes), *path));
    // What is a small part of it is not worth a line.
    let heavy = bulk.iter().take(3).filter(|(_, bytes)| *bytes * 20 >= unnamed);
    let heavy: Vec<&(&str, u64)> = heavy.collect();
    let shown: Vec<String> =
        heavy.iter().map(|(path, bytes)| format!("`{path}` ({})", exact(*bytes))).collect();
    let lines: Vec<String> = heavy.iter().map(|(path, _)| format!("`{path}`")).collect();
    let (keyword, what) = match &cx.eval.step(number).command {
        Command::Run(_) => ("This mount", "reads"),
        Command::Copy(copy) if copy.add => ("This ADD", "takes"),
        _ => ("This COPY", "takes"),
    };
    let whole = context.entries.totals(dir).bytes;
    let at_least = if context.incomplete.is_some() { "at least " } else { "" };
    let message = format!(
        "{keyword} {what} {at_least}{} of the build context, with {}, which nothing else here names; if the image does not need {}, add {} to {}.",
        exact(whole),
        shown.join(", "),
        if heavy.len() == 1 { "it" } else { "them" },
        lines.join(", "),
        context.ignore_file.as_deref().unwrap_or(".dockerignore")
    );
    let range = cx.file.absolute(number, head(cx.file.instruction(number).1));
    Some(Finding::new(range, message))
}

/// A size that is known, in words.
fn exact(bytes: u64) -> String {
    about(bytes as f64).trim_start_matches('~').to_owned()
}

#[cfg(test)]
mod tests {
    use layerwise_model::{Context, Entry, EntryKind};

    use crate::rules::testing::{context_of, with_context};

    /// A context of files of so many megabytes each.
    fn sized(files: &[(&str, u64)]) -> Context {
        let names: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let mut context = context_of(&names);
        context.ignore_file = Some(".dockerignore".to_owned());
        for (path, mb) in files {
            let size = mb * 1_000_000;
            let file = Entry { kind: EntryKind::File, size, ..Entry::directory(0o644) };
            context.entries.insert(path, file);
        }
        context
    }

    #[test]
    fn bulk() {
        let files = [("data/raw/a.bin", 300), ("notes.psd", 40), ("src/a.py", 1), (".git/x", 900)];
        let text = "FROM python\nCOPY . /app\nCMD python /app/src/a.py\n";
        let [message] = with_context("S042", &sized(&files), text).try_into().unwrap();
        assert_eq!(
            message,
            "This COPY takes 1.2 GB of the build context, with `data/raw` (300 MB), `notes.psd` (40 MB), which nothing else here names; if the image does not need them, add `data/raw`, `notes.psd` to .dockerignore."
        );
        let mount = "FROM python\nRUN --mount=type=bind,target=/x make\n";
        assert_eq!(with_context("S042", &sized(&files), mount).len(), 1);
    }

    #[test]
    fn what_is_small_or_named() {
        let small = [("data/a", 60), ("src/a", 30)];
        let text = "FROM a\nCOPY . /app\n";
        assert_eq!(with_context("S042", &sized(&small), text), [""; 0]);
        let large = [("data/a", 600), ("src/a", 1)];
        for text in [
            "FROM a\nCOPY src /app\n",
            "FROM a\nCOPY data /data\nCOPY src /src\n",
            "FROM a\nCOPY . /app\nENV DATA=/app/data\n",
            "FROM a\nCOPY --exclude=data . /app\n",
            "FROM a AS b\nCOPY . /app\nFROM a\n",
        ] {
            assert_eq!(with_context("S042", &sized(&large), text), [""; 0], "{text}");
        }
        // What other rules tell at the same place.
        let git = [(".git/a", 600), ("node_modules/b/c.js", 500), ("a.js", 1)];
        assert_eq!(with_context("S042", &sized(&git), "FROM node\nCOPY . /app\nRUN npm ci\n"), [""; 0]);
        assert_eq!(with_context("S042", &sized(&git), "FROM nginx\nCOPY . /app\n").len(), 1);
    }
}
