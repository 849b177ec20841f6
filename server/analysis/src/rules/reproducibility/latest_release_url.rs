//! R022 `latest-release-url`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "latest-release-url",
        code: "R022",
        severity: Severity::Info,
        supersedes: &["non-hermetic-run"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds downloads of the latest release of a project on GitHub, in RUN and ADD.

## Why it matters

The same file downloads another version tomorrow, and nothing in it says which one is in the image. As long as
the layer is in the cache it stays at the old one.

## Example

```dockerfile
FROM alpine:3.20
RUN wget -q https://github.com/mikefarah/yq/releases/latest/download/yq_linux_amd64 -O /usr/bin/yq
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN wget -q https://github.com/mikefarah/yq/releases/download/v4.44.3/yq_linux_amd64 -O /usr/bin/yq
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let mut found = |text: &str, range: &std::ops::Range<usize>| {
        if text.contains("/releases/latest") && !text.contains(char::is_whitespace) {
            out.push(Finding::new(
                range.clone(),
                "This URL gives whatever version is newest when the layer is built; name one, with an ARG if it changes often.",
            ));
        }
    };
    match cx.instruction.kind() {
        Some(Keyword::Add) => cx.instruction.args().iter().for_each(|word| found(&word.value, &word.range)),
        Some(Keyword::Run) => {
            let fetches =
                cx.facts.commands.iter().filter(|c| matches!(c.name.as_str(), "curl" | "wget" | "aria2c"));
            fetches.flat_map(|command| &command.args).for_each(|word| found(&word.text, &word.range));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn urls() {
        check(
            "R022",
            "\
FROM a
RUN V=$(curl -s https://api.github.com/repos/a/b/releases/latest | jq -r .tag_name) && echo /releases/latest
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ newest
ADD https://github.com/a/b/releases/latest/download/c /
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ name one
",
        );
    }
}
