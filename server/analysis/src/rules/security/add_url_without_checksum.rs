//! X013 `add-url-without-checksum`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "add-url-without-checksum",
        code: "X013",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ADD of a URL without `--checksum`. Git repositories are left alone.

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

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Add) || cx.instruction.flag("checksum").is_some() {
        return;
    }
    let sources = cx.instruction.args().len().saturating_sub(1);
    for word in cx.instruction.args().iter().take(sources) {
        let url = word.value.as_str();
        let git = url.split(['#', '?']).next().is_some_and(|path| path.ends_with(".git"));
        if !(url.starts_with("https://") || url.starts_with("http://")) || git {
            continue;
        }
        out.push(Finding::new(
            word.range.clone(),
            "Nothing checks what this URL sends, and it becomes part of the image; add `--checksum=sha256:...` with the hash of the file that you tested.",
        ));
    }
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
ONBUILD ADD http://example.com/$V /
            ^^^^^^^^^^^^^^^^^^^^^ checksum
",
        );
    }
}
