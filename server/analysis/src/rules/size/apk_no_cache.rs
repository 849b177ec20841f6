//! S003 `apk-no-cache`.

use layerwise_model::facts::Command;

use super::layers::{Cache, Fixes, about, call, runs};
use crate::diagnostic::Severity;
use crate::fix::Edit;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "apk-no-cache",
        code: "S003",
        severity: Severity::Info,
        equivalents: &["DL3019"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `apk add`, `apk update` and `apk upgrade` that leave the package index in the layer: without `--no-cache`, without a
mount over `/var/cache/apk`, and without removing it in the same RUN.

## Why it matters

The index is some 2.5 MB, a third of the base image, and nothing in the image reads it.

## Example

```dockerfile
FROM alpine:3.20
RUN apk add curl
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add --no-cache curl
```
";

/// The index of Alpine's main and community repositories.
const INDEX: f64 = 2.5e6;

const CACHE: Cache = Cache {
    dirs: &["/var/cache/apk", "/etc/apk/cache"],
    cleans: |c| c.name == "apk" && c.has("cache"),
    fills: fetches,
};

fn fetches(command: &Command) -> bool {
    command.name == "apk"
        && !command.has_flag(&["no-cache"])
        && matches!(command.subcommand(), Some("add" | "update" | "upgrade"))
}

/// Whether a command is `apk update`.
fn is_update(command: &Command) -> bool {
    fetches(command) && command.subcommand() == Some("update")
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    for run in runs(cx) {
        let commands = &run.facts.commands;
        let found = commands.iter().enumerate().filter(|(_, command)| fetches(command));
        for (at, command) in found {
            if !CACHE.stays(&run, at)
                || emptied.get_or_insert_with(|| CACHE.last_emptied(cx)).is_some_and(|last| last > run.number)
            {
                break;
            }
            let verb = command.operands().next();
            let text = verb.map_or("", |verb| verb.text.as_str());
            // With the flag on what follows, nothing needs the index; the flag on `update` itself is of no use.
            if text == "update"
                && commands[at..].iter().any(|c| fetches(c) && c.subcommand() != Some("update"))
            {
                continue;
            }
            let index = about(INDEX);
            let message = if text == "update" {
                format!(
                    "`apk update` leaves the package index in this layer ({index}); `apk add --no-cache` fetches its own, so leave it out."
                )
            } else {
                format!(
                    "`apk {text}` leaves the package index in this layer ({index}); use `apk {text} --no-cache`."
                )
            };
            let mut finding = Finding::new(call(cx, &run, command, verb), message);
            if text != "update"
                && let Some(verb) = verb
            {
                finding.fixes.extend(fixes.flag(&run, command, verb, "--no-cache").and_then(|mut fix| {
                    // The index is fetched by the flag, and an update above it would be the next finding.
                    let update = commands[..at].iter().rposition(is_update);
                    if let Some(update) = update {
                        let range = commands[update].range.start..command.range.start;
                        let between = run.instruction.source().get(commands[update].range.end..range.end)?;
                        let joined = between.split_whitespace().filter(|word| *word != "\\").eq(["&&"]);
                        if update + 1 != at || !joined || !commands[update].wrappers.is_empty() {
                            return None;
                        }
                        let range = cx.file.absolute(run.number, range);
                        fix.edits.push(Edit { range, text: String::new() });
                        fix.title.push_str(" and leave `apk update` out");
                    }
                    Some(fix)
                }));
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn indexes_that_stay() {
        check(
            "S003",
            "\
FROM alpine:3.20
RUN apk update && apk add -q curl && x
                  ^^^^^^^ (~2.5 MB); use `apk add --no-cache`
RUN apk update && apk add --no-cache y
    ^^^^^^^^^^ leave it out
",
        );
        let at = |run: &str| lines("S003", &format!("FROM alpine\nRUN {run}\n"));
        for run in [
            "apk --no-cache add x",
            "apk update && apk add x && rm -rf /var/cache/apk/*",
            "apk add x; rm -rf /var/cache",
            "--mount=type=cache,target=/var/cache/apk apk add x",
            "apk del x",
            "apk info",
        ] {
            assert_eq!(at(run), [0; 0], "{run}");
        }
        assert_eq!(at("--mount=type=cache,target=/var/cache/foo apk add -U x"), [2]);
        assert_eq!(
            lines("S003", "FROM alpine AS b\nRUN apk add x\nFROM alpine\nCOPY --from=b /x /x\n"),
            [0; 0]
        );
    }

    #[test]
    fn fixes() {
        let text = "FROM a\nRUN apk update \\\n && apk upgrade\n";
        assert_eq!(fixed("S003", text), "FROM a\nRUN apk upgrade --no-cache\n");
        let same = "FROM a\nRUN apk update; apk add x\n";
        assert_eq!(fixed("S003", same), same);
        assert_eq!(fixed("S003", "FROM a\nRUN apk add -U x\n"), "FROM a\nRUN apk add --no-cache -U x\n");
        let same = "FROM a\nRUN [\"apk\", \"add\", \"x\"]\n";
        assert_eq!(fixed("S003", same), same);
    }
}
