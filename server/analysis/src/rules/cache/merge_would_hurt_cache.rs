//! C017 `merge-would-hurt-cache`.

use super::support::{chief, shown};
use crate::diagnostic::Severity;
use crate::rules::size::consecutive_runs::pairs;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "merge-would-hurt-cache",
        code: "C017",
        severity: Severity::Hint,
        // The file is right as it is: a note for those who want to merge RUNs.
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Notes RUNs that look as if they could be merged with the one above, but are better kept apart: the upper one takes long, and
the lower one does something of its own. It is a note, not a fault; `consecutive-runs` says nothing there.

## Why it matters

A RUN is cached as a whole. Apart, an edit of the lower command runs that alone; merged, it runs the upper one again, too. A
layer saved is a few hundred bytes.

## Example

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
```

## Use instead

Nothing, or one RUN where both are edited together:

```dockerfile
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci && npm run build
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for pair in pairs(cx) {
        let Some(seconds) = pair.again else { continue };
        let (Some(upper), Some(lower)) = (chief(cx, pair.number - 1), chief(cx, pair.number)) else {
            continue;
        };
        // No more than an order of magnitude is known.
        let rounded = if seconds < 10.0 { seconds.round() } else { (seconds / 10.0).round() * 10.0 };
        let message = format!(
            "Keep this RUN apart from that of line {}: merged, each edit of `{}` would run `{}` again, about {rounded} s.",
            cx.file.line(pair.number - 1),
            shown(cx, pair.number, lower),
            shown(cx, pair.number - 1, upper),
        );
        let range = cx.file.instruction(pair.number).1.keyword().range.clone();
        let above = cx.file.range(pair.number - 1);
        out.push(Finding::new(cx.file.absolute(pair.number, range), message).see(above, "The RUN above"));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn better_apart() {
        check(
            "C017",
            "\
FROM node
RUN npm ci
RUN npm run build
^^^ merged, each edit of `npm run build` would run `npm ci` again, about 20 s
",
        );
        for text in [
            "FROM node\nRUN useradd a\nRUN npm ci\n",
            "FROM node\nRUN npm ci\nRUN rm -rf /root/.npm\n",
            "FROM node\nRUN npm ci\nCOPY a b\nRUN npm run build\n",
            "FROM node\nRUN --network=none npm ci\nRUN npm run build\n",
        ] {
            assert_eq!(lines("C017", text), [0; 0], "{text}");
        }
    }
}
