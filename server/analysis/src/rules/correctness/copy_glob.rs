//! E033 `copy-glob-may-match-many`, E034 `copy-glob-matches-none` and E035 `copy-flattens-tree`: what patterns select.

use std::collections::HashMap;

use layerwise_model::eval::{Command, Copy, Source};
use layerwise_model::gopath::path_base;
use layerwise_model::graph::is_http;
use layerwise_model::selection::{Reading, has_wildcard, resolve, select, source_path};
use layerwise_model::{Context, EntryKind};
use layerwise_syntax::Keyword;

use super::copy_source_missing::nearest;
use super::sources::{from_context, is_known, words};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::is_verbatim;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static MANY: Rule = Rule {
    meta: Meta {
        name: "copy-glob-may-match-many",
        code: "E033",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: MANY_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(many),
};

pub(super) static NONE: Rule = Rule {
    meta: Meta {
        name: "copy-glob-matches-none",
        code: "E034",
        severity: Severity::Warning,
        context: true,
        doc: NONE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(none),
};

pub(super) static FLAT: Rule = Rule {
    meta: Meta {
        name: "copy-flattens-tree",
        code: "E035",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: FLAT_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(flat),
};

const MANY_DOC: &str = "\
## What it does

Finds a pattern as the only source of COPY or ADD whose destination is a file, if it matches several files of the build
context. Of files that the build makes, Gradle's `build/libs/*.jar` is reported, as Gradle makes two jars there, and Maven's
`target/*.jar` where pom.xml names a plugin that makes another one. The same goes for `mv` and `cp` of these in RUN.

## Why it matters

Only one of the files can end up under that name, and nothing says which. Other builders than BuildKit refuse it, and so do
`mv` and `cp`.

## Example

```dockerfile
FROM eclipse-temurin:21-jre
COPY build/libs/*.jar app.jar
```

## Use instead

```dockerfile
FROM eclipse-temurin:21-jre
COPY build/libs/app-1.0.jar app.jar
```
";

const NONE_DOC: &str = "\
## What it does

Finds COPY and ADD of patterns of which none matches anything in the build context. A pattern beside other sources may be
there for an optional file (`COPY package.json yarn.lock* ./`), as may one that ends in a class of a single letter
(`.npmr[c]`); nothing is said of those.

## Why it matters

BuildKit takes a pattern that matches nothing for an empty list: the build goes on, and the files are not in the image.

## Example

With these files:

```context
src/main.go
```

```dockerfile
FROM alpine:3.20
COPY scr/*.go /app/
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY src/*.go /app/
```
";

const FLAT_DOC: &str = "\
## What it does

Finds patterns over folders that match several files of the same name.

## Why it matters

COPY drops the folders of what it matches: all files of one name become one file, and the last one wins.

## Example

```dockerfile
FROM node:22
COPY packages/*/package.json ./
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM node:22
COPY --parents packages/*/package.json ./
```
";

/// Whether a destination is meant as a file: it does not end in a slash and is no directory by its form.
fn is_file_destination(copy: &Copy) -> bool {
    let base = path_base(&copy.dest_path);
    !copy.dest_path.ends_with('/') && base.contains('.') && !base.starts_with('.')
}

fn from_stage_or_context(copy: &Copy) -> bool {
    matches!(copy.from, Source::Context | Source::Stage(_))
}

/// How many files of the context a source selects, by their paths; `None` where that is not known.
fn selected(context: Option<&Context>, copy: &Copy, source: &str) -> Option<Vec<String>> {
    let context = context.filter(|c| c.incomplete.is_none() && copy.from == Source::Context)?;
    Some(select(context, source, Reading { excludes: &copy.excludes, parents: copy.parents }).paths)
}

fn many(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        if !from_stage_or_context(copy) || !copy.inline.is_empty() || !is_file_destination(copy) {
            continue;
        }
        let words = words(instruction, copy);
        let [(source, word)] = words.as_slice() else { continue };
        if !has_wildcard(&source_path(source)) || is_http(source) {
            continue;
        }
        let dest = &copy.dest;
        let message = match selected(cx.context, copy, source) {
            Some(paths) if paths.len() > 1 => format!(
                "`{source}` matches {} files of the build context (`{}`, `{}` ...), and only one of them can become `{dest}`; name the file, or end the destination in `/`.",
                paths.len(),
                paths[0],
                paths[1]
            ),
            Some(paths) if paths.len() == 1 => continue,
            _ => match jars(cx, source) {
                Some((why, what)) => {
                    format!("{why}, and only one of what `{source}` matches can become `{dest}`; {what}.")
                }
                None => continue,
            },
        };
        out.push(Finding::new(cx.file.absolute(number, word.range.clone()), message));
    }
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]) {
        for command in &cx.facts.instructions[number].commands {
            if !matches!(command.name.as_str(), "mv" | "cp") || command.has_flag(&["t", "target-directory"]) {
                continue;
            }
            let mut operands = command.operands();
            let (Some(source), Some(dest), None) = (operands.next(), operands.next(), operands.next()) else {
                continue;
            };
            let base = path_base(&dest.text);
            let file = !dest.text.ends_with('/') && base.contains('.') && !matches!(base, "." | "..");
            let Some((why, what)) = jars(cx, &source.text).filter(|_| file) else { continue };
            let message = format!(
                "{why}, and `{}` of several files to `{}`, which is no folder, fails; {what}.",
                command.name, dest.text
            );
            out.push(Finding::new(cx.file.absolute(number, source.range.clone()), message));
        }
    }
}

