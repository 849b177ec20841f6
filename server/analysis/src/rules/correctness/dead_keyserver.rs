//! E109 `dead-keyserver`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dead-keyserver",
        code: "E109",
        severity: Severity::Error,

        fix: FixClass::Suggestion,

        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds key servers that are gone: the SKS pool and its names.

## Why it matters

The pool `sks-keyservers.net` was closed in June 2021 and its names lead nowhere, so that fetching the key fails.

## Example

```dockerfile
FROM debian:12
RUN gpg --keyserver ha.pool.sks-keyservers.net --recv-keys 0123
```

## Use instead

```dockerfile
FROM debian:12
RUN gpg --keyserver keyserver.ubuntu.com --recv-keys 0123
```
";

/// Names of the pool and of what pointed to it.
const DEAD: [&str; 3] = ["sks-keyservers.net", "keys.gnupg.net", "subkeys.pgp.net"];

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    // Where several servers are tried one after the other, a dead one does not stop the build.
    let text = cx.instruction.source();
    if DEAD.iter().all(|dead| !text.contains(dead))
        || text.contains("keyserver.ubuntu.com")
        || text.contains("keys.openpgp.org")
    {
        return;
    }
    for command in &cx.facts.commands {
        if !matches!(command.name.as_str(), "gpg" | "gpg2" | "apt-key" | "dirmngr" | "pacman-key") {
            continue;
        }
        // The next server is tried: what fails is the last of them.
        let behind = text.get(command.range.end..).unwrap_or_default();
        if behind.trim_start_matches(|c: char| c.is_whitespace() || c == '\\').starts_with("||") {
            continue;
        }
        for arg in &command.args {
            let Some(dead) = DEAD.iter().find(|dead| arg.text.contains(*dead)) else { continue };
            let message = format!(
                "The key servers of `{dead}` are gone, so this fails; use keyserver.ubuntu.com or keys.openpgp.org."
            );
            let finding = Finding::new(arg.range.clone(), message);
            let host = cx.instruction.source().get(arg.range.clone()).and_then(|raw| {
                let end = raw.find(dead)? + dead.len();
                let start = raw[..end].rfind(['/', '"', '\'', '=']).map_or(0, |at| at + 1);
                Some(arg.range.start + start..arg.range.start + end)
            });
            out.push(match host {
                Some(host) if !cx.facts.unclear => {
                    finding.fix(Fix::replace("Use keyserver.ubuntu.com", host, "keyserver.ubuntu.com"))
                }
                _ => finding,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn finds() {
        let text = "FROM a\nRUN gpg --keyserver hkp://p80.pool.sks-keyservers.net:80 --recv-keys X\nRUN gpg --keyserver keyserver.ubuntu.com --recv-keys X\nRUN gpg --keyserver ha.pool.sks-keyservers.net X || gpg --keyserver keyserver.ubuntu.com X\n";
        assert_eq!(lines("E109", text), [2]);
        let text = "FROM a\nRUN gpg --keyserver ha.pool.sks-keyservers.net --recv-keys X \\\n  || gpg --keyserver pgp.mit.edu --recv-keys X\n";
        assert_eq!(lines("E109", text), [0; 0]);
        assert_eq!(
            fixed("E109", "FROM a\nRUN gpg --keyserver hkp://p80.pool.sks-keyservers.net:80 --recv-keys X\n"),
            "FROM a\nRUN gpg --keyserver hkp://keyserver.ubuntu.com:80 --recv-keys X\n"
        );
    }
}
