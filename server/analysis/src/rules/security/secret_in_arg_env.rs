//! X003 `secret-in-arg-env`.

use std::ops::Range;

use layerwise_model::eval::Command;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "secret-in-arg-env",
        code: "X003",
        severity: Severity::Error,
        buildkit: Some("SecretsUsedInArgOrEnv"),
        equivalents: &["SecretsUsedInArgOrEnv", "DL3064"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ARG and ENV whose names say that they hold a secret: a part of the name between underscores is `password`,
`token`, `key`, `secret`, `auth` and the like, and none is `public`, `file` or `version`.

## Why it matters

What ENV sets is in the image's configuration, and the value of an ARG is in its history and build provenance. Whoever
can pull the image can read it. A secret mount is there for one RUN and leaves nothing behind.

## Example

```dockerfile
FROM alpine:3.20
ARG NPM_TOKEN
RUN ./publish --token=$NPM_TOKEN
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN --mount=type=secret,id=npm_token ./publish --token-file=/run/secrets/npm_token
```
";

/// Source: frontend/dockerfile/dockerfile2llb/validations.go (`validateNoSecretKey`). ARGs before the first FROM are not
/// looked at.
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let mut found = |name: &str, place: Range<usize>, message: String| {
        let range = on_first_line(cx.instruction, &place);
        let finding = Finding::new(range.clone(), message);
        let elsewhere = range != place;
        out.push(if elsewhere { finding.see(place, format!("`{name}` is set here")) } else { finding });
    };
    match &cx.step.command {
        Command::Env(pairs) => {
            for (name, word) in pairs.iter().map(|(n, _)| n).zip(cx.instruction.args().iter().step_by(3)) {
                if is_secret(name) {
                    let id = name.to_lowercase();
                    found(
                        name,
                        word.range.clone(),
                        format!(
                            "ENV `{name}` is stored in the image's configuration, where everyone who pulls the image can read it; use `RUN --mount=type=secret,id={id}` or set it when the container starts."
                        ),
                    );
                }
            }
        }
        // The global scope reaches no image.
        Command::Arg(args) if cx.step.state.in_stage => {
            for ((name, _), word) in args.iter().zip(cx.instruction.args()) {
                if is_secret(name) {
                    let end = (word.range.start + name.len()).min(word.range.end);
                    let id = name.to_lowercase();
                    found(
                        name,
                        word.range.start..end,
                        format!(
                            "ARG `{name}` ends up in the image's history, where everyone who pulls the image can read it; use `RUN --mount=type=secret,id={id}`."
                        ),
                    );
                }
            }
        }
        _ => {}
    }
}

/// Names of secrets, as a whole name or as a part between underscores.
const SECRET: [&str; 10] =
    ["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];

/// Parts that say that it is none after all.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

pub(super) fn is_secret(name: &str) -> bool {
    let has = |words: &[&str]| name.split('_').any(|part| words.iter().any(|w| part.eq_ignore_ascii_case(w)));
    has(&SECRET) && !has(&HARMLESS)
}

#[cfg(test)]
mod tests {
    use super::is_secret;
    use crate::rules::testing::{check, lines};

    #[test]
    fn names() {
        for secret in ["SECRET_X", "password", "GIT_KEY", "api_key_2", "Auth", "X_APIKEY", "_token"] {
            assert!(is_secret(secret), "{secret}");
        }
        for harmless in
            ["PUBLIC_KEY", "public_token", "SECRET_FILE", "AUTH_VERSION", "monkey", "KEYS", "tokens", "x-key"]
        {
            assert!(!is_secret(harmless), "{harmless}");
        }
    }

    #[test]
    fn places() {
        check(
            "X003",
            "\
ARG GLOBAL_TOKEN
FROM a
ARG A_TOKEN=x B=1 auth
    ^^^^^^^ history
                  ^^^^ history
ENV password=1 secret=2 ok=3
    ^^^^^^^^ configuration
               ^^^^^^ configuration
ENV key value
    ^^^ configuration
LABEL key=1
",
        );
        assert_eq!(lines("X003", "FROM a\nENV a=1 \\\n key=2\n"), [2]);
        assert_eq!(lines("X003", "FROM a\nARG n=KEY\nENV ${n}=1\n"), [3]);
    }
}
