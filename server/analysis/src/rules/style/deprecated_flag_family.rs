//! T023 `deprecated-flag-family`.

use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "deprecated-flag-family",
        code: "T023",
        severity: Severity::Info,
        equivalents: &["tally/ruby/deprecated-bundler-install-flags"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds flags that their programs have given up: `--without`, `--with`, `--deployment` and `--path` of `bundle
install`, and `--no-suggest` of composer. Ruby images below 2.7 are left alone: their Bundler knows no `config set`.

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

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, _) in cx.file.of_kind_or_trigger(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        for command in &facts.commands {
            let flags: &[&str] = match (command.name.as_str(), command.subcommand()) {
                ("bundle" | "bundler", Some("install")) if !has_old_bundler(cx, number) => {
                    &["--without", "--with", "--deployment", "--path"]
                }
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
                    cx.file.absolute(number, arg.range.clone()),
                    format!("`{}` has given up `{name}`; {instead}.", command.name),
                ));
            }
        }
    }
}

/// Whether the stage stands on a Ruby image whose Bundler is of version 1: those below 2.7.
fn has_old_bundler(cx: &FileCx<'_>, number: usize) -> bool {
    let Some(stage) = stages::of(cx, number).filter(|s| s.base.official && s.base.name == "ruby") else {
        return false;
    };
    let mut numbers = stage.base.tag.split(['.', '-']).map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < (2, 7))
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
FROM ruby:2.5.1
RUN bundle install --without test
",
        );
    }
}
