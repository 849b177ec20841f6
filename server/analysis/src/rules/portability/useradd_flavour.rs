//! P007 `useradd-flavour`.

use layerwise_model::facts::{Command, Family};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "useradd-flavour",
        code: "P007",
        severity: Severity::Error,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds commands for users that the base image does not have: `useradd`, `groupadd` and `usermod` on Alpine
without the package `shadow`, and flags of BusyBox such as `adduser -S` and `-D` or `addgroup -S` on Debian and
Ubuntu.

## Why it matters

The RUN fails: Alpine has BusyBox' `adduser` and `addgroup`, Debian has another `adduser` with other flags.

## Example

```dockerfile
FROM alpine:3.20
RUN useradd -r app
```

## Use instead

```dockerfile
FROM alpine:3.20
RUN adduser -S app
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number).filter(|facts| !facts.unclear) else { continue };
        let Some(stage) = stages::of(cx, number) else { continue };
        let names = ["useradd", "groupadd", "usermod", "groupmod", "adduser", "addgroup"];
        if !facts.commands.iter().any(|command| names.contains(&command.name.as_str())) {
            continue;
        }
        let source = instruction.source();
        if source.contains("||") || source.contains("if ") || source.contains("busybox") {
            continue;
        }
        for command in facts.commands.iter().filter(|command| command.top_level) {
            let message = match stage.base.family {
                Family::Alpine
                    if stage.base.name != "composer"
                        && stage.installed_known
                        && !stage.has_package("shadow") =>
                {
                    shadow(command)
                }
                Family::Debian | Family::Ubuntu if !stage.has_package("busybox") => busybox(command),
                _ => None,
            };
            if let Some(message) = message.filter(|_| !stages::base_is_chosen(cx, stage)) {
                out.push(Finding::new(cx.file.absolute(number, command.program.range.clone()), message));
            }
        }
    }
}

/// What Alpine lacks.
fn shadow(command: &Command) -> Option<String> {
    let instead = match command.name.as_str() {
        "useradd" => "`adduser -D` (`-S` for a system user)",
        "groupadd" => "`addgroup` (`-S` for a system group)",
        "usermod" | "groupmod" => "`addgroup USER GROUP`, or install `shadow`",
        _ => return None,
    };
    Some(format!("Alpine has no `{}`, so this RUN fails; write {instead}.", command.name))
}

/// Flags that only BusyBox has.
fn busybox(command: &Command) -> Option<String> {
    if !matches!(command.name.as_str(), "adduser" | "addgroup") {
        return None;
    }
    let flag = command.args.iter().find(|arg| {
        let letters =
            arg.text.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-'));
        letters.is_some_and(|letters| {
            letters.chars().all(|c| "SDHGhgsu".contains(c)) && letters.contains(['S', 'D', 'H', 'G'])
        })
    })?;
    Some(format!(
        "`{} {}` is BusyBox' flag, and Debian's `{}` refuses it, so this RUN fails; write `useradd --system` or `groupadd --system`.",
        command.name, flag.text, command.name
    ))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn flavours() {
        check(
            "P007",
            "\
FROM alpine:3.20
RUN groupadd x && useradd -r y && adduser -S z
    ^^^^^^^^ `addgroup`
                  ^^^^^^^ `adduser -D`
FROM alpine:3.20
RUN apk add shadow && useradd x
FROM debian:12
RUN addgroup -S a && adduser -S -G a b && adduser --system c && adduser --uid 1 d
    ^^^^^^^^ BusyBox' flag
                     ^^^^^^^ `adduser -S`
FROM unknown
RUN useradd x
",
        );
    }
}
