//! T013 `wget-progress`.

use layerwise_model::facts::Family;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "wget-progress",
        code: "T013",
        severity: Severity::Hint,
        equivalents: &["DL3047"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `wget` in RUN that prints its progress: without `-q`, `-nv`, `--progress`, or a file for its messages.

## Why it matters

Each line of the progress bar goes to the build log, hundreds of them for a large file, and hides what matters
there.

## Example

```dockerfile
FROM debian:12
RUN wget https://example.com/big.tar.gz
```

## Use instead

```dockerfile
FROM debian:12
RUN wget --progress=dot:giga https://example.com/big.tar.gz
```
";

const QUIET: [&str; 10] =
    ["q", "quiet", "nv", "no-verbose", "progress", "o", "output-file", "a", "append-output", "help"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, _) in cx.file.of_kind_or_trigger(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        for command in facts.named("wget") {
            let short = |arg: &str| arg.starts_with("-nv") || arg == "-V";
            if command.has_flag(&QUIET)
                || command.args.iter().any(|arg| short(&arg.text))
                || command.args.is_empty()
            {
                continue;
            }
            // BusyBox has no `--progress`.
            let stage = stages::of(cx, number);
            let small = stage.is_some_and(|stage| {
                matches!(stage.base.family, Family::Alpine | Family::Busybox) && !stage.has_package("wget")
            });
            let flag = if small { "-q" } else { "--progress=dot:giga" };
            let mut finding = Finding::new(
                cx.file.absolute(number, command.program.range.clone()),
                format!("`wget` fills the build log with its progress here; add `{flag}`."),
            );
            if !command.exec && !facts.unclear {
                let end = cx.file.absolute(number, command.program.range.clone()).end;
                finding = finding.fix(Fix::replace(format!("Add `{flag}`"), end..end, format!(" {flag}")));
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{fixed, lines};

    #[test]
    fn progress() {
        for (script, found) in [
            ("wget my.xyz", true),
            ("x && wget -O a my.xyz | y", true),
            ("wget --progress=dot:giga my.xyz", false),
            ("wget -nv my.xyz", false),
            ("wget -qO- my.xyz", false),
            ("wget -nvO a my.xyz", false),
            ("wget -a /tmp/x my.xyz", false),
            ("apt-get install wget", false),
        ] {
            assert_eq!(
                !lines("T013", &format!("FROM a\nONBUILD RUN {script}\n")).is_empty(),
                found,
                "{script}"
            );
        }
        assert_eq!(fixed("T013", "FROM alpine\nRUN wget x\n"), "FROM alpine\nRUN wget -q x\n");
        assert_eq!(fixed("T013", "RUN wget x \\\n -O y\n"), "RUN wget --progress=dot:giga x \\\n -O y\n");
    }
}
