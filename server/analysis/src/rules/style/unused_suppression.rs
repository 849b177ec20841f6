//! T090 `unused-suppression`: found by the checker itself, which knows what a comment switches off.

use crate::diagnostic::Severity;
use crate::rules::{Check, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "unused-suppression",
        code: "T090",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Suppressions,
};

const DOC: &str = "\
## What it does

Finds names in `# layerwise: ignore[...]` and `# layerwise: ignore-file[...]` comments whose rules find nothing there. Rules
that did not run are left alone.

## Why it matters

What the comment was written for is gone. It would hide the next mistake of that kind at this place.

## Example

```dockerfile
FROM alpine:3.20
# layerwise: ignore[maintainer] the registry wants it
LABEL org.opencontainers.image.authors=\"ann@example.com\"
```

## Use instead

```dockerfile
FROM alpine:3.20
LABEL org.opencontainers.image.authors=\"ann@example.com\"
```
";
