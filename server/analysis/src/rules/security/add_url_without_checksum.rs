//! X013 `add-url-without-checksum`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "add-url-without-checksum",
        code: "X013",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds ADD of a URL without `--checksum`. Git repositories are left alone, and so is what a later RUN checks, what is a
signature or a list of hashes itself, and what is there for the cache only, such as answers of GitHub's API.

## Why it matters

Nothing checks what comes, so the file in the image is whatever the server sends on the day of the build. With a
checksum the build fails when it is another, and BuildKit need not fetch it again to know that it is the same.

## Example

```dockerfile
FROM debian:12
ADD https://example.com/tool.tar.gz /opt/
```

## Use instead

```dockerfile
FROM debian:12
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/tool.tar.gz /opt/
```
";

/// Programs that check what was fetched.
const CHECKS: [&str; 12] = [
    "md5sum",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "shasum",
    "b2sum",
    "gpg",
    "gpgv",
    "openssl",
    "cosign",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, outer) in cx.file.of_kind_or_trigger(&[Keyword::Add]) {
        let instruction = outer.trigger().unwrap_or(outer);
        if instruction.flag("checksum").is_some() {
            continue;
        }
        let Some((dest, sources)) = instruction.args().split_last() else { continue };
        for word in sources {
            let url = word.value.as_str();
            let path = url.split(['#', '?']).next().unwrap_or(url);
            if !(url.starts_with("https://") || url.starts_with("http://"))
                || path.ends_with(".git")
                || is_itself_a_check(path)
                || is_for_the_cache(url)
                || is_checked(cx, number, [path, &dest.value])
            {
                continue;
            }
            out.push(Finding::new(
                cx.file.absolute(number, word.range.clone()),
                "Nothing checks what this URL sends, and it becomes part of the image; add `--checksum=sha256:...` with the hash of the file that you tested.",
            ));
        }
    }
}

/// Signatures and lists of hashes are what other files are checked with.
fn is_itself_a_check(path: &str) -> bool {
    [".asc", ".sig", ".sha1", ".sha256", ".sha512", ".sha256sum", ".sha512sum", ".md5", "SUMS"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Answers that change with a branch, which files take so that the layers below are built again.
fn is_for_the_cache(url: &str) -> bool {
    url.starts_with("https://api.github.com/")
        || url.contains("/git/refs/") // GitHub's, wherever it is served from.
        || url.contains("random")
}

/// Whether a later RUN of the stage checks a file of one of these names.
fn is_checked(cx: &FileCx<'_>, number: usize, paths: [&str; 2]) -> bool {
    let Some(stage) = cx.file.stage_of(number) else { return false };
    let names = paths.map(|path| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
    cx.file.of_kind_in(number + 1..stage.body.end, &[Keyword::Run]).any(|(run, _, instruction)| {
        let facts = &cx.facts.instructions[run];
        let checks = facts.commands.iter().any(|command| CHECKS.contains(&command.name.as_str()))
            || facts.unclear && CHECKS.iter().any(|name| instruction.source().contains(name));
        checks && names.iter().any(|name| name.len() > 2 && instruction.source().contains(name))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn sources() {
        check(
            "X013",
            "\
FROM a
ADD x https://example.com/x.tar.gz /
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Nothing checks
ADD https://github.com/a/b.git#v1 /
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/x /
ADD x /https://x
ADD https://example.com/tini /sbin/tini
ADD https://example.com/tini.asc /tini.asc
RUN gpg --batch --verify /tini.asc /sbin/tini
ADD https://example.com/y /y
    ^^^^^^^^^^^^^^^^^^^^^ checksum
ADD https://api.github.com/repos/a/b/git/refs/heads/main version.json
ONBUILD ADD http://example.com/$V /
            ^^^^^^^^^^^^^^^^^^^^^ checksum
",
        );
    }
}
