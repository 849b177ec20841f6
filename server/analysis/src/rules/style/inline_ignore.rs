//! T016 `inline-ignore`.

use layerwise_syntax::Block;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "inline-ignore",
        code: "T016",
        severity: Severity::Info,
        equivalents: &["DL1001"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds comments that switch rules off: `# hadolint ignore=`, `# layerwise ignore=` and `# check=skip=`.

## Why it matters

Some teams want every exception in their configuration, where it is reviewed, and none in the file.

## Example

```dockerfile
FROM alpine:3.20
# hadolint ignore=DL3018
RUN apk add curl
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add curl
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for placed in cx.file.parsed().layer().blocks() {
        let (Block::Comment(text) | Block::Directive(_, text)) = &placed.block else { continue };
        let Some(words) = text.trim().strip_prefix('#') else { continue };
        if !is_pragma(words.trim_start()) {
            continue;
        }
        let start = placed.start + (text.len() - text.trim_start().len());
        out.push(Finding::new(
            start..start + text.trim().len(),
            "This comment switches rules off in the file; name the exception in the configuration instead.",
        ));
    }
}

fn is_pragma(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("check=") {
        return rest.split(';').any(|part| part.trim_start().starts_with("skip="));
    }
    let Some(rest) = ["hadolint", "layerwise", "tally"].iter().find_map(|tool| text.strip_prefix(tool))
    else {
        return false;
    };
    let rest = rest.trim_start_matches([':', ' ', '\t']);
    let rest = rest.strip_prefix("global").map_or(rest, str::trim_start);
    rest.strip_prefix("ignore").is_some_and(|rest| rest.trim_start().starts_with(['=', '[']))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn comments() {
        let text = "# check=skip=all\n# hadolint shell=powershell\nFROM a\n#hadolint global ignore=DL1\nRUN x\n  # layerwise ignore=T1\nRUN y # hadolint ignore=DL1\n# ignore=x\n";
        assert_eq!(lines("T016", &text.replace("skip=all", "skip=X")), [1, 4, 6]);
    }
}
