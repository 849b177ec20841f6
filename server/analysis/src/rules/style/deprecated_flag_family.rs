//! T023 `deprecated-flag-family`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "deprecated-flag-family",
        code: "T023",
        severity: Severity::Info,
        equivalents: &["tally/ruby/deprecated-bundler-install-flags"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds flags that their programs have given up: `--without`, `--with`, `--deployment` and `--path` of `bundle
install`, and `--no-suggest` of composer.

## Why it matters

Bundler remembers these flags for later runs, warns about them, and drops them with version 4; `bundle config`
sets the same for good. Composer ignores `--no-suggest` since version 2.

## Example

```dockerfile
FROM ruby:3.3
RUN bundle install --without development
```

## Use instead

```dockerfile
FROM ruby:3.3
RUN bundle config set without development && bundle install
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    if cx.instruction.kind() != Some(Keyword::Run) {
        return;
    }
    for command in &cx.facts.commands {
        let flags: &[&str] = match (command.name.as_str(), command.subcommand()) {
            ("bundle" | "bundler", Some("install")) => &["--without", "--with", "--deployment", "--path"],
            ("composer", Some(_)) => &["--no-suggest"],
            _ => continue,
        };
        for arg in &command.args {
            let name = arg.text.split('=').next().unwrap_or_default();
            if !flags.contains(&name) {
                continue;
            }
            let instead = if name == "--no-suggest" {
                "leave it out".to_owned()
            } else {
                format!("write `bundle config set {}` before", name.trim_start_matches('-'))
            };
            out.push(Finding::new(
                arg.range.clone(),
                format!("`{}` has given up `{name}`; {instead}.", command.name),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn flags() {
        check(
            "T023",
            "\
FROM a
RUN bundle install --without=test --deployment -j4 && composer install --no-suggest
                   ^^^^^^^^^^^^^^ `bundle config set without`
                                  ^^^^^^^^^^^^ `bundle config set deployment`
                                                                       ^^^^^^^^^^^^ leave it out
RUN bundle config set deployment true && bundle exec x --path y
",
        );
    }
}
