//! E030 `copy-source-missing`.

use layerwise_model::gopath::path_base;
use layerwise_model::selection::{Reading, has_wildcard, select, source_path};
use layerwise_model::{Context, EntryKind};
use layerwise_syntax::Keyword;
use layerwise_syntax::suggest;

use super::sources::{ContextSource, from_context};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::is_verbatim;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-source-missing",
        code: "E030",
        severity: Severity::Error,
        fix: FixClass::Suggestion,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds sources of COPY, ADD and bind mounts that are not in the build context: not on the disk, or kept out by the ignore
file. Where one other file is called nearly the same, or the file lies in another folder, it says so. Nothing is said of
patterns such as `*.txt`, nor where so much is missing that the context is probably another folder.

## Why it matters

The build fails, often only after minutes of other steps, with a message about a cache key.

## Example

With these files:

```context
src/main.py
requirements.txt
```

```dockerfile
FROM python:3.12-slim
COPY requirement.txt .
COPY src/ /app/
```

## Use instead

```dockerfile
FROM python:3.12-slim
COPY requirements.txt .
COPY src/ /app/
```
";

/// Beyond this many entries, files of the same name elsewhere are not looked for: it would take longer than an edit may.
const MAX_SEARCHED: usize = 20_000;

/// How many missing sources get a suggestion.
const MAX_SUGGESTED: usize = 50;

/// Folders that builds outside of Docker write to.
const BUILD_OUTPUT: [&str; 14] = [
    "target",
    "dist",
    "build",
    "out",
    "bin",
    "publish",
    "release",
    "_build",
    "_output",
    ".next",
    "artifacts",
    "node_modules",
    "vendor",
    "libs",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    let mut missing = Vec::new();
    let mut present = 0;
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add, Keyword::Run]) {
        for source in from_context(instruction, cx.eval.step(number)) {
            let path = source_path(source.path);
            if path.is_empty() || !source.known || has_wildcard(&path) {
                continue;
            }
            if select_is_missing(context, source.path) {
                missing.push((number, path, source));
            } else {
                present += 1;
            }
        }
    }
    let suggestions: Vec<Option<String>> =
        missing.iter().take(MAX_SUGGESTED).map(|(_, path, _)| nearest(context, path)).collect();
    // Where nothing fits, the files are those of another folder.
    if present == 0 && missing.len() > 1 && suggestions.iter().all(Option::is_none) {
        return;
    }
    for (at, (number, path, source)) in missing.iter().enumerate() {
        let instruction = cx.file.instruction(*number).1;
        let range = cx.file.absolute(*number, source.word.range.clone());
        if is_said_by_copy_ignored_file(context, source) {
            continue;
        }
        let near = suggestions.get(at).and_then(Option::as_deref);
        let finding = Finding::new(range.clone(), message(context, path, source, near));
        let verbatim = source.reader != "the mount" && is_verbatim(instruction, source.word);
        out.push(match near {
            Some(near)
                if verbatim
                    && source.word.value == source.path
                    && !near.contains([' ', '"', '\'', '$', '\\']) =>
            {
                let lead =
                    source.path.len() - source.path.trim_start_matches("./").trim_start_matches('/').len();
                let slash = if source.path.ends_with('/') { "/" } else { "" };
                let text = format!("{}{near}{slash}", &source.path[..lead]);
                finding.fix(Fix::replace(format!("Change to `{text}`"), range, text))
            }
            _ => finding,
        });
    }
}

fn select_is_missing(context: &Context, source: &str) -> bool {
    // A path that stands in the index as it is needs no look at what lies below it.
    context.get(&source_path(source)).is_none() && select(context, source, Reading::default()).missing
}

/// Whether `copy-ignored-file` speaks of it: BuildKit's own check, in its own words.
fn is_said_by_copy_ignored_file(context: &Context, source: &ContextSource<'_>) -> bool {
    let ignore = context.ignore.as_ref();
    source.reader != "the mount"
        && !ignore.patterns().is_empty()
        && !ignore.has_negated()
        && ignore.matches_or_parent_matches(&source_path(source.path)).unwrap_or(false)
}

fn message(context: &Context, path: &str, source: &ContextSource<'_>, near: Option<&str>) -> String {
    let shown = source.path;
    let reader = source.reader;
    let folder = match context.name.as_str() {
        "" => "the build context".to_owned(),
        name => format!("the build context `{name}`"),
    };
    if !context.ignore.in_context(path) {
        let file = context.ignore_file.as_deref().unwrap_or("the ignore file");
        let by = match context.ignore.deciding_line(path) {
            Some((line, _)) => format!("line {line} of {file}"),
            None => file.to_owned(),
        };
        return format!(
            "`{shown}` is kept out of {folder} by {by}, so {reader} fails; add `!{path}` below that line or change the source."
        );
    }
    match near {
        Some(near) => format!("`{shown}` is not in {folder}, so {reader} fails; did you mean `{near}`?"),
        None if path.split('/').any(|part| BUILD_OUTPUT.contains(&part)) => format!(
            "`{shown}` is not in {folder}, so {reader} fails; if a build outside of Docker makes it, that has to run first."
        ),
        None => format!("`{shown}` is not in {folder}, so {reader} fails; correct the path or add the file."),
    }
}

