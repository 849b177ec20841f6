//! X023 `user-never-used`.

use layerwise_model::eval;
use layerwise_model::facts::{Argument, Command};
use layerwise_syntax::Keyword;

use super::last_user_root::is_root;
use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "user-never-used",
        code: "X023",
        severity: Severity::Hint,
        equivalents: &["tally/user-created-but-never-used"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a user that is created for the image that is built and then used for nothing: no USER, and its name stands
nowhere else in the file.

## Why it matters

The container runs as root although somebody made a user for it; most probably the USER is missing.

## Example

```dockerfile
FROM debian:12
RUN useradd -r app
CMD [\"sleep\", \"1\"]
```

## Use instead

```dockerfile
FROM debian:12
RUN useradd -r app
USER app
CMD [\"sleep\", \"1\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((_, stage)) = stages::shipped(cx) else { return };
    let mut created: Vec<(usize, &Argument)> = Vec::new();
    for (number, instruction) in stages::chain(cx, stage) {
        match (instruction.kind(), &cx.eval.step(number).command) {
            (_, eval::Command::User(user)) if !is_root(user) => return,
            (Some(Keyword::Run), _) => {
                let Some(facts) = cx.facts.instructions.get(number) else { continue };
                let users = facts.commands.iter().filter_map(|command| Some((number, user(command)?)));
                created.extend(users);
            }
            // A script may change the user.
            (Some(Keyword::Entrypoint | Keyword::Cmd), _) => {
                let text = instruction.args_text();
                if [".sh", "entrypoint", "supervisord", "init", "start", "run"]
                    .iter()
                    .any(|part| text.contains(part))
                {
                    return;
                }
            }
            _ => {}
        }
    }
    for (number, word) in created {
        // Its own creation aside, and that of its group and home.
        let is_about = |command: &&Command| ABOUT.contains(&command.name.as_str());
        let mut used = false;
        for (other, instruction) in stages::chain(cx, stage) {
            let mut text = instruction.source().to_owned();
            if let Some(facts) = cx.facts.instructions.get(other) {
                for command in facts.commands.iter().filter(is_about).rev() {
                    if text.get(command.range.clone()).is_some() {
                        text.replace_range(command.range.clone(), "");
                    }
                }
            }
            used |= mentions(&text, &word.text);
        }
        if !used {
            out.push(Finding::new(
                cx.file.absolute(number, word.range.clone()),
                format!("The user `{0}` is created and never used, so the container does not run as it; add `USER {0}`.", word.text),
            ));
        }
    }
}

const ABOUT: [&str; 8] =
    ["useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod", "passwd", "gpasswd"];

/// The user that a command creates.
fn user(command: &Command) -> Option<&Argument> {
    const VALUED: [&str; 34] = [
        "-b",
        "-c",
        "-d",
        "-e",
        "-f",
        "-g",
        "-G",
        "-h",
        "-H",
        "-k",
        "-K",
        "-p",
        "-R",
        "-s",
        "-u",
        "-Z",
        "--base-dir",
        "--comment",
        "--home-dir",
        "--gid",
        "--groups",
        "--shell",
        "--uid",
        "--home",
        "--gecos",
        "--ingroup",
        "--key",
        "--password",
        "--skel",
        "--expiredate",
        "--inactive",
        "--root",
        "--prefix",
        "-P",
    ];
    let valued: &[&str] = match command.name.as_str() {
        "useradd" => &VALUED,
        // BusyBox' `-H` takes no value.
        "adduser" => &[
            "-h",
            "-g",
            "-s",
            "-G",
            "-u",
            "-k",
            "-c",
            "-d",
            "--home",
            "--gecos",
            "--ingroup",
            "--uid",
            "--gid",
            "--shell",
            "--comment",
        ],
        _ => return None,
    };
    let mut words = command.operands_without(valued);
    let first = words.next()?;
    let name = words.last().unwrap_or(first);
    // `adduser USER GROUP` puts one into the other.
    if command.name == "adduser" && name.range != first.range {
        return None;
    }
    (name.literal
        && name.text != "root"
        && name.text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')))
    .then_some(name)
    .filter(|name| !name.text.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether the name stands in the text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn users() {
        for (text, found) in [
            ("FROM a\nRUN useradd -r app\nUSER root\nCMD [\"app2\"]\n", vec![2]),
            ("FROM a\nRUN groupadd -r app && useradd -r -g app app\n", vec![2]),
            ("FROM a\nRUN useradd -r app\nUSER 1000\n", vec![]),
            ("FROM a\nRUN useradd -r app\nENTRYPOINT [\"gosu\", \"app\", \"x\"]\n", vec![]),
            ("FROM a\nRUN useradd -r app\nCOPY --chown=app:app a b\n", vec![]),
            ("FROM a\nRUN adduser -S -D app && chown app /x\n", vec![]),
            ("FROM a\nRUN useradd -r app\nENTRYPOINT [\"/docker-entrypoint.sh\"]\n", vec![]),
            ("FROM a AS b\nRUN useradd app\nFROM b\n", vec![2]),
            ("FROM a AS b\nRUN useradd app\nFROM c\n", vec![]),
        ] {
            assert_eq!(lines("X023", text), found, "{text}");
        }
    }
}
