//! P003 `wrong-package-manager`.

use layerwise_model::facts::Family;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "wrong-package-manager",
        code: "P003",
        severity: Severity::Error,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a package manager that the base image does not have: apk on Debian, apt-get on Alpine, Fedora and Red Hat,
dnf on Ubuntu and so on. Images that are not known, conditions and `||` are left alone.

## Why it matters

The RUN fails with \"not found\".

## Example

```dockerfile
FROM python:3.12-slim
RUN apk add --no-cache curl
```

## Use instead

```dockerfile
FROM python:3.12-slim
RUN apt-get update && apt-get install -y curl
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, instruction) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number).filter(|facts| !facts.commands.is_empty()) else {
            continue;
        };
        let Some(stage) = stages::of(cx, number) else { continue };
        let (has, own): (&[&str], &str) = match stage.base.family {
            Family::Debian | Family::Ubuntu => (&["apt-get", "apt"], "apt-get"),
            Family::Alpine => (&["apk"], "apk"),
            Family::RedHat => (&["yum", "dnf", "microdnf"], "dnf or yum"),
            Family::Fedora => (&["dnf", "yum"], "dnf"),
            Family::Suse => (&["zypper"], "zypper"),
            Family::Arch => (&["pacman"], "pacman"),
            _ => continue,
        };
        let source = instruction.source();
        let is_manager = |name: &str| {
            matches!(name, "apt-get" | "apt" | "apk" | "dnf" | "yum" | "microdnf" | "zypper" | "pacman")
        };
        if !facts.commands.iter().any(|c| is_manager(&c.name) && !has.contains(&c.name.as_str())) {
            continue;
        }
        // Who asks what there is knows what to do.
        if ["||", "command -v", "which ", "type ", "if "].iter().any(|word| source.contains(word)) {
            continue;
        }
        for command in &facts.commands {
            let name = command.name.as_str();
            let manager = is_manager(name);
            let brought = ["apt", "apk-tools", "dnf", "yum", "zypper", "pacman"]
                .iter()
                .any(|package| stage.has_package(package));
            if !manager
                || has.contains(&name)
                || !command.top_level
                || brought
                || command.program.text.contains('/')
            {
                continue;
            }
            out.push(Finding::new(
                cx.file.absolute(number, command.program.range.clone()),
                format!(
                    "`{}:{}` has no `{name}`, so this RUN fails; its package manager is {own}.",
                    stage.base.name, stage.base.tag
                ),
            ));
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn managers() {
        check(
            "P003",
            "\
FROM python:3.12-slim
RUN x && apk add y && apk add z
         ^^^ its package manager is apt-get
FROM node:22-alpine
RUN apt-get update
    ^^^^^^^ `node:22-alpine` has no `apt-get`
RUN apt-get update || apk update
RUN if [ -x /usr/bin/apt ]; then apt-get update; fi
FROM unknown
RUN apk add x
FROM rockylinux:9
RUN dnf install x && yum install y
",
        );
    }
}
