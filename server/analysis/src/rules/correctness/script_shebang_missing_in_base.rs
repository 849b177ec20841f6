//! E074 `script-shebang-missing-in-base`.

use layerwise_model::facts::base::Tool;

use super::started_scripts::{started, treated};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "script-shebang-missing-in-base",
        code: "E074",
        severity: Severity::Error,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds scripts of the build context that the image starts with `bash`, where the image has none and nothing installs it.

## Why it matters

Alpine's shell is BusyBox ash, and distroless images have no shell at all. The script does not start: \"no such file or directory\", although the script is there.

## Example

```sh entrypoint.sh 0755
#!/bin/bash
exec \"$@\"
```

```dockerfile
FROM alpine:3.20
COPY entrypoint.sh /entrypoint.sh
ENTRYPOINT [\"/entrypoint.sh\"]
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add --no-cache bash
COPY entrypoint.sh /entrypoint.sh
ENTRYPOINT [\"/entrypoint.sh\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for script in started(cx) {
        let Some(text) = cx.context.and_then(|context| context.text(&script.source)) else { continue };
        let Some(line) = text.lines().next().and_then(|line| line.strip_prefix("#!")) else { continue };
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        let name = if program.ends_with("/env") { words.next().unwrap_or_default() } else { program };
        let facts = &cx.facts.stages[script.stage];
        let bash = name.rsplit('/').next() == Some("bash");
        let missing = bash && facts.base.has(Tool::Bash) == Some(false);
        // `-S` and the like come with programs of which nothing is known.
        if !missing || !facts.installed_known || facts.has_package("bash") || treated(cx, script, &["bash"]) {
            continue;
        }
        let copied = super::image_files::earlier(cx, script.stage, usize::MAX)
            .any(|number| cx.file.instruction(number).1.source().contains("bash"));
        if copied {
            continue;
        }
        let message = format!(
            "`{}` starts with `#!{line}`, and `{}:{}` has no bash; install it or write the script for `/bin/sh`.",
            script.source, facts.base.name, facts.base.tag
        );
        out.push(Finding::new(script.range.clone(), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count = |first: &str, text: &str| {
            with_texts(
                "E074",
                &[("run.sh", first)],
                "",
                &format!("{text}\nCOPY run.sh /\nENTRYPOINT [\"/run.sh\"]\n"),
            )
            .len()
        };
        assert_eq!(count("#!/bin/bash\n", "FROM alpine"), 1);
        assert_eq!(count("#!/usr/bin/env bash\n", "FROM node:22-alpine"), 1);
        assert_eq!(count("#!/bin/sh\n", "FROM alpine"), 0);
        assert_eq!(count("#!/bin/bash\n", "FROM alpine\nRUN apk add bash"), 0);
        assert_eq!(count("#!/bin/bash\n", "FROM debian:12"), 0);
        assert_eq!(count("#!/bin/bash\n", "FROM team/alpine"), 0);
    }
}
