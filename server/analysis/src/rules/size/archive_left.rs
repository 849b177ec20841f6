//! S023 `archive-left`.

use layerwise_model::facts::Command;

use super::layers::{Fixes, at_home, holds, mounted, runs};
use crate::actions::footprint::{self, Thing};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "archive-left",
        code: "S023",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds archives that a RUN downloads and unpacks, or installs as a package, and does not delete, in the stages that the image
is made of.

## Why it matters

The archive stays in the layer beside what was unpacked from it.

## Example

```dockerfile
FROM debian:12
RUN curl -fsSLO https://example.com/app.tar.gz && tar -xzf app.tar.gz -C /opt
```

## Use instead

```dockerfile
FROM debian:12
RUN curl -fsSLO https://example.com/app.tar.gz && tar -xzf app.tar.gz -C /opt && rm app.tar.gz
```
";

/// How many archives of one RUN are followed.
const MAX: usize = 32;

fn base_name(path: &str) -> &str {
    let path = path.trim_matches(['"', '\'']).trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a command reads an archive and writes what is in it elsewhere.
fn unpacks(command: &Command) -> bool {
    match command.name.as_str() {
        "tar" | "bsdtar" => {
            let first = command.args.first().map_or("", |arg| arg.text.as_str());
            command.has_flag(&["x", "extract", "get"])
                || (!first.starts_with('-') && first.contains('x') && first.len() <= 5)
        }
        // gunzip and the like delete what they read.
        "unzip" | "7z" | "cpio" => true,
        "dpkg" => command.has_flag(&["i", "install"]),
        _ => false,
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    for run in runs(cx) {
        let commands = &run.facts.commands;
        let fetches = |c: &Command| matches!(c.name.as_str(), "curl" | "wget");
        if run.facts.unclear || !commands.iter().any(fetches) || !commands.iter().any(unpacks) {
            continue;
        }
        let Some(script) = run.instruction.script().filter(|script| !script.has_error()) else { continue };
        let mounts = mounted(run.instruction);
        for simple in
            script.simple_commands().iter().filter(|c| matches!(c.name(), Some("curl" | "wget"))).take(MAX)
        {
            let Some(at) = commands.iter().position(|c| c.script_range == simple.range) else { continue };
            let Some(Thing::Path(path)) = footprint::made(simple).into_iter().next() else { continue };
            let name = base_name(&path);
            // What a pipe reads is no file, and a name that is computed in one place may be written in another.
            if name.is_empty() || matches!(name, "-" | "*") || path.starts_with("/dev/") {
                continue;
            }
            let names = |command: &Command| command.args.iter().any(|arg| base_name(&arg.text) == name);
            let Some(unpacked) = commands.iter().skip(at + 1).find(|c| unpacks(c) && names(c)) else {
                continue;
            };
            let path = at_home(&path);
            // Any rm of a file, of a pattern or of a folder that may hold it.
            let gone = |command: &Command| match command.name.as_str() {
                "rm" | "unlink" | "mv" | "find" | "trap" => command.args.iter().any(|arg| {
                    let text = at_home(&arg.text);
                    base_name(&text) == name
                        || text.contains(['*', '$', '{'])
                        || holds(text.trim_end_matches('/'), &path)
                        || command.has_flag(&["r", "R", "rf", "fr", "recursive"])
                        || command.name == "trap"
                }),
                _ => false,
            };
            let mounted = mounts.iter().any(|target| holds(target, &path) || !path.starts_with('/'));
            if mounted || commands.iter().skip(at + 1).any(gone) {
                continue;
            }
            // A later RUN that deletes it is told by another rule.
            let deletes =
                |c: &Command| c.name == "rm" && c.args.iter().any(|arg| base_name(&arg.text) == name);
            let mut below = runs(cx).filter(|later| later.number > run.number);
            if below.any(|later| later.facts.commands.iter().any(deletes)) {
                continue;
            }
            let message = format!(
                "`{name}` stays in this layer beside what is unpacked from it; delete it in the same RUN."
            );
            let range = cx.file.absolute(run.number, commands[at].range.clone());
            let there = cx.file.absolute(run.number, unpacked.range.clone());
            let mut finding = Finding::new(range, message).see(there, "It is unpacked here");
            // A relative path means the same at the end only if the folder is the same.
            let stays = path.starts_with('/') || run.facts.named("cd").next().is_none();
            let word = unpacked.args.iter().find(|arg| base_name(&arg.text) == name);
            let source = cx.file.instruction(run.number).1.source();
            if let Some(text) = word.filter(|_| stays).and_then(|word| source.get(word.range.clone()))
                && !text.contains('\n')
                && !text.starts_with('-')
            {
                finding.fixes.extend(fixes.append(&run, unpacked, &format!("rm {text}")));
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn archives_that_stay() {
        check(
            "S023",
            "\
FROM debian:12
RUN curl -fsSLo /tmp/a.tgz https://x/a.tgz && tar xzf /tmp/a.tgz -C /opt
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `a.tgz` stays
RUN wget https://x/b-${V}.zip; unzip b-${V}.zip
    ^^^^^^^^^^^^^^^^^^^^^^^^^ `b-${V}.zip` stays
",
        );
        for run in [
            "curl -O https://x/a.tgz && tar xf a.tgz && rm a.tgz",
            "curl -O https://x/a.tgz && tar xf a.tgz && rm -f *.tgz",
            "curl -O https://x/a.tgz && tar xf a.tgz && cd / && rm -rf /tmp/x",
            "curl https://x/a.tgz | tar xz",
            "curl -O https://x/a.tgz && tar cf b.tar a.tgz",
            "--mount=type=tmpfs,target=/tmp curl -o /tmp/a.tgz x && tar xf /tmp/a.tgz",
            "curl -O https://x/a.gz && gunzip a.gz",
        ] {
            assert_eq!(lines("S023", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
        assert_eq!(
            lines(
                "S023",
                "FROM a AS b\nRUN curl -O https://x/a.tgz && tar xf a.tgz\nFROM a\nCOPY --from=b /x /\n"
            ),
            [0; 0]
        );
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S023", "FROM a\nRUN wget -q https://x/a.tgz && tar xf a.tgz\n"),
            "FROM a\nRUN wget -q https://x/a.tgz && tar xf a.tgz && \\\n    rm a.tgz\n"
        );
    }
}