/// Why a pattern for jars that the build makes matches several, and what to do.
fn jars(cx: &FileCx<'_>, source: &str) -> Option<(String, &'static str)> {
    if source.ends_with("build/libs/*.jar") {
        let why = "Gradle makes two jars, `-plain.jar` being one of them".to_owned();
        return Some((why, "name the jar, or switch the `jar` task off"));
    }
    let folder = source.strip_suffix("target/*.jar")?;
    let module = folder.trim_matches(['/', '.']).rsplit('/').next().filter(|name| !name.is_empty());
    let context = cx.context?;
    let of_module = module.and_then(|name| context.text(&format!("{name}/pom.xml")));
    let (plugin, jar) = another_jar(of_module.or_else(|| context.text("pom.xml"))?)?;
    Some((
        format!("`{plugin}` in pom.xml makes `{jar}` beside the jar itself"),
        "name the jar, or set its `finalName`",
    ))
}

/// The plugin of a pom.xml that makes another jar when Maven packages, and what that is called. What stands in a profile only
/// happens where that is chosen.
///
/// Source: the plugins' own documentation.
fn another_jar(pom: &str) -> Option<(&'static str, &'static str)> {
    const PLUGINS: [(&str, &str); 4] = [
        ("maven-shade-plugin", "original-*.jar"),
        ("maven-source-plugin", "*-sources.jar"),
        ("maven-javadoc-plugin", "*-javadoc.jar"),
        ("maven-assembly-plugin", "*-jar-with-dependencies.jar"),
    ];
    let pom = pom.split("<profiles>").next().unwrap_or(pom);
    PLUGINS.into_iter().find(|(plugin, _)| {
        pom.split_once(*plugin).is_some_and(|(_, rest)| {
            rest.split("</plugin>").next().is_some_and(|plugin| plugin.contains("<execution>"))
        })
    })
}

