//! E073 `script-crlf`.

use super::started_scripts::{started, treated};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "script-crlf",
        code: "E073",
        severity: Severity::Error,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds scripts of the build context that the image starts and whose first line ends in CRLF.

## Why it matters

The kernel takes the carriage return for a part of the interpreter's name: `/bin/sh\\r` is not there, and the container stops with \"no such file or directory\". Git on Windows makes such files; `*.sh text eol=lf` in `.gitattributes` keeps it from that.

## Example

The script was saved with CRLF:

```sh entrypoint.sh crlf
#!/bin/sh
exec \"$@\"
```

```dockerfile
FROM alpine:3.20
COPY entrypoint.sh /entrypoint.sh
ENTRYPOINT [\"/entrypoint.sh\"]
```

## Use instead

With line feeds alone:

```sh entrypoint.sh 0755
#!/bin/sh
exec \"$@\"
```

```dockerfile
FROM alpine:3.20
COPY entrypoint.sh /entrypoint.sh
ENTRYPOINT [\"/entrypoint.sh\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for script in started(cx) {
        let Some(text) = cx.context.and_then(|context| context.text(&script.source)) else { continue };
        let first = text.split_inclusive('\n').next().unwrap_or_default();
        // `sed -i 's/\\r//'` and its kin.
        let mended = ["dos2unix", "\\r", "\\015", "fromdos", "tr -d"];
        if !first.starts_with("#!") || !first.ends_with("\r\n") || treated(cx, script, &mended) {
            continue;
        }
        let interpreter = first.trim_start_matches("#!").trim();
        let message = format!(
            "`{}` has Windows line ends, so it asks for an interpreter `{interpreter}\\r`, which does not exist; save it with LF, and keep it so with `*.sh text eol=lf` in .gitattributes.",
            script.source
        );
        let place = cx.file.absolute(script.by, crate::ranges::head(cx.file.instruction(script.by).1));
        out.push(Finding::new(script.range.clone(), message).see(place, "It is copied here"));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count = |script: &str, text: &str| {
            with_texts("E073", &[("run.sh", script)], "", &format!("FROM a\n{text}\n")).len()
        };
        let start = "COPY run.sh /\nENTRYPOINT [\"/run.sh\"]";
        assert_eq!(count("#!/bin/sh\r\nx\r\n", start), 1);
        assert_eq!(count("#!/bin/sh\nx\r\n", start), 0);
        assert_eq!(count("x\r\n", start), 0);
        assert_eq!(
            count("#!/bin/sh\r\n", "COPY run.sh /\nRUN dos2unix /run.sh\nENTRYPOINT [\"/run.sh\"]"),
            0
        );
        assert_eq!(count("#!/bin/sh\r\n", "COPY run.sh /\nRUN sed -i 's/\\r$//' /run.sh\nCMD /run.sh"), 0);
        assert_eq!(count("#!/bin/sh\r\n", "COPY run.sh /\nRUN /run.sh"), 1);
    }
}
