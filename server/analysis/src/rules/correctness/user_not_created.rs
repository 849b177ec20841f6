//! E075 `user-not-created`.

use layerwise_model::eval::Command;
use layerwise_model::facts::base::Family;
use layerwise_syntax::Keyword;

use super::image_files::{earlier, may_bring_files, starts_plain};
use crate::ranges::on_first_line;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "user-not-created",
        code: "E075",
        severity: Severity::Error,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds USER with a name that the base image does not have and that nothing creates.

## Why it matters

The next RUN, or the start of the container, fails: \"unable to find user\".

## Example

```dockerfile
FROM debian:12
USER app
```

## Use instead

```dockerfile
FROM debian:12
RUN useradd -r app
USER app
```
";

/// Users of Debian's and Alpine's base systems (base-passwd, alpine-baselayout).
const SYSTEM: [&str; 36] = [
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "gnats",
    "nobody",
    "_apt",
    "adm",
    "shutdown",
    "halt",
    "operator",
    "cron",
    "ftp",
    "sshd",
    "at",
    "squid",
    "xfs",
    "cyrus",
    "vpopmail",
    "ntp",
    "smmsp",
    "guest",
    "postmaster",
    "ubuntu",
];

/// Official images that add no user, or `node` alone.
const KNOWN: [&str; 11] = [
    "alpine",
    "debian",
    "ubuntu",
    "python",
    "node",
    "golang",
    "ruby",
    "rust",
    "eclipse-temurin",
    "openjdk",
    "maven",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::User]) {
        let Command::User(user) = &cx.eval.step(number).command else { continue };
        let Some(stage) = cx.file.stage_of(number).map(|stage| stage.index) else { continue };
        let facts = &cx.facts.stages[stage];
        let name = user.split(':').next().unwrap_or(user);
        let plain =
            !name.is_empty() && !name.contains(['$', '\\']) && !name.bytes().all(|b| b.is_ascii_digit());
        let linux = matches!(facts.base.family, Family::Debian | Family::Ubuntu | Family::Alpine);
        if !plain
            || !linux
            || !facts.base.official
            || !KNOWN.contains(&facts.base.name.as_str())
            || SYSTEM.contains(&name)
            || (facts.base.name == "node" && name == "node")
            || !starts_plain(cx, stage)
            || !facts.installed_known
            // A package may come with a user of its name.
            || facts.installed.iter().any(|(_, package)| package.contains(name) || name.contains(package.as_str()))
        {
            continue;
        }
        let created = earlier(cx, stage, number).any(|at| match &cx.eval.step(at).command {
            Command::Run(_) => {
                let text = cx.file.instruction(at).1.source();
                let facts = &cx.facts.instructions[at];
                let makes = ["useradd", "adduser", "passwd", "usermod", "newusers", "sysusers", "dpkg"]
                    .iter()
                    .any(|word| text.contains(word));
                let unknown = facts.commands.iter().any(|c| {
                    may_bring_files(c)
                        && (c.name.ends_with(".sh")
                            || matches!(c.name.as_str(), "sh" | "bash" | "make" | "ansible-playbook")
                            || c.program.text.contains('/'))
                });
                facts.unclear || makes || unknown
            }
            Command::Copy(copy) => {
                copy.dest_path.contains("passwd")
                    || copy.sources.iter().any(|s| s.contains("passwd"))
                    || ["/", "/etc", "/etc/"].contains(&copy.dest_path.as_str())
            }
            _ => false,
        });
        let Some(word) = instruction.args().first().filter(|_| !created) else { continue };
        let message = format!(
            "`{}:{}` has no user `{name}` and nothing here creates it, so what runs after this fails; create it with {} or use a number.",
            facts.base.name,
            facts.base.tag,
            if facts.base.family == Family::Alpine { "`adduser`" } else { "`useradd`" }
        );
        out.push(Finding::new(cx.file.absolute(number, on_first_line(instruction, &word.range)), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn finds() {
        for (text, expected) in [
            ("FROM debian:12\nUSER app", vec![2]),
            ("FROM debian:12\nRUN useradd app\nUSER app", vec![]),
            ("FROM node:22\nUSER node", vec![]),
            ("FROM node:22\nUSER nodejs:nodejs", vec![2]),
            ("FROM alpine\nUSER nobody", vec![]),
            ("FROM alpine\nUSER 1000", vec![]),
            ("FROM alpine\nUSER $U", vec![]),
            ("FROM debian:12\nRUN apt-get install -y postgresql\nUSER postgres", vec![]),
            ("FROM debian:12\nRUN ./users.sh\nUSER app", vec![]),
            ("FROM debian:12\nCOPY passwd /etc/passwd\nUSER app", vec![]),
            ("FROM team/x\nUSER app", vec![]),
            ("FROM debian:12 AS a\nRUN adduser app\nFROM a\nUSER app", vec![]),
        ] {
            assert_eq!(lines("E075", &format!("{text}\n")), expected, "{text}");
        }
    }
}