/// What a missing path was probably meant to be: the same path with one name spelt otherwise, or the only entry of that
/// name elsewhere.
pub(super) fn nearest(context: &Context, path: &str) -> Option<String> {
    let mut dir = String::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let next = join(&dir, name);
        if context.get(&next).is_some() {
            dir = next;
            rest = behind;
            continue;
        }
        let mut found = context
            .entries
            .children(&dir)
            .filter(|(_, entry)| behind.is_empty() || entry.kind != EntryKind::File)
            .map(|(path, _)| path_base(path))
            .take(MAX_SEARCHED)
            .filter(|other| {
                other.eq_ignore_ascii_case(name)
                    || (other.len().abs_diff(name.len()) <= 2 && suggest::is_misspelling(name, other))
            })
            .map(|other| join(&join(&dir, other), behind))
            .filter(|path| context.get(path).is_some());
        if let (Some(only), None) = (found.next(), found.next()) {
            return Some(only);
        }
        break;
    }
    if context.entries.len() > MAX_SEARCHED {
        return None;
    }
    let name = path_base(path);
    let mut found = context.below("").filter(|(other, _)| path_base(other) == name);
    match (found.next(), found.next()) {
        (Some((only, _)), None) if only != path => Some(only.to_owned()),
        _ => None,
    }
}

fn join(dir: &str, name: &str) -> String {
    match (dir.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => dir.to_owned(),
        _ => format!("{dir}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::in_context;

    const FILES: &[&str] = &["src/main.py", "src/lib/a.py", "requirements.txt", "README.md", "web/app.js"];

    fn found(copy: &str) -> Vec<String> {
        let text = format!("FROM a AS b\nFROM a\nCOPY README.md /\n{copy}\n");
        in_context("E030", FILES, "", &text).into_iter().map(|d| d.message).collect()
    }

    #[test]
    fn missing() {
        for (copy, near) in [
            ("COPY requirement.txt .", "did you mean `requirements.txt`"),
            ("COPY src/mian.py .", "did you mean `src/main.py`"),
            ("COPY scr/main.py .", "did you mean `src/main.py`"),
            ("COPY readme.md .", "did you mean `README.md`"),
            ("COPY app.js .", "did you mean `web/app.js`"),
            ("ADD dist/x /", "makes it, that has to run first"),
            ("COPY nothing/here /", "correct the path"),
            ("RUN --mount=type=bind,source=sr,target=/x y", "the mount fails; did you mean `src`"),
            ("ARG f=none\nCOPY $f /", "`none` is not in"),
        ] {
            let found = found(copy);
            assert!(found.len() == 1 && found[0].contains(near), "{copy}: {found:?}");
        }
    }

    #[test]
    fn present_or_unknown() {
        for copy in [
            "COPY src ./src/ /x/",
            "COPY . .",
            "COPY --from=b nope .",
            "COPY nope* .",
            "COPY <<nope /x\nx\nnope",
            "ADD https://example.com/nope /",
            "ADD https://github.com/a/b.git /x",
            "ARG f\nCOPY $f/x /",
            "COPY /src/../src/main.py /",
        ] {
            assert!(found(copy).is_empty(), "{copy}: {:?}", found(copy));
        }
        // The files of another folder.
        assert!(in_context("E030", FILES, "", "FROM a\nCOPY one two /x/\n").is_empty());
        assert_eq!(in_context("E030", FILES, "", "FROM a\nCOPY one /x/\n").len(), 1);
    }

    #[test]
    fn ignored() {
        let text = "FROM a\nCOPY src/main.py web README.md /\n";
        let found = in_context("E030", &["README.md"], "*\n!README.md\n", text);
        assert_eq!(found.len(), 2);
        assert!(found[0].message.contains("by line 1 of .dockerignore"), "{}", found[0].message);
        // Without a pattern that brings back, BuildKit's own check says it.
        assert!(in_context("E030", &["README.md"], "web\nsrc\n", text).is_empty());
    }

    #[test]
    fn fixes() {
        let text = "FROM a\nCOPY README.md ./requirement.txt /scr/ /x/\n";
        let found = in_context("E030", FILES, "", text);
        let fixes: Vec<&str> = found.iter().map(|d| d.fixes[0].edits[0].text.as_str()).collect();
        assert_eq!(fixes, ["./requirements.txt", "/src/"]);
    }
}
