//! S014 `composer-dev-in-final`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::{Family, Manager, Purpose};
use layerwise_syntax::Keyword;

use super::layers::{chain, target};
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "composer-dev-in-final",
        code: "S014",
        severity: Severity::Warning,
        equivalents: &["tally/php/composer-no-dev-in-production"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `composer install` without `--no-dev` in the stages that the image is made of, and in stages whose `vendor` folder is
copied into them. Stages for tests and development are left alone.

## Why it matters

The packages under `require-dev`, PHPUnit and the like, ship with the image: more to pull, and more that can be attacked.

## Example

```dockerfile
FROM php:8.3-fpm
WORKDIR /app
COPY . .
RUN composer install
```

## Use instead

```dockerfile
FROM php:8.3-fpm
WORKDIR /app
COPY . .
RUN composer install --no-dev
```
";

/// Whether a value switches something on; see composer's documentation of COMPOSER_NO_DEV.
fn is_on(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off")
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(target) =
        target(cx).filter(|t| cx.facts.stages.get(*t).is_some_and(|f| f.purpose == Purpose::Final))
    else {
        return;
    };
    let chain = chain(cx);
    let mut stages: Vec<usize> = chain.to_vec();
    for stage in chain.iter().filter_map(|stage| cx.file.stages().get(*stage)) {
        for number in stage.body.clone() {
            if let Command::Copy(copy) = &cx.eval.step(number).command
                && let Source::Stage(from) = copy.from
                && copy.sources.iter().any(|source| source.trim_end_matches('/').ends_with("/vendor"))
                && !stages.contains(&from)
            {
                stages.push(from);
            }
        }
    }
    for stage in stages {
        let (Some(facts), Some(of)) = (cx.facts.stages.get(stage), cx.file.stages().get(stage)) else {
            continue;
        };
        if facts.base.family == Family::Windows
            || (stage != target && matches!(facts.purpose, Purpose::Test | Purpose::Development))
        {
            continue;
        }
        let mut found = Vec::new();
        for (number, _, instruction) in cx.file.instructions(of.body.clone()) {
            if instruction.kind() != Some(Keyword::Run) {
                continue;
            }
            let run = &cx.facts.instructions[number];
            for install in
                run.installs.iter().filter(|i| i.manager == Manager::Composer && i.verb == "install")
            {
                let command = &run.commands[install.command];
                let env = cx.eval.step(number).state.env.get("COMPOSER_NO_DEV");
                let own =
                    command.assignments.iter().find_map(|word| word.text.strip_prefix("COMPOSER_NO_DEV="));
                if command.has_flag(&["no-dev"]) {
                    // What a later install without them takes away is gone, if not from its layer.
                    found.clear();
                } else if !own.or(env).is_some_and(is_on) && !command.has_flag(&["help", "h", "dry-run"]) {
                    found.push((number, command));
                }
            }
        }
        for (number, command) in found {
            let Some(verb) = command.args.iter().find(|arg| arg.text == "install") else { continue };
            let range = cx.file.absolute(number, command.program.range.start..verb.range.end);
            let message =
                "`composer install` without `--no-dev` puts the packages of `require-dev` into the image.";
            let mut finding = Finding::new(range, message);
            let source = cx.file.instruction(number).1.source();
            if !command.exec && source.get(verb.range.clone()) == Some("install") {
                let at = cx.file.absolute(number, verb.range.end..verb.range.end);
                finding = finding.fix(Fix::replace("Add `--no-dev`", at, " --no-dev"));
            }
            out.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn development_packages() {
        check(
            "S014",
            "\
FROM composer AS vendor
RUN composer install --no-scripts
    ^^^^^^^^^^^^^^^^ without `--no-dev`
FROM php AS other
RUN composer install
FROM php
COPY --from=vendor /app/vendor /app/vendor
RUN [\"composer\", \"install\"]
     ^^^^^^^^^^^^^^^^^^^^^ without
",
        );
        for text in [
            "FROM php\nRUN composer install --no-dev",
            "FROM php\nENV COMPOSER_NO_DEV=1\nRUN composer install",
            "FROM php\nRUN COMPOSER_NO_DEV=1 composer install",
            "FROM php AS dev\nRUN composer install",
            "FROM php\nRUN composer install && phpunit && composer install --no-dev",
            "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN composer install",
        ] {
            assert_eq!(lines("S014", &format!("{text}\n")), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S014", "FROM php\nRUN composer -n install -o\n"),
            "FROM php\nRUN composer -n install --no-dev -o\n"
        );
    }
}
