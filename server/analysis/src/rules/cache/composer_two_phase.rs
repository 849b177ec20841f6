//! C035 `composer-two-phase`.

use super::support::{FirstUse, actions, first_uses, report_use};
use crate::actions::reorder_copy::shape;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "composer-two-phase",
        code: "C035",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `composer install` below a COPY of all sources where no step has installed the packages before.

## Why it matters

An edit of any source file runs the step again, and it downloads every package again. Only the autoloader and the scripts
need the sources: with `--no-scripts --no-autoloader` the packages can be installed from composer.json and composer.lock
alone, and `composer dump-autoload` does the rest.

## Example

```dockerfile
FROM composer:2
WORKDIR /app
COPY . .
RUN composer install --no-dev
```

## Use instead

```dockerfile
FROM composer:2
WORKDIR /app
COPY composer.json composer.lock ./
RUN composer install --no-dev --no-scripts --no-autoloader
COPY . .
RUN composer dump-autoload --optimize
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for used in first_uses(cx, false) {
        let command = used.command;
        let found = matches!(command.name.as_str(), "composer" | "composer.phar")
            && command.subcommand() == Some("install")
            && cx.context.is_none_or(|c| c.incomplete.is_some() || c.get("composer.json").is_some())
            && !has_reordered(cx, &used);
        if found && used.is_first(cx, &["composer", "composer.phar"]) {
            out.push(report_use(cx, &used, "every package is downloaded again each time; copy `composer.json` and `composer.lock` first, run `composer install --no-scripts --no-autoloader`, and `composer dump-autoload` after the rest is copied"));
        }
    }
}

/// Whether `copy-source-before-deps` finds it, and mends it.
fn has_reordered(cx: &FileCx<'_>, used: &FirstUse<'_>) -> bool {
    let stage = cx.file.stages().get(used.stage);
    stage.and_then(|stage| shape(&actions(cx), stage, used.copy)).is_some()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn installs_with_the_sources() {
        check(
            "C035",
            "\
FROM php
WORKDIR /app
COPY . .
RUN composer install --no-dev
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ every package is downloaded again
",
        );
        let text = "FROM php\nCOPY . /x\nWORKDIR /x\nRUN composer config a b && composer install && composer clear-cache\n";
        assert_eq!(lines("C035", text).len(), 1);
        for text in [
            "FROM php\nWORKDIR /x\nCOPY composer.* ./\nRUN composer install --no-scripts --no-autoloader\nCOPY . .\nRUN composer install\n",
            "FROM php\nWORKDIR /x\nCOPY . .\nRUN composer install --no-scripts --no-autoloader\n",
            "FROM php\nWORKDIR /x\nCOPY . .\nRUN --mount=type=cache,target=/tmp/cache composer install\n",
            "FROM composer AS v\nCOPY composer.json .\nRUN composer install\nFROM php\nCOPY . .\nCOPY --from=v /x/vendor vendor\nRUN composer install\n",
        ] {
            assert_eq!(lines("C035", text), [0; 0], "{text}");
        }
    }
}
