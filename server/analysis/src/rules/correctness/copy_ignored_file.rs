//! E031 `copy-ignored-file`.

use layerwise_model::eval::{Command, Copy, Source, is_url};
use layerwise_model::gopath::path_clean;
use layerwise_model::{Context, Dockerignore};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::{head, is_verbatim, on_first_line};
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-ignored-file",
        code: "E031",
        severity: Severity::Warning,
        buildkit: Some("CopyIgnoredFile"),
        equivalents: &["CopyIgnoredFile"],
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds sources of COPY and ADD that the ignore file keeps out of the build context.

## Why it matters

The builder never gets to see such a file, so the build fails with a message that it was not found, although it is there.
Nothing is said if the ignore file has patterns with `!`: a folder may be left out and a file in it brought back.

## Example

With this ignore file:

```dockerignore
node_modules
```

```dockerfile
FROM alpine:3.20
COPY node_modules /app/node_modules
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY src /app/src
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateCopySourcePath`).
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    let ignore = context.ignore.as_ref();
    if ignore.patterns().is_empty() || ignore.has_negated() {
        return;
    }
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        for (position, source) in ignored_sources(copy, ignore) {
            // Heredocs stand between the sources, so words are found by their text.
            let word = instruction
                .args()
                .iter()
                .find(|word| word.value == *source && is_verbatim(instruction, word))
                .or_else(|| instruction.args().get(position));
            let range =
                word.map_or_else(|| head(instruction), |word| on_first_line(instruction, &word.range));
            let message = message(context, source, if copy.add { "ADD" } else { "COPY" });
            out.push(Finding::new(cx.file.absolute(number, range), message));
        }
    }
    for (stage, evaluated) in crate::rules::built_stages(cx.eval) {
        let from = cx.file.stages()[stage].from;
        let range = cx.file.absolute(from, head(cx.file.instruction(from).1));
        for trigger in &evaluated.triggers {
            let Command::Copy(copy) = &trigger.command else { continue };
            for (_, source) in ignored_sources(copy, ignore) {
                let message = message(context, source, if copy.add { "ONBUILD ADD" } else { "ONBUILD COPY" });
                out.push(Finding::new(range.clone(), message));
            }
        }
    }
}

/// The sources of a COPY or ADD that are left out of the context, with their positions.
fn ignored_sources<'a>(
    copy: &'a Copy,
    ignore: &'a Dockerignore,
) -> impl Iterator<Item = (usize, &'a String)> {
    let from_context = copy.from == Source::Context;
    copy.sources.iter().enumerate().filter(move |(_, source)| {
        if !from_context || is_url(source) {
            return false;
        }
        let path = path_clean(source);
        // The context's root counts as ignored only if a pattern is about everything.
        let is_root = path == "." || path == "/";
        if is_root && !ignore.patterns().iter().any(|p| matches!(p.text(), "*" | "**" | "**/*")) {
            return false;
        }
        ignore.matches_or_parent_matches(&path).unwrap_or(false)
    })
}

fn message(context: &Context, source: &str, keyword: &str) -> String {
    let file = context.ignore_file.as_deref().unwrap_or(".dockerignore");
    let line = match context.ignore.deciding_line(source) {
        Some((line, _)) => format!("line {line} of {file}"),
        None => file.to_owned(),
    };
    format!(
        "`{source}` is kept out of the build context by {line}, so {keyword} will not find it; change the pattern or the source."
    )
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::ignored;

    #[test]
    fn sources() {
        let found =
            |ignore: &str, copy: &str| ignored(ignore, &format!("FROM a AS b\nFROM a\n{copy}\n")).len();
        for (ignore, copy, expected) in [
            ("Dockerfile\n", "COPY Dockerfile .", 1),
            ("Dockerfile\n", "ADD Dockerfile .", 1),
            ("Dockerfile\n", "COPY ./Dockerfile Dockerfile /x/", 2),
            ("Dockerfile\n", "COPY --from=b Dockerfile .", 0),
            ("Dockerfile\n", "ADD https://a/Dockerfile .", 0),
            ("a\n", "COPY a/b/c .", 1),
            ("a/b\n", "COPY a .", 0),
            ("**\n!Dockerfile\n", "COPY x .", 0),
            (".*\n", "COPY . .", 0),
            ("*\n", "COPY . .", 1),
            ("**\n", "COPY / .", 1),
            ("", "COPY x .", 0),
            ("x\n", "ARG d=x\nCOPY $d .", 1),
            ("x\n", "COPY <<x /x\nx\n", 0),
        ] {
            assert_eq!(found(ignore, copy), expected, "{ignore:?} {copy:?}");
        }
        let text = "FROM a\nCOPY y x \\\n x /d\n";
        let found = ignored("\nx\n", text);
        assert_eq!(&text[found[0].range.clone()], "x");
        assert!(found[0].message.contains("line 2 of .dockerignore"), "{}", found[0].message);
    }
}
