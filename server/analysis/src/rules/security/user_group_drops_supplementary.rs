//! X024 `user-group-drops-supplementary`.

use layerwise_model::eval;
use layerwise_model::facts::Command;

use super::last_user_root::is_root;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::is_verbatim;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "user-group-drops-supplementary",
        code: "X024",
        severity: Severity::Warning,
        equivalents: &["tally/user-explicit-group-drops-supplementary-groups"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds USER with a group for a user that the stage has put into other groups.

## Why it matters

`USER app:app` gives the process this one group. The groups that `usermod -aG` added are dropped, and the rights
that they were added for with them; `USER app` keeps them.

## Example

```dockerfile
FROM debian:12
RUN useradd app && usermod -aG video app
USER app:app
```

## Use instead

```dockerfile
FROM debian:12
RUN useradd app && usermod -aG video app
USER app
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.all() {
        let eval::Command::User(value) = &cx.eval.step(number).command else { continue };
        let Some((user, _)) = value.split_once(':').filter(|_| !is_root(value)) else { continue };
        let Some(stage) = stages::of(cx, number) else { continue };
        let mut groups: Vec<String> = Vec::new();
        for (other, _) in stages::chain(cx, stage).take_while(|(other, _)| *other < number) {
            let commands = cx.facts.instructions.get(other).map_or(&[][..], |facts| &facts.commands);
            groups.extend(commands.iter().filter_map(|command| added(command, user)));
        }
        let (Some(first), Some(word)) = (groups.first(), instruction.args().first()) else { continue };
        let finding = Finding::new(
            cx.file.absolute(number, word.range.clone()),
            format!(
                "`USER {value}` drops the group `{first}` that `{user}` was put into; write `USER {user}`, which keeps it."
            ),
        );
        out.push(if is_verbatim(instruction, word) && word.value == *value {
            let range = cx.file.absolute(number, word.range.clone());
            finding.fix(Fix::replace(format!("Write `USER {user}`"), range, user))
        } else {
            finding
        });
    }
}

/// The groups that a command puts a user into.
fn added(command: &Command, user: &str) -> Option<String> {
    let words: Vec<&str> = command.operands().map(|word| word.text.as_str()).collect();
    let last = words.last()?;
    match command.name.as_str() {
        "usermod" | "useradd" if *last == user => {
            let at = command.args.iter().position(|arg| {
                arg.text == "--groups"
                    || (arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('G'))
            })?;
            command.args.get(at + 1).map(|arg| arg.text.clone())
        }
        "gpasswd" if command.has_flag(&["a", "add"]) && words.first() == Some(&user) => {
            Some((*last).to_owned())
        }
        "addgroup" | "adduser"
            if words.len() == 2 && words[0] == user && !command.args.iter().any(|arg| arg.is_flag()) =>
        {
            Some((*last).to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn groups() {
        for (text, found) in [
            ("FROM a\nRUN useradd app && usermod -a -G docker app\nUSER app:app\n", vec![3]),
            ("FROM a\nRUN useradd -rG docker app\nUSER app:1\n", vec![3]),
            ("FROM a\nRUN gpasswd -a app wheel\nUSER app:app\n", vec![3]),
            ("FROM a\nRUN adduser -D app && addgroup app docker\nUSER app:app\n", vec![3]),
            ("FROM a\nRUN useradd -G docker app\nUSER root:root\nUSER app\nUSER b:c\n", vec![]),
            ("FROM a\nRUN useradd -G docker app\nFROM b\nUSER app:app\n", vec![]),
            ("FROM a\nRUN adduser -S -G app app\nUSER app:app\n", vec![]),
        ] {
            assert_eq!(lines("X024", text), found, "{text}");
        }
        assert_eq!(
            fixed("X024", "FROM a\nRUN usermod -aG x b\nUSER b:b\n"),
            "FROM a\nRUN usermod -aG x b\nUSER b\n"
        );
    }
}
