//! R017 `bundle-not-deployment`.

use layerwise_model::eval::Command;
use layerwise_model::facts::{Manager, Purpose, StageFacts};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "bundle-not-deployment",
        code: "R017",
        severity: Severity::Info,
        equivalents: &["tally/ruby/missing-bundle-deployment"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `bundle install` on a ruby image without `BUNDLE_DEPLOYMENT=1` or `BUNDLE_FROZEN=1`, the setting
`deployment` or `frozen`, or `--deployment`. Stages for development and tests are left alone, and such as get a Gemfile
and no Gemfile.lock.

## Why it matters

Then the build installs what is newest today instead of what was tested, and the lock file in the repository
says something else than what is in the image.

## Example

```dockerfile
FROM ruby:3.3
COPY Gemfile Gemfile.lock ./
RUN bundle install
```

## Use instead

```dockerfile
FROM ruby:3.3
ENV BUNDLE_DEPLOYMENT=1
COPY Gemfile Gemfile.lock ./
RUN bundle install
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (number, _, _) in cx.file.of_kind(&[Keyword::Run]) {
        let Some(facts) = cx.facts.instructions.get(number) else { continue };
        if !facts.installs.iter().any(|install| install.manager == Manager::Bundle) {
            continue;
        }
        let Some(stage) = stages::of(cx, number) else { continue };
        let ruby = stage.base.official && stage.base.name == "ruby";
        let env = &cx.eval.step(number).state.env;
        let on = |name: &str| env.get(name).is_some_and(|value| matches!(value, "1" | "true"));
        if !ruby
            || matches!(stage.purpose, Purpose::Development | Purpose::Test)
            || on("BUNDLE_DEPLOYMENT")
            || on("BUNDLE_FROZEN")
        {
            continue;
        }
        // With nothing but a Gemfile there is no lock file to keep to.
        if !may_have_lock(cx, stage, number) {
            continue;
        }
        let configured = stages::chain(cx, stage).take_while(|(other, _)| *other <= number).any(|(_, i)| {
            let source = i.source();
            source.contains("bundle config") && (source.contains("deployment") || source.contains("frozen"))
        });
        for install in facts.installs.iter().filter(|install| install.manager == Manager::Bundle) {
            let Some(command) = facts.commands.get(install.command) else { continue };
            let set = command
                .assignments
                .iter()
                .any(|a| a.text.starts_with("BUNDLE_DEPLOYMENT=") || a.text.starts_with("BUNDLE_FROZEN="));
            if configured || set || command.has_flag(&["deployment", "frozen"]) {
                continue;
            }
            out.push(Finding::new(
                cx.file.absolute(number, command.range.clone()),
                "Bundler may change Gemfile.lock here and install other versions than it says; write `ENV BUNDLE_DEPLOYMENT=1` before this RUN.",
            ));
        }
    }
}

/// Whether a lock file may be there: no COPY brings a Gemfile alone, or another one may bring the rest.
fn may_have_lock(cx: &FileCx<'_>, stage: &StageFacts, before: usize) -> bool {
    let mut alone = false;
    for (number, _) in stages::chain(cx, stage).take_while(|(other, _)| *other < before) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        for source in &copy.sources {
            match source.rsplit('/').next().unwrap_or(source) {
                "Gemfile" => alone = true,
                // A folder, a pattern or the lock file itself.
                name if !name.contains('.') || name == "." || name.contains("lock") || name.contains('*') => {
                    return true;
                }
                _ => {}
            }
        }
    }
    !alone
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn bundles() {
        for (rest, found) in [
            ("ENV BUNDLE_DEPLOYMENT=false\nRUN bundle install\n", vec![3]),
            ("ENV BUNDLE_DEPLOYMENT=1\nRUN bundle install\n", vec![]),
            ("RUN bundle config set --global deployment true\nRUN bundle install\n", vec![]),
            ("RUN bundle install --deployment && bundle exec x\n", vec![]),
            ("RUN BUNDLE_FROZEN=1 bundle install\n", vec![]),
            ("COPY Gemfile .\nRUN bundle install\n", vec![]),
            ("COPY Gemfile* .\nRUN bundle install\n", vec![3]),
            ("COPY Gemfile .\nCOPY Gemfile.lock .\nRUN bundle install\n", vec![4]),
        ] {
            assert_eq!(lines("R017", &format!("FROM ruby:3.3-slim\n{rest}")), found, "{rest}");
        }
        assert_eq!(lines("R017", "FROM ruby:3.3 AS dev\nRUN bundle install\n"), [0; 0]);
        assert_eq!(lines("R017", "FROM debian:12\nRUN bundle install\n"), [0; 0]);
    }
}
