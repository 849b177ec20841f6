//! T031 `invalid-label-value`.

use super::labels::labels;
use crate::diagnostic::Severity;
use crate::options::LabelKind;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "invalid-label-value",
        code: "T031",
        severity: Severity::Warning,
        equivalents: &["DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds labels whose value is not what the option `required-labels` says: a URL (`url`), a date and time
(`rfc3339`), an SPDX licence expression (`spdx`), a git commit (`hash`), a semantic version (`semver`) or an
e-mail address (`email`). The labels that the OCI image specification defines are checked as it says even if the
option does not name them.

## Why it matters

Programs that read labels, such as registries and schedulers, rely on what a team or a specification has agreed
on. A label that does not follow it is not found, or misread.

## Example

```dockerfile
FROM alpine:3.20
LABEL org.opencontainers.image.created=\"yesterday\"
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL org.opencontainers.image.created=\"2024-11-05T12:00:00Z\"
```
";

/// Source: the annotations of the OCI image specification, annotations.md.
const DEFINED: [(&str, LabelKind); 5] = [
    ("org.opencontainers.image.created", LabelKind::Rfc3339),
    ("org.opencontainers.image.url", LabelKind::Url),
    ("org.opencontainers.image.documentation", LabelKind::Url),
    ("org.opencontainers.image.source", LabelKind::Url),
    ("org.opencontainers.image.licenses", LabelKind::Spdx),
];

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for label in labels(cx) {
        let defined = || DEFINED.iter().find(|(key, _)| *key == label.key).map(|&(_, kind)| kind);
        let Some(kind) = cx.options.required_labels.get(&label.key).copied().or_else(defined) else {
            continue;
        };
        let Some(value) = label.value.filter(|value| !value.is_empty()) else { continue };
        let (right, what, example) = match kind {
            LabelKind::Text => continue,
            LabelKind::Url => (is_url(&value), "a URL", "https://example.com"),
            LabelKind::Rfc3339 => {
                (is_rfc3339(&value), "a date and time as RFC 3339 has it", "2024-11-05T12:00:00Z")
            }
            LabelKind::Semver => (is_semver(&value), "a semantic version", "1.2.3"),
            LabelKind::Spdx => (
                spdx::Expression::parse_mode(&value, spdx::ParseMode::LAX).is_ok(),
                "an SPDX licence expression",
                "Apache-2.0 OR MIT",
            ),
            LabelKind::Hash => (is_hash(&value), "a git commit", "8f936c5"),
            LabelKind::Email => (is_email(&value), "an e-mail address", "team@example.com"),
        };
        if !right {
            out.push(Finding::new(
                label.value_range,
                format!(
                    "`{value}` is not {what}, which the label `{}` needs; write it like `{example}`.",
                    label.key
                ),
            ));
        }
    }
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.trim_start_matches('/').is_empty()
        && !text.contains(char::is_whitespace)
}

/// RFC 3339, section 5.6.
fn is_rfc3339(text: &str) -> bool {
    let two = |text: &str, most: u32| text.len() == 2 && number(text).is_some_and(|n| n <= most);
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else { return false };
    let date: Vec<&str> = date.split('-').collect();
    let [year, month, day] = date.as_slice() else { return false };
    let (time, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => return false,
    };
    let right_zone = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            offset.split_once(':').is_some_and(|(hours, minutes)| two(hours, 23) && two(minutes, 59))
        }
        None => zone.len() == 1,
    };
    let (time, fraction) =
        time.split_once('.').map_or((time, None), |(time, fraction)| (time, Some(fraction)));
    let clock: Vec<&str> = time.split(':').collect();
    let [hours, minutes, seconds] = clock.as_slice() else { return false };
    let within = |text: &str, most: u32| two(text, most) && text != "00";
    year.len() == 4
        && number(year).is_some()
        && within(month, 12)
        && within(day, 31)
        && two(hours, 23)
        && two(minutes, 59)
        && two(seconds, 60)
        && fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()))
        && right_zone
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Semantic Versioning 2.0.0.
fn is_semver(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = |part: &str| digits(part) && (part.len() == 1 || !part.starts_with('0'));
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    core.split('.').count() == 3
        && core.split('.').all(plain)
        && pre.is_none_or(|pre| pre.split('.').all(|part| word(part) && (!digits(part) || plain(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

/// A commit of SHA-1 or SHA-256, whole or shortened.
fn is_hash(text: &str) -> bool {
    (matches!(text.len(), 7..=40 | 64)) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    !name.is_empty()
        && !text.contains(char::is_whitespace)
        && host.split('.').count() > 1
        && host
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{check, lines_with};

    #[test]
    fn kinds() {
        for text in ["2021-03-10T10:26:33.564595127+01:00", "2024-11-05T12:00:00Z", "1985-04-12 23:20:50.52z"]
        {
            assert!(is_rfc3339(text), "{text}");
        }
        for text in [
            "2024-11-05",
            "2024-13-05T12:00:00Z",
            "2024-11-05T12:00:00",
            "2024-11-05T24:00:00Z",
            "x",
            "2024-11-05T1:00:00Z",
            "",
        ] {
            assert!(!is_rfc3339(text), "{text}");
        }
        for text in ["1.2.3", "0.0.0-rc.1+build.5", "1.0.0--x"] {
            assert!(is_semver(text), "{text}");
        }
        for text in ["1.2", "01.2.3", "v1.2.3", "1.2.3-01", "1.2.3-", "not-sem-ver"] {
            assert!(!is_semver(text), "{text}");
        }
        assert!(is_url("http://example.com") && !is_url("not-url") && !is_url("http://"));
        assert!(is_hash("8f936c5") && !is_hash("not-git-hash") && !is_hash("123"));
        assert!(
            is_email("a.b@example.com") && !is_email("a@b") && !is_email("a b@example.com") && !is_email("x")
        );
    }

    #[test]
    fn labels() {
        check(
            "T031",
            "\
FROM a
LABEL a=b org.opencontainers.image.licenses=Frozen
                                            ^^^^^^ SPDX
LABEL org.opencontainers.image.licenses='Apache-2.0 OR MIT' org.opencontainers.image.created=$DATE
",
        );
        let options = r#"{"required-labels": {"a": "semver", "b": "url", "c": "email"}}"#;
        assert_eq!(
            lines_with(
                "T031",
                options,
                "LABEL a=x\nLABEL a=1.2.3 b='' c=d@e.f\nONBUILD LABEL b=x\nLABEL c=d\n"
            ),
            [1, 3, 4]
        );
    }
}
