//! X025 `credentials-in-url`.

use std::ops::Range;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "credentials-in-url",
        code: "X025",
        severity: Severity::Error,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds user names with passwords in http and ftp URLs: `https://user:password@host`. Variables and obvious
placeholders are left alone.

## Why it matters

The URL is in the repository, in the history of the image, and often in its files, such as `.git/config`.
Whoever reads one of them can log in.

## Example

```dockerfile
FROM debian:12
RUN git clone https://deploy:Zk8vQ2wN7x@git.example.com/team/app.git
```

## Use instead

```dockerfile
FROM debian:12
RUN --mount=type=secret,id=netrc,target=/root/.netrc git clone https://git.example.com/team/app.git
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.onbuild {
        return;
    }
    for (range, host) in logins(cx.instruction.source()) {
        out.push(Finding::new(
            range,
            format!("This URL has the login for `{host}` in it, which everyone who reads the file or pulls the image can use; change the password, and use `RUN --mount=type=secret`."),
        ));
    }
}

/// The `user:password` of URLs, each with the host.
fn logins(text: &str) -> Vec<(Range<usize>, &str)> {
    let mut found = Vec::new();
    for (at, sign) in text.match_indices("://") {
        let scheme = text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !matches!(scheme, "http" | "https" | "ftp" | "ftps") {
            continue;
        }
        let start = at + sign.len();
        let authority =
            text[start..].split(['/', '?', '#', '"', '\'', '\\', ')', ',']).next().unwrap_or_default();
        let authority = authority.split(char::is_whitespace).next().unwrap_or_default();
        let Some((login, host)) = authority.rsplit_once('@') else { continue };
        let Some((user, password)) = login.split_once(':') else { continue };
        if !is_placeholder(user, password) {
            found.push((start..start + login.len(), host));
        }
    }
    found
}

fn is_placeholder(user: &str, password: &str) -> bool {
    let lower = password.to_ascii_lowercase();
    let known = [
        "password",
        "pass",
        "passwd",
        "pwd",
        "secret",
        "token",
        "xxx",
        "changeme",
        "example",
        "x-oauth-basic",
    ];
    password.is_empty()
        || user == password
        || [user, password].iter().any(|part| part.contains(['$', '<', '{', '*', '%', '`', '[']))
        || known.iter().any(|word| lower == *word || (lower.starts_with("your") && lower.contains(word)))
        || lower.trim_matches('x').is_empty()
}

#[cfg(test)]
mod tests {
    use super::logins;
    use crate::rules::testing::check;

    #[test]
    fn urls() {
        check(
            "X025",
            "\
FROM a
RUN git clone https://me:s3cr3tX9@example.com/x https://git@example.com/y
                      ^^^^^^^^^^^ login for `example.com`
ENV A=http://u:$P@h B=postgres://a:b1@c C=\"https://user:pass@x\"
ADD https://bot:Qw12er34@example.com/x /
            ^^^^^^^^^^^^ change the password
",
        );
        assert_eq!(logins("http://a.b:80/x@y https://<u>:<p>@h é://a:b@c").len(), 0);
    }
}
