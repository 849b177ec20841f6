//! T009 `invalid-label-key`.

use super::labels::labels;
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "invalid-label-key",
        code: "T009",
        severity: Severity::Hint,
        equivalents: &["DL3048", "tally/labels/valid-key"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds keys of labels that Docker's guidelines do not allow: they begin with a letter, end with a letter or
digit, have nothing but lower-case letters, digits, `.`, `-` and `_`, no separator twice in a row, and are not
in the namespaces `com.docker`, `io.docker` and `org.dockerproject`, apart from those that Docker has published.

## Why it matters

Programs that read labels, such as registries and schedulers, rely on what a team or a specification has agreed
on. A label that does not follow it is not found, or misread.

## Example

```dockerfile
FROM alpine:3.20
LABEL com..example.vendor=\"Example\"
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL com.example.vendor=\"Example\"
```
";

/// Namespaces and keys that Docker documents for others to set.
const PUBLISHED: [&str; 3] =
    ["com.docker.extension.", "com.docker.desktop.extension.", "com.docker.image.source.entrypoint"];

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for label in labels(cx) {
        let Some(why) = fault(&label.key) else { continue };
        out.push(Finding::new(
            label.key_range,
            format!("The key of the label `{}` {why}; Docker's guidelines want lower-case words joined by dots, such as `com.example.name`.", label.key),
        ));
    }
}

fn fault(key: &str) -> Option<String> {
    if PUBLISHED.iter().any(|published| key.starts_with(published)) {
        return None;
    }
    if let Some(name) =
        ["com.docker.", "io.docker.", "org.dockerproject."].iter().find(|name| key.starts_with(*name))
    {
        return Some(format!(
            "is in the namespace `{}`, which Docker keeps for itself",
            name.trim_end_matches('.')
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if let Some(c) = key.chars().find(|&c| !allowed(c)) {
        return Some(format!("has `{c}`"));
    }
    if !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some("does not begin with a letter".to_owned());
    }
    if !key.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return Some("does not end with a letter or digit".to_owned());
    }
    if key.contains(|c: char| c.is_ascii_uppercase()) {
        return Some("has upper-case letters".to_owned());
    }
    let separator = |byte: &u8| matches!(byte, b'.' | b'-' | b'_');
    key.as_bytes().windows(2).any(|w| w.iter().all(separator)).then(|| "has separators in a row".to_owned())
}

#[cfg(test)]
mod tests {
    use super::fault;
    use crate::rules::testing::lines;

    #[test]
    fn keys() {
        for key in
            ["org.dockerproject.label", "-invalid", ".invalid", "1invalid", "a..b", "a-", "A.b", "a/b", ""]
        {
            assert!(fault(key).is_some(), "{key}");
        }
        for key in
            ["validlabel", "org.opencontainers.image.base.name", "build_version", "com.docker.extension.icon"]
        {
            assert_eq!(fault(key), None, "{key}");
        }
        assert_eq!(lines("T009", "LABEL a=b \"c..d\"=e\nONBUILD LABEL .x=y\n"), [1, 2]);
    }
}
