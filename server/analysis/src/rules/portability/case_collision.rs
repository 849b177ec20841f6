//! P010 `case-collision`.

use layerwise_model::Context;
use layerwise_model::eval::{Command, Source, is_url};
use layerwise_model::gopath::path_clean;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::{head, is_verbatim};
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "case-collision",
        code: "P010",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        supersedes: &["copy-source-missing"],
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds sources of COPY and ADD that are in the build context with other upper and lower case only.

## Why it matters

The file systems of macOS and Windows do not tell the two apart, that of Linux does: the build works on one
machine and fails on the other.

## Example

With a file `README.md` in the build context:

```files
README.md
src/main.js
```

```dockerfile
FROM alpine:3.20
COPY Readme.md /
```

## Use instead

```dockerfile
FROM alpine:3.20
COPY README.md /
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Copy, Keyword::Add]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        if copy.from != Source::Context {
            continue;
        }
        for source in
            copy.sources.iter().filter(|source| !is_url(source) && !source.contains(['*', '?', '[', '\\']))
        {
            let clean = path_clean(source);
            let path = clean.trim_start_matches('/');
            if path == "." || path.is_empty() || path.starts_with("..") || context.get(path).is_some() {
                continue;
            }
            let Some(real) = other_case(context, path) else { continue };
            let word = instruction.args().iter().find(|word| word.value == *source);
            let range = word.map_or_else(|| head(instruction), |word| word.range.clone());
            let finding = Finding::new(
                cx.file.absolute(number, range),
                format!(
                    "`{path}` is `{real}` on disk, and only macOS and Windows take one for the other; write `{real}`."
                ),
            );
            out.push(match word {
                Some(word)
                    if is_verbatim(instruction, word)
                        && !real.contains(char::is_whitespace)
                        && source.ends_with(path) =>
                {
                    let range = cx.file.absolute(number, word.range.clone());
                    let start = range.end - path.len();
                    finding.fix(Fix::replace(format!("Write `{real}`"), start..range.end, real.clone()))
                }
                _ => finding,
            });
        }
    }
}

/// The path that differs from this one in case only, if there is exactly one.
fn other_case(context: &Context, path: &str) -> Option<String> {
    let mut real = String::new();
    for part in path.split('/') {
        let lower = part.to_lowercase();
        let name = {
            let names =
                context.entries.children(&real).map(|(child, _)| child.rsplit('/').next().unwrap_or(child));
            let mut same = names.filter(|name| name.to_lowercase() == lower);
            let name = same.next()?.to_owned();
            if same.next().is_some() {
                return None;
            }
            name
        };
        if !real.is_empty() {
            real.push('/');
        }
        real.push_str(&name);
    }
    Some(real)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{context_of, with_context};

    #[test]
    fn cases() {
        let context = context_of(&["README.md", "src/Main.js"]);
        let found = |text: &str| with_context("P010", &context, text);
        assert!(found("FROM a\nCOPY ./Src/main.js /\n")[0].contains("`src/Main.js` on disk"));
        assert_eq!(found("FROM a\nCOPY README.md src none *.MD /x/\n").len(), 0);
        assert_eq!(found("FROM a AS b\nFROM c\nCOPY --from=b readme.md /\n").len(), 0);
    }
}
