//! E115 `install-flag-mismatch`.

use layerwise_syntax::{Keyword, suggest};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "install-flag-mismatch",
        code: "E115",
        severity: Severity::Error,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds flags of one package manager given to another, and misspelt ones of apt: `apk add -y`, `apt-get install --no-cache`,
`yum install --no-install-recommends`.

## Why it matters

Package managers refuse flags that they do not know, so the RUN fails.

## Example

```dockerfile
FROM alpine:3.20
RUN apk add -y curl
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN apk add curl
```
";

/// Flags of apt that others are mistaken for.
const APT: [&str; 2] = ["--no-install-recommends", "--no-install-suggests"];

/// Sources: apk(8), apt-get(8), yum(8), dnf(8).
fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for install in &cx.facts.installs {
        let Some(command) = cx.facts.commands.get(install.command) else { continue };
        for arg in command.args.iter().filter(|arg| arg.literal && arg.is_flag()) {
            let text = arg.text.as_str();
            let instead = match command.name.as_str() {
                "apk" if matches!(text, "-y" | "--yes" | "--assume-yes" | "--assumeyes") => "",
                "apk" if APT.contains(&text) => "",
                "yum" | "dnf" if APT.contains(&text) => "--setopt=install_weak_deps=False",
                "apt-get" | "apt" if matches!(text, "--no-cache" | "--no-cache-dir") => "",
                "apt-get" | "apt" if text == "--no-recommends" => APT[0],
                "apt-get" | "apt" if !APT.contains(&text) => {
                    let meant = |flag: &&&str| {
                        flag.strip_prefix('-') == Some(text) || suggest::is_misspelling(text, flag)
                    };
                    match APT.iter().find(meant) {
                        Some(meant) => meant,
                        None => continue,
                    }
                }
                _ => continue,
            };
            let (way, title) = if instead.is_empty() {
                ("leave it out".to_owned(), format!("Drop `{text}`"))
            } else {
                (format!("write `{instead}`"), format!("Write `{instead}`"))
            };
            let message = format!("`{}` has no flag `{text}`, so this RUN fails; {way}.", command.name);
            let finding = Finding::new(arg.range.clone(), message);
            let before = cx.instruction.source().get(..arg.range.start).unwrap_or_default();
            let blank = before.len() - before.trim_end_matches([' ', '\t']).len();
            let start = if instead.is_empty() { arg.range.start - blank } else { arg.range.start };
            out.push(if command.exec || cx.facts.unclear {
                finding
            } else {
                finding.fix(Fix::replace(title, start..arg.range.end, instead))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed};

    #[test]
    fn finds() {
        check(
            "E115",
            "\
FROM a
RUN apk add -y curl
            ^^ `apk` has no flag `-y`
RUN apt-get install -y --no-install-recommend curl
                       ^^^^^^^^^^^^^^^^^^^^^^ write `--no-install-recommends`
RUN apt-get install -y -no-install-recommends curl
                       ^^^^^^^^^^^^^^^^^^^^^^ has no flag
RUN apt-get install -y --no-cache curl
                       ^^^^^^^^^^ leave it out
RUN apt-get install -y --no-install-recommends --no-install-suggests curl
RUN apk add --no-cache curl && yum install -y curl && pip install --no-cache x
",
        );
        assert_eq!(fixed("E115", "FROM a\nRUN apk add -y curl\n"), "FROM a\nRUN apk add curl\n");
        assert_eq!(
            fixed("E115", "FROM a\nRUN dnf install -y --no-install-recommends curl\n"),
            "FROM a\nRUN dnf install -y --setopt=install_weak_deps=False curl\n"
        );
    }
}