fn none(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    let mut missing = Vec::new();
    let mut present = 0;
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add]) {
        let step = cx.eval.step(number);
        let Command::Copy(copy) = &step.command else { continue };
        let sources = from_context(instruction, step);
        let is_nothing = |source: &str| select(context, source, Reading::default()).paths.is_empty();
        let all = !sources.is_empty()
            && copy.inline.is_empty()
            && sources.len() == copy.sources.len()
            && sources.iter().all(|s| s.known && has_wildcard(&source_path(s.path)));
        if all && sources.iter().all(|s| is_nothing(s.path)) {
            missing.extend(sources.into_iter().filter(|s| !is_deliberate(s.path)).map(|s| (number, s)));
        } else {
            present += sources.len();
        }
    }
    if present == 0 && missing.len() > 1 {
        return;
    }
    for (number, source) in missing {
        let shown = source.path;
        let path = source_path(shown);
        let split = path.find(['*', '?', '[']).unwrap_or(0);
        let dir = path[..split].rfind('/').map_or("", |at| &path[..at]);
        let message = if !dir.is_empty() && resolve(context, dir).is_none() {
            match nearest(context, dir) {
                Some(near) => format!(
                    "`{shown}` matches nothing: the build context has no `{dir}`, but it has `{near}`; {} copies no file and does not fail.",
                    source.reader
                ),
                None => format!(
                    "`{shown}` matches nothing: the build context has no `{dir}`; {} copies no file and does not fail.",
                    source.reader
                ),
            }
        } else {
            format!(
                "`{shown}` matches nothing in the build context, so {} copies no file and does not fail; correct the pattern.",
                source.reader
            )
        };
        out.push(Finding::new(cx.file.absolute(number, source.word.range.clone()), message));
    }
}

/// Whether a pattern is one that is written so that a file may be missing: `.npmr[c]`.
fn is_deliberate(source: &str) -> bool {
    let mut bytes = source.bytes().rev();
    bytes.next() == Some(b']') && bytes.nth(1) == Some(b'[')
}

fn flat(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add]) {
        let step = cx.eval.step(number);
        let Command::Copy(copy) = &step.command else { continue };
        if !from_stage_or_context(copy) || copy.parents {
            continue;
        }
        for (source, word) in words(instruction, copy) {
            let path = source_path(source);
            let Some((folders, name)) = path.rsplit_once('/') else { continue };
            if !has_wildcard(folders) || is_http(source) || !is_known(instruction, &word.value, &step.state) {
                continue;
            }
            let what = match selected(cx.context, copy, source) {
                Some(paths) if !paths.is_empty() => match same_name(cx.context, &paths) {
                    Some((one, other)) => format!("`{one}` and `{other}` have the same name"),
                    None => continue,
                },
                // A name without an ending may be a folder's, and folders are merged.
                _ if has_wildcard(name) || !name.contains('.') => continue,
                _ => format!("all files that `{source}` matches are called `{name}`"),
            };
            let message = format!(
                "COPY drops the folders in `{source}`: {what}, so that the last one replaces the others; use `--parents` to keep the folders."
            );
            let finding = Finding::new(cx.file.absolute(number, word.range.clone()), message);
            let dest = instruction.args().last();
            let flag = instruction.keyword().range.end;
            // The folders start at the context's root then, so a destination inside a folder would be another one.
            let simple = copy.from == Source::Context
                && !copy.add
                && copy.sources.len() == 1
                && dest.is_some_and(|d| matches!(d.value.as_str(), "." | "./"))
                && is_verbatim(instruction, word);
            out.push(if simple {
                let at = cx.file.absolute(number, flag..flag);
                finding.fix(Fix::replace("Keep the folders with `--parents`", at, " --parents"))
            } else {
                finding
            });
        }
    }
}

