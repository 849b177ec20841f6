//! X018 `ssh-server`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "ssh-server", code: "X018", severity: Severity::Info, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds an SSH server in the image that is built: the package `openssh-server`, or EXPOSE of port 22.

## Why it matters

A server for logins means keys or passwords in the image, and a second way in that nobody watches. `docker exec`
and `kubectl exec` give a shell without any.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y openssh-server
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y curl
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some((_, stage)) = stages::shipped(cx) else { return };
    // One finding tells it.
    for (number, instruction) in stages::chain(cx, stage) {
        let range = match instruction.kind() {
            Some(Keyword::Expose) => {
                let port = |text: &str| text == "22" || text.eq_ignore_ascii_case("22/tcp");
                instruction.args().iter().find(|word| port(&word.value)).map(|word| word.range.clone())
            }
            Some(Keyword::Run) => {
                let installs = cx.facts.instructions.get(number).map_or(&[][..], |facts| &facts.installs);
                let mut packages =
                    installs.iter().filter(|i| i.manager.is_system()).flat_map(|i| &i.packages);
                packages.find(|package| package.name == "openssh-server").map(|package| package.range.clone())
            }
            _ => None,
        };
        if let Some(range) = range {
            let text = "An SSH server is a second way into the container, with keys or passwords of its own; leave it out, and use `docker exec` or `kubectl exec`.";
            out.push(Finding::new(cx.file.absolute(number, range), text));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn servers() {
        check(
            "X018",
            "\
FROM a
EXPOSE 80 22/tcp
          ^^^^^^ SSH server
RUN apt-get install -y openssh-server
",
        );
        assert_eq!(lines("X018", "FROM a\nEXPOSE 2222\nRUN apk add openssh-client\n"), [0; 0]);
        assert_eq!(lines("X018", "FROM a AS dev\nEXPOSE 22\n"), [0; 0]);
    }
}
