//! E077 `named-chown-in-scratch`.

use layerwise_model::eval::Command;
use layerwise_model::facts::base::Family;

use super::image_files::earlier;
use crate::ranges::{head, on_first_line};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "named-chown-in-scratch",
        code: "E077",
        severity: Severity::Error,
        equivalents: &["tally/named-identity-in-passwdless-stage"],

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds USER, and `--chown` of COPY and ADD, that name a user or group in a stage on scratch that has no `/etc/passwd` or `/etc/group` yet.

## Why it matters

A name is looked up in the stage's own files. Without them the build or the start of the container fails; a number needs no look-up.

## Example

```dockerfile
FROM scratch
COPY server /server
USER app
```

## Use instead

```dockerfile
FROM scratch
COPY server /server
USER 65532:65532
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.all() {
        let Some(stage) = cx.file.stage_of(number).map(|stage| stage.index) else { continue };
        if cx.facts.stages.get(stage).is_none_or(|facts| facts.base.family != Family::Scratch) {
            continue;
        }
        let (identity, word) = match &cx.eval.step(number).command {
            Command::User(user) => (user.as_str(), instruction.args().first()),
            Command::Copy(copy) => (copy.chown.as_str(), instruction.flag_word("chown")),
            _ => continue,
        };
        let (user, group) = identity.split_once(':').unwrap_or((identity, ""));
        let named =
            |name: &str| !name.is_empty() && !name.contains('$') && !name.bytes().all(|b| b.is_ascii_digit());
        let missing = if named(user) && !has(cx, stage, number, "passwd") {
            "/etc/passwd"
        } else if named(group) && !has(cx, stage, number, "group") {
            "/etc/group"
        } else {
            continue;
        };
        let range = word.map_or_else(|| head(instruction), |word| on_first_line(instruction, &word.range));
        out.push(Finding::new(
            cx.file.absolute(number, range),
            format!("This stage starts from scratch and has no {missing} in which `{identity}` could be looked up; use numbers, such as `65532:65532`."),
        ));
    }
}

/// Whether an earlier COPY may have brought a file of /etc.
fn has(cx: &FileCx<'_>, stage: usize, before: usize, file: &str) -> bool {
    earlier(cx, stage, before).any(|number| match &cx.eval.step(number).command {
        Command::Copy(copy) => {
            copy.dest_path.trim_end_matches('/').ends_with(&format!("/etc/{file}"))
                || copy.sources.iter().any(|source| source.ends_with(file))
                || (["/", "/etc/", "/etc"].contains(&copy.dest_path.as_str())
                    && copy.sources.iter().any(|source| !source.trim_matches('/').contains('.') || copy.add))
        }
        Command::Run(_) => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn finds() {
        for (body, expected) in [
            ("USER app", vec![3]),
            ("USER app:app", vec![3]),
            ("USER 1000:1000", vec![]),
            ("USER $U", vec![]),
            ("COPY --chown=app --from=b /app /app", vec![3]),
            ("COPY --from=b /etc/passwd /etc/passwd\nUSER app", vec![]),
            ("COPY --from=b /etc/passwd /etc/passwd\nUSER app:app", vec![4]),
            ("COPY --from=b /etc/passwd /etc/group /etc/\nUSER app:app", vec![]),
            ("COPY --from=b /rootfs /\nUSER app", vec![]),
        ] {
            assert_eq!(
                lines("E077", &format!("FROM golang AS b\nFROM scratch\n{body}\n")),
                expected,
                "{body}"
            );
        }
        assert!(lines("E077", "FROM alpine\nUSER app\n").is_empty());
    }
}