/// Two files of the same name.
fn same_name<'a>(context: Option<&Context>, paths: &'a [String]) -> Option<(&'a str, &'a str)> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    let file = |path: &str| context.and_then(|c| c.get(path)).is_some_and(|e| e.kind == EntryKind::File);
    paths
        .iter()
        .filter(|path| file(path))
        .find_map(|path| seen.insert(path_base(path), path).map(|first| (first, path.as_str())))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, in_context, lines, with_texts};

    const FILES: &[&str] =
        &["src/a.go", "src/b.go", "one/x.txt", "p/a/package.json", "p/b/package.json", "libs/only.jar"];

    #[test]
    fn several_files_to_one_name() {
        let found =
            |copy: &str| in_context("E033", FILES, "", &format!("FROM a AS b\nFROM a\n{copy}\n")).len();
        assert_eq!(found("COPY src/*.go main.go"), 1);
        assert_eq!(found("COPY libs/*.jar app.jar"), 0);
        assert_eq!(found("COPY src/*.go main/"), 0);
        assert_eq!(found("COPY src/*.go ."), 0);
        assert_eq!(found("COPY src/*.go one/x.txt x.d/"), 0);
        assert_eq!(lines("E033", "FROM a\nCOPY build/libs/*.jar app.jar\nCOPY target/*.jar app.jar\n"), [2]);
        assert_eq!(lines("E033", "FROM a AS b\nFROM a\nCOPY --from=b /x/build/libs/*.jar /app.jar\n"), [3]);
    }

    #[test]
    fn several_jars_of_maven() {
        let pom = |inside: &str| format!("<project><build><plugins>{inside}</plugins></build></project>");
        let shade = "<plugin><artifactId>maven-shade-plugin</artifactId><executions><execution>x</execution></executions></plugin>";
        let found = |pom: &str, body: &str| {
            let text = format!("FROM maven:3 AS b\nRUN mvn package\n{body}\n");
            with_texts("E033", &[("pom.xml", pom)], "", &text).len()
        };
        let moved = "RUN mvn package && mv target/*.jar app.jar";
        let copied = "FROM a\nCOPY --from=b /app/target/*.jar /app.jar";
        assert_eq!((found(&pom(shade), moved), found(&pom(shade), copied)), (1, 1));
        assert_eq!(found(&pom(shade), "RUN mv target/*.jar out/ && cp target/*.jar a.jar b.jar out"), 0);
        let plain = pom("<plugin><artifactId>maven-shade-plugin</artifactId></plugin>");
        assert_eq!((found(&plain, moved), found("<project/>", copied)), (0, 0));
        assert_eq!(found(&format!("<profiles>{shade}</profiles>"), moved), 0);
        assert_eq!(lines("E033", "FROM gradle\nRUN cp build/libs/*.jar app.jar\n"), [2]);
    }

    #[test]
    fn patterns_that_match_nothing() {
        let found = |copy: &str| {
            let text = format!("FROM a\nCOPY src /\n{copy}\n");
            in_context("E034", FILES, "", &text).into_iter().map(|d| d.message).collect::<Vec<_>>()
        };
        assert!(found("COPY scr/*.go /x/")[0].contains("has no `scr`, but it has `src`"));
        assert!(found("COPY *.toml /x/")[0].contains("matches nothing in the build context"));
        assert_eq!(found("ADD nope/* also/* /x/").len(), 2);
        for good in
            ["COPY src/*.go /x/", "COPY src yarn.lock* /x/", "COPY .npmr[c] /x/", "ARG x\nCOPY $x*.a /y/"]
        {
            assert!(found(good).is_empty(), "{good}");
        }
    }

    #[test]
    fn files_of_one_name() {
        let found = |copy: &str| in_context("E035", FILES, "", &format!("FROM a\n{copy}\n")).len();
        assert_eq!(found("COPY p/*/package.json ./"), 1);
        assert_eq!(found("COPY p/*/*.json ./"), 1);
        assert_eq!(found("COPY p/a*/package.json ./"), 0);
        assert_eq!(found("COPY --parents p/*/package.json ./"), 0);
        assert_eq!(found("COPY src/*.go ./"), 0);
        let text = "FROM a\nCOPY packages/*/package.json ./\n";
        assert_eq!(fixed("E035", text), "FROM a\nCOPY --parents packages/*/package.json ./\n");
        assert_eq!(lines("E035", "FROM a\nCOPY */dist ./\nADD http://a/b?c=d/e.jar /x\n"), [0; 0]);
    }
}
