//! E037 `add-remote-archive-not-extracted`.

use layerwise_model::eval::Command;
use layerwise_model::gopath::path_base;
use layerwise_model::graph::{is_git, is_http};
use layerwise_syntax::Keyword;

use super::sources::words;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "add-remote-archive-not-extracted",
        code: "E037",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds ADD of a tar archive by its URL into a folder, where nothing in the file unpacks it afterwards.

## Why it matters

ADD unpacks archives of the build context, and not those that it downloads: the image gets the archive as it is.

## Example

```dockerfile
FROM debian:12
ADD https://example.com/tool-1.0.tar.gz /opt/
```

## Use instead

```dockerfile
# syntax=docker/dockerfile:1
FROM debian:12
ADD --unpack=true https://example.com/tool-1.0.tar.gz /opt/
```
";

const ENDINGS: [&str; 8] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
            let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
            if !copy.add || copy.unpack.is_some() || ENDINGS.iter().any(|end| copy.dest.ends_with(end)) {
                continue;
            }
            for (source, word) in words(instruction, copy) {
                let path = source.split(['?', '#']).next().unwrap_or(source);
                if !is_http(source) || is_git(source) || !ENDINGS.iter().any(|end| path.ends_with(end)) {
                    continue;
                }
                if is_unpacked(cx, number) {
                    continue;
                }
                let message = format!(
                    "ADD does not unpack what it downloads: `{}` stays an archive; add `--unpack=true`, or unpack it in a RUN.",
                    path_base(path)
                );
                let at = cx
                    .file
                    .absolute(number, instruction.keyword().range.end..instruction.keyword().range.end);
                let fix = Fix::replace("Unpack it with `--unpack=true`", at, " --unpack=true");
                out.push(Finding::new(cx.file.absolute(number, word.range.clone()), message).fix(fix));
            }
        }
    }
}

/// Whether something behind an instruction may unpack an archive: in its stage or a later one.
fn is_unpacked(cx: &FileCx<'_>, number: usize) -> bool {
    cx.file.instructions(number + 1..cx.file.len()).any(|(_, _, i)| {
        let is_run =
            matches!(i.kind(), Some(Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Copy));
        let text = i.source();
        is_run
            && (text.contains("tar") || text.contains("unzip") || text.contains("xz") || text.contains("pip"))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn archives() {
        check(
            "E037",
            "\
FROM a
ADD https://x/y.tar.gz /opt/
    ^^^^^^^^^^^^^^^^^^ `y.tar.gz` stays an archive
ADD https://x/y.tar.gz /opt/z.tar.gz
ADD --unpack=true https://x/y.tar.gz /opt/
ADD y.tar.gz /opt/
ADD https://x/y.zip /opt/
",
        );
        assert_eq!(lines("E037", "FROM a\nADD https://x/y.tgz /opt/\nRUN tar xf /opt/y.tgz\n"), [0; 0]);
        assert_eq!(
            fixed("E037", "FROM a\nADD https://x/y.tgz /o/\n"),
            "FROM a\nADD --unpack=true https://x/y.tgz /o/\n"
        );
    }
}
