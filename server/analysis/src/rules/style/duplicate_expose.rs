//! T020 `duplicate-expose`.

use layerwise_syntax::Keyword;
use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "duplicate-expose",
        code: "T020",
        severity: Severity::Hint,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a port that a stage exposes twice.

## Why it matters

The second changes nothing, and lets the reader look for the reason.

## Example

```dockerfile
FROM alpine:3.20
EXPOSE 80
EXPOSE 80/tcp
```

## Use instead

```dockerfile
FROM alpine:3.20
EXPOSE 80
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
            if instruction.kind() != Some(Keyword::Expose) {
                continue;
            }
            for word in instruction.args() {
                let port = word.value.to_ascii_lowercase();
                let port = port.strip_suffix("/tcp").unwrap_or(&port);
                let line = cx.file.line(number);
                if let Some(first) = seen.get(port) {
                    out.push(
                        Finding::new(
                            cx.file.absolute(number, word.range.clone()),
                            if *first == line {
                                format!("This EXPOSE names port `{port}` twice; delete it here.")
                            } else {
                                format!("Line {first} exposes port `{port}` already; delete it here.")
                            },
                        )
                        .unneeded(),
                    );
                } else {
                    seen.insert(port.to_owned(), line);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn ports() {
        check(
            "T020",
            "\
FROM a
EXPOSE 80 81/udp
EXPOSE 81 80/TCP
          ^^^^^^ Line 2
FROM b
EXPOSE 80 80
          ^^ names port `80` twice
",
        );
    }
}
