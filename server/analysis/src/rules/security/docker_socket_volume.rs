//! X021 `docker-socket-volume`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "docker-socket-volume",
        code: "X021",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds VOLUME of the Docker socket.

## Why it matters

Whoever can write to the socket is root on the host. VOLUME does not even mount it: it makes an empty volume at
that path, which hides a socket that is missing.

## Example

```dockerfile
FROM docker:27
VOLUME /var/run/docker.sock
```

## Use instead

```dockerfile
FROM docker:27
CMD [\"docker\", \"version\"]
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Volume) {
        return;
    }
    for word in cx.instruction.args().iter().filter(|word| word.value.ends_with("/docker.sock")) {
        out.push(Finding::new(
            word.range.clone(),
            format!("VOLUME makes an empty volume at `{}` and no socket, and the socket would make the container root on the host; delete it, and mount the socket where the container is started if it must be.", word.value),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn sockets() {
        assert_eq!(
            lines(
                "X021",
                "FROM a\nVOLUME /data /run/docker.sock\nVOLUME [\"/var/run/docker.sock\"]\nVOLUME /x\n"
            ),
            [2, 3]
        );
    }
}
