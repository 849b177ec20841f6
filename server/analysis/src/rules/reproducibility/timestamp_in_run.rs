//! R020 `timestamp-in-run`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "timestamp-in-run",
        code: "R020",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds `$(date)` in RUN.

## Why it matters

The RUN is taken from the cache as long as its text and what it stands on are the same, and the date with it:
the date is that of some earlier build. Where the cache is cold, the layer is another one each time although
nothing changed.

## Example

```dockerfile
FROM alpine:3.20
RUN echo \"built $(date)\" > /build-info
```

## Use instead

```dockerfile
FROM alpine:3.20
ARG BUILD_DATE
RUN echo \"built $BUILD_DATE\" > /build-info
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in cx.facts.named("date") {
        let before = cx.instruction.source().get(..command.range.start).unwrap_or_default().trim_end();
        // Another date than now is asked for.
        if !before.ends_with(['(', '`'])
            || before.ends_with("((")
            || command.has_flag(&["d", "r", "f", "s", "date", "reference", "file", "set"])
        {
            continue;
        }
        out.push(Finding::new(
            command.range.clone(),
            "This is the date of the build that made the layer, and stays as long as the layer is in the cache; pass it as a build argument, or set it when the container starts.",
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn dates() {
        check(
            "R020",
            "\
FROM a
RUN echo $(date +%s) > /x && echo `date` && date
           ^^^^^^^^ the layer is in the cache
                                   ^^^^ build argument
RUN x=$(date -d @0) && touch -d \"$(date -r y)\" z
CMD echo $(date)
",
        );
    }
}
