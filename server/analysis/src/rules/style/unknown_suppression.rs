//! T091 `unknown-suppression`: found by the checker itself, which reads the comments.

use crate::diagnostic::Severity;
use crate::rules::{Check, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "unknown-suppression",
        code: "T091",
        severity: Severity::Hint,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Suppressions,
};

const DOC: &str = "\
## What it does

Finds names in `# layerwise: ignore[...]` and `# layerwise: ignore-file[...]` comments that no rule has, and comments that
start with `# layerwise:` and are of neither form.

## Why it matters

The comment switches nothing off.

## Example

```dockerfile
FROM alpine:3.20
# layerwise: ignore[maintaner] the registry wants it
MAINTAINER ann@example.com
```

## Use instead

```dockerfile
FROM alpine:3.20
# layerwise: ignore[maintainer] the registry wants it
MAINTAINER ann@example.com
```
";
