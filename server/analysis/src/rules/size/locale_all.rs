//! S050 `locale-all`.

use layerwise_model::facts::Manager;

use super::layers::runs;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "locale-all", code: "S050", severity: Severity::Hint, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds packages that hold everything of a kind, in the stages that the image is made of: `locales-all`, `texlive-full`,
`texlive-scheme-full`, `glibc-all-langpacks`.

## Why it matters

They are hundreds of megabytes, TeX Live even several gigabytes, and a program uses one locale and some packages of TeX.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends locales-all && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM debian:12
ENV LANG=C.UTF-8
```
";

/// What to install instead of a package.
fn instead(package: &str) -> Option<&'static str> {
    match package {
        "locales-all" => {
            Some("it has every locale, some 220 MB; `LANG=C.UTF-8` needs none, and `localedef` makes one")
        }
        "glibc-all-langpacks" => {
            Some("it has every locale, some 220 MB; `glibc-langpack-en` has one language")
        }
        "texlive-full" | "texlive-scheme-full" => Some(
            "it has all of TeX Live, several gigabytes; `texlive-latex-extra` is enough for most documents",
        ),
        _ => None,
    }
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for run in runs(cx) {
        let system = run
            .facts
            .installs
            .iter()
            .filter(|i| matches!(i.manager, Manager::Apt | Manager::Dnf | Manager::Apk));
        for package in system.flat_map(|install| &install.packages) {
            let Some(instead) = instead(&package.name) else { continue };
            let message = format!("`{}` is more than an image needs: {instead}.", package.name);
            out.push(Finding::new(cx.file.absolute(run.number, package.range.clone()), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn everything_of_a_kind() {
        check(
            "S050",
            "\
FROM debian AS build
RUN apt-get install -y texlive-full
FROM debian
RUN apt-get install -y locales texlive-full
                               ^^^^^^^^^^^^ several gigabytes
",
        );
    }
}
