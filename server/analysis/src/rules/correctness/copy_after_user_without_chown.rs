//! E076 `copy-after-user-without-chown`.

use layerwise_model::eval::{Base, Command};
use layerwise_model::facts::base::Family;
use layerwise_syntax::Keyword;

use super::image_files::below;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-after-user-without-chown",
        code: "E076",
        severity: Severity::Info,
        equivalents: &["tally/copy-after-user-without-chown"],
        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds COPY and ADD below a USER that is not root, without `--chown`. On Windows, which has no `--chown`, nothing must set
rights later either.

## Why it matters

USER does not matter to COPY: the files belong to root, and the user that runs the container cannot change them or write beside them.

## Example

```dockerfile
FROM alpine:3.20
RUN adduser -D app
USER app
COPY data /data
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN adduser -D app
USER app
COPY --chown=app data /data
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    // The last USER of each stage, or of the one below it.
    let mut users: Vec<Option<&str>> = Vec::new();
    for stage in cx.file.stages() {
        // There, rights are ACLs, and BuildKit has no `--chown`.
        let windows = cx.facts.stages[stage.index].base.family == Family::Windows;
        let acls = if windows { sets_acls(cx, stage.body.clone()) } else { None };
        // The user that the image's own configuration gives is not this text's doing.
        let mut user = match cx.eval.stages.get(stage.index).map(|stage| &stage.base) {
            Some(Base::Stage(below)) => users.get(*below).copied().flatten(),
            _ => None,
        };
        for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
            match &cx.eval.step(number).command {
                Command::User(name) => user = Some(name.as_str()),
                Command::Copy(copy) if copy.chown.is_empty() && instruction.flag_word("chown").is_none() => {
                    let Some(user) = user.filter(|user| is_other(user)) else { continue };
                    let given_away = if windows {
                        acls.is_some_and(|run| run > number)
                    } else {
                        is_given_away(cx, stage.body.clone(), number, &copy.dest_path)
                    };
                    if given_away {
                        continue;
                    }
                    let keyword = instruction.keyword();
                    if windows {
                        let message = format!(
                            "USER `{user}` does not matter to {}: these files belong to ContainerAdministrator, and `{user}` cannot change them; Windows has no `--chown`, so give rights with `icacls` if it has to.",
                            keyword.value.to_ascii_uppercase()
                        );
                        out.push(Finding::new(cx.file.absolute(number, keyword.range.clone()), message));
                        continue;
                    }
                    let message = format!(
                        "USER `{user}` does not matter to {}: these files belong to root, and `{user}` cannot change them; add `--chown={user}` if it has to.",
                        keyword.value.to_ascii_uppercase()
                    );
                    let finding = Finding::new(cx.file.absolute(number, keyword.range.clone()), message);
                    let at = cx.file.absolute(number, keyword.range.end..keyword.range.end);
                    let fix = Fix::replace(format!("Add `--chown={user}`"), at, format!(" --chown={user}"));
                    out.push(if user.contains(|c: char| c.is_whitespace() || c == '$') {
                        finding
                    } else {
                        finding.fix(fix)
                    });
                }
                _ => {}
            }
        }
        users.push(user);
    }
}

/// Whether a user is certainly not root.
fn is_other(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or(user);
    !matches!(name, "" | "root" | "0" | "ContainerAdministrator") && !name.contains('$')
}

/// The last RUN of a Windows stage that sets rights or owners; of which files is not read.
fn sets_acls(cx: &FileCx<'_>, body: std::ops::Range<usize>) -> Option<usize> {
    let mut runs = cx.file.of_kind_in(body, &[Keyword::Run]).filter(|(_, _, run)| {
        let text = run.args_text().to_ascii_lowercase();
        ["icacls", "set-acl", "takeown"].iter().any(|program| text.contains(program))
    });
    runs.next_back().map(|(number, _, _)| number)
}

/// Whether a later RUN gives the files to somebody.
fn is_given_away(cx: &FileCx<'_>, body: std::ops::Range<usize>, after: usize, dest: &str) -> bool {
    let dest = dest.trim_end_matches('/');
    (after + 1..body.end).any(|number| {
        cx.file.instruction(number).1.kind() == Some(Keyword::Run)
            && cx.facts.instructions[number].named("chown").any(|command| {
                command.operands().skip(1).any(|arg| {
                    let target = super::image_files::absolute(cx, number, arg.text.trim_end_matches('*'));
                    !arg.literal
                        || target == dest
                        || target == "/"
                        || below(dest, &target).is_some()
                        || below(&target, dest).is_some()
                })
            })
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        for (body, expected) in [
            ("USER app\nCOPY a /a", vec![3]),
            ("USER app:grp\nADD a /a", vec![3]),
            ("USER 1000\nCOPY a /a\nRUN chown -R 1000 /opt", vec![3]),
            ("USER app\nCOPY c /etc/app/c\nRUN chown -R app /etc", vec![]),
            ("USER app\nCOPY --chown=app a /a", vec![]),
            ("USER 0\nCOPY a /a", vec![]),
            ("COPY a /a\nUSER app", vec![]),
            ("USER app\nUSER root\nCOPY a /a", vec![]),
        ] {
            assert_eq!(lines("E076", &format!("FROM ubuntu:24.04\n{body}\n")), expected, "{body}");
        }
        assert_eq!(lines("E076", "FROM a AS b\nUSER app\nFROM b\nCOPY a /a\nFROM a\nCOPY a /a\n"), [4]);
        let windows =
            "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nUSER ContainerUser\nCOPY a C:/a/\n";
        assert_eq!(lines("E076", windows), [3]);
        assert_eq!(fixed("E076", windows), windows);
        assert_eq!(lines("E076", &format!("{windows}RUN icacls C:\\a /grant Users:F\n")), [0; 0]);
        assert_eq!(
            fixed("E076", "FROM a\nUSER app\nCOPY --link a /a\n"),
            "FROM a\nUSER app\nCOPY --chown=app --link a /a\n"
        );
    }
}
