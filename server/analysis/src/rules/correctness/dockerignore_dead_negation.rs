//! E094 `dockerignore-dead-negation`.

use layerwise_model::eval::{Command, Source};

use super::image_files::{below, clean};
use super::programs::source_range;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dockerignore-dead-negation",
        code: "E094",
        severity: Severity::Warning,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds exceptions (`!`) of the ignore file that a later line takes back.

## Why it matters

The last line that matches decides. An exception that stands above the pattern that it is meant for does nothing, and the file stays outside.

## Example

With this ignore file:

```dockerignore
!README.md
*.md
```

```dockerfile
FROM alpine:3.20
COPY . /app
```

## Use instead

```dockerignore
*.md
!README.md
```

```dockerfile
FROM alpine:3.20
COPY . /app
```
";

/// Source: the reference of `.dockerignore`.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    if !context.ignore.has_negated() {
        return;
    }
    let copies: Vec<(usize, &String, String)> = cx
        .file
        .all()
        .filter_map(|(number, _, _)| match &cx.eval.step(number).command {
            Command::Copy(copy) if copy.from == Source::Context => Some((number, copy)),
            _ => None,
        })
        .flat_map(|(number, copy)| copy.sources.iter().map(move |source| (number, source, clean(source))))
        .collect();
    let patterns = context.ignore.patterns();
    for pattern in patterns.iter().filter(|p| p.is_negated()) {
        let path = clean(pattern.text().trim_start_matches('!'));
        // Of a pattern with signs, other matches may be left.
        if path.is_empty() || path.contains(['*', '?', '[', '\\']) {
            continue;
        }
        let Some((line, negated)) = context.ignore.deciding_line(&path) else { continue };
        if negated || line <= pattern.line() {
            continue;
        }
        let Some(later) = patterns.iter().find(|p| p.line() == line) else { continue };
        let reached = copies
            .iter()
            .find(|(_, _, root)| root.is_empty() || *root == path || below(&path, root).is_some());
        let Some((number, source, _)) = reached else { continue };
        let message = format!(
            "`!{path}` in line {} of {} has no effect: `{}` in line {line} comes later and keeps `{path}` out again; move the exception below it.",
            pattern.line(),
            context.ignore_file.as_deref().unwrap_or(".dockerignore"),
            later.text()
        );
        out.push(Finding::new(source_range(cx, *number, source), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count =
            |ignore: &str, copy: &str| with_texts("E094", &[], ignore, &format!("FROM a\n{copy}\n")).len();
        assert_eq!(count("!README.md\n*.md\n", "COPY . /"), 1);
        assert_eq!(count("*.md\n!README.md\n", "COPY . /"), 0);
        assert_eq!(count("!src/a\nsrc\n", "COPY src /"), 1);
        assert_eq!(count("!src/a\nsrc\n", "COPY other /"), 0);
        assert_eq!(count("!README.md\ndocs\n", "COPY . /"), 0);
        assert_eq!(count("!*.md\n*.md\n", "COPY . /"), 0);
    }
}
