//! X031 `likely-secret-in-arg-env`.

use layerwise_syntax::Keyword;

use super::secret_in_arg_env::is_secret;
use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "likely-secret-in-arg-env",
        code: "X031",
        severity: Severity::Warning,
        equivalents: &["DL3064"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds names of secrets that `secret-in-arg-env` does not look at: ARG before the first FROM, and names in which
the word is not set off by underscores or shortened, such as `PGPASSWORD`, `DBPASS`, `SMTP_PASS` or
`GITHUB_PAT`. An ARG before the first FROM that a stage declares again is reported there.

## Why it matters

The value of a build argument stands in the provenance of the build, and what ENV sets in the configuration of
the image. Whoever can pull the image can read both. A secret mount is there for one RUN and leaves nothing
behind.

## Example

```dockerfile
FROM alpine:3.20
ENV PGPASSWORD=hunter2
RUN ./migrate
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN --mount=type=secret,id=pgpassword,env=PGPASSWORD ./migrate
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let declared = |name: &str| {
        let mut all = cx.file.all().filter(|(_, _, i)| i.kind() == Some(Keyword::Arg));
        all.any(|(number, _, i)| {
            cx.file.stage_of(number).is_some() && i.args().iter().any(|word| arg_name(&word.value) == name)
        })
    };
    for (number, _, instruction) in cx.file.all() {
        let in_stage = cx.file.stage_of(number).is_some();
        let (what, step) = match instruction.kind() {
            Some(Keyword::Arg) => ("ARG", 1),
            Some(Keyword::Env) => ("ENV", 3),
            _ => continue,
        };
        for (at, word) in instruction.args().iter().enumerate().step_by(step) {
            let name = if step == 1 { arg_name(&word.value) } else { word.value.as_str() };
            let found = if in_stage {
                !is_secret(name) && is_likely(name)
            } else {
                step == 1 && (is_secret(name) || is_likely(name)) && !declared(name)
            };
            let value = if step == 1 {
                word.value.split_once('=').map_or("", |(_, value)| value)
            } else {
                instruction.args().get(at + 1).map_or("", |word| word.value.as_str())
            };
            if !found || is_no_secret(step, value) {
                continue;
            }
            let end = (word.range.start + name.len()).min(word.range.end);
            let range = on_first_line(instruction, &(word.range.start..end));
            let kept = if step == 1 {
                "is a build argument, whose value stays in the provenance of the build"
            } else {
                "is stored in the image's configuration, where everyone who pulls the image can read it"
            };
            out.push(Finding::new(
                cx.file.absolute(number, range),
                format!(
                    "{what} `{name}` looks like a secret and {kept}; use `RUN --mount=type=secret,id={}`.",
                    name.to_lowercase()
                ),
            ));
        }
    }
}

fn arg_name(word: &str) -> &str {
    word.split('=').next().unwrap_or(word)
}

/// An ENV that is empty, the path of a file, or a switch holds no secret.
fn is_no_secret(step: usize, value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    let switch = ["true", "false", "yes", "no", "0", "1"].contains(&value);
    (step != 1 && value.is_empty()) || value.starts_with('/') || switch
}

/// Whether a part between underscores ends in such a word, or is a short form of one.
fn is_likely(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let parts = || lower.split('_');
    let ends = [
        "password",
        "passwd",
        "passphrase",
        "apikey",
        "secretkey",
        "accesskey",
        "authtoken",
        "accesstoken",
        "dbpass",
    ];
    let short = ["pass", "passphrase", "pat", "creds"];
    let harmless = [
        "public", "file", "path", "dir", "version", "url", "length", "policy", "min", "max", "allow",
        "require", "enable", "disable", "use", "no", "empty", "random",
    ];
    parts().any(|part| short.contains(&part) || ends.iter().any(|end| part.ends_with(end)))
        && !parts().any(|part| harmless.contains(&part))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn names() {
        check(
            "X031",
            "\
ARG AWS_ACCESS_KEY_ID
    ^^^^^^^^^^^^^^^^^ provenance
ARG NPM_TOKEN
ARG version
FROM a
ARG NPM_TOKEN
ENV PGPASSWORD=x A=1 SMTP_PASS=y
    ^^^^^^^^^^ configuration
                     ^^^^^^^^^ smtp_pass
ENV BYPASS=1 COMPASS=x PASSWORD=x POSTGRES_PASSWORD_FILE=/x DB_PASS=/run/secrets/x SMTP_PASS=
",
        );
        assert_eq!(lines("X031", "FROM a\nARG GITHUB_PAT\n"), [2]);
    }
}
