//! T021 `redundant-jvm-flag`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "redundant-jvm-flag",
        code: "T021",
        severity: Severity::Hint,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds the flag `-XX:+UseContainerSupport` for the Java virtual machine.

## Why it matters

It has been the default since JDK 10 (8u191), so it changes nothing, and lets the reader believe that memory
limits are taken care of. `-XX:MaxRAMPercentage` says how much of the limit the heap may take.

## Example

```dockerfile
FROM eclipse-temurin:21-jre
ENTRYPOINT [\"java\", \"-XX:+UseContainerSupport\", \"-jar\", \"/app.jar\"]
```

## Use instead

```dockerfile
FROM eclipse-temurin:21-jre
ENTRYPOINT [\"java\", \"-XX:MaxRAMPercentage=75\", \"-jar\", \"/app.jar\"]
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if !matches!(
        cx.instruction.kind(),
        Some(Keyword::Env | Keyword::Cmd | Keyword::Entrypoint | Keyword::Run)
    ) || cx.onbuild
    {
        return;
    }
    let flag = "-XX:+UseContainerSupport";
    if let Some(at) = cx.instruction.source().find(flag) {
        let text = format!("`{flag}` has been the default since JDK 10 and 8u191; leave it out.");
        out.push(Finding::new(at..at + flag.len(), text).unneeded());
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn flags() {
        assert_eq!(
            lines(
                "T021",
                "FROM a\nENV JAVA_OPTS=\"-XX:+UseContainerSupport -Xmx1g\"\nCMD java -XX:-UseContainerSupport\n"
            ),
            [2]
        );
    }
}
