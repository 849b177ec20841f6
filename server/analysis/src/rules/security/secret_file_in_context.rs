//! X006 `secret-file-in-context`.

use layerwise_model::EntryKind;
use layerwise_model::eval::{Command, Source, is_url};
use layerwise_model::gopath::path_clean;

use super::secret_files::secret;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "secret-file-in-context",
        code: "X006",
        severity: Severity::Warning,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds COPY and ADD of a folder of the build context in which there are files that hold secrets by their names,
such as `.env` or `id_rsa`, and that the ignore file does not leave out.

## Why it matters

The file is in a layer of the image without being named anywhere, and whoever can pull the image can read it.

## Example

With a file `.env` in the build context:

```files
.env
src/main.js
```

```dockerfile
FROM node:22
COPY . /app
```

## Use instead

```dockerfile
FROM node:22
COPY src /app/src
```
";

/// How many files of a folder are looked at, as this happens with every edit.
const MAX_FILES: usize = 20_000;

/// Folders whose keys are for tests, or somebody else's.
const HARMLESS: [&str; 10] = [
    "test",
    "tests",
    "testdata",
    "fixtures",
    "__fixtures__",
    "example",
    "examples",
    "node_modules",
    "vendor",
    "docs",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    let Some((_, stage)) = stages::shipped(cx) else { return };
    for (number, instruction) in stages::chain(cx, stage) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        if copy.from != Source::Context || !copy.excludes.is_empty() {
            continue;
        }
        for source in copy.sources.iter().filter(|source| !is_url(source)) {
            let clean = path_clean(source);
            let folder = clean.trim_start_matches('/');
            let folder = if folder == "." { "" } else { folder };
            if !context.is_dir(folder) {
                continue;
            }
            let files = context.below(folder).take(MAX_FILES).filter(|(path, entry)| {
                entry.kind == EntryKind::File
                    && entry.size > 0
                    && secret(path).is_some()
                    && !path.split('/').any(|part| HARMLESS.contains(&part))
            });
            let files: Vec<&str> = files.map(|(path, _)| path).take(4).collect();
            let named = match files.as_slice() {
                [] => continue,
                [one] => format!("`{one}`"),
                [one, two] => format!("`{one}` and `{two}`"),
                [one, two, ..] => format!("`{one}`, `{two}` and others"),
            };
            let word = instruction.args().iter().find(|word| word.value == *source);
            let range = word.map_or_else(|| head(instruction), |word| word.range.clone());
            let ignore = context.ignore_file.as_deref().unwrap_or(".dockerignore");
            out.push(Finding::new(
                cx.file.absolute(number, range),
                format!("`{source}` takes {named} into the image, where everyone who pulls it can read it; add a line for it to {ignore}."),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{context_of, with_context};

    #[test]
    fn folders() {
        let context = context_of(&["src/a.js", ".env", ".env.example", "deploy/id_rsa", "tests/server.key"]);
        let found = |text: &str| with_context("X006", &context, text);
        let all = found("FROM a\nCOPY . /app\n");
        assert!(all.len() == 1 && all[0].contains("`.env` and `deploy/id_rsa`"), "{all:?}");
        assert_eq!(found("FROM a\nCOPY deploy /app\nCOPY src /app\nCOPY .env /\n").len(), 1);
        assert_eq!(found("FROM a AS b\nCOPY . .\nFROM c\nCOPY --from=b /x /\n").len(), 0);
        assert_eq!(found("FROM a\nCOPY --exclude=.env . .\n").len(), 0);
    }
}
