//! S013 `bundler-cache-left`.

use layerwise_model::facts::{Command, Manager, Purpose};

use super::layers::{Fixes, call, mounted, runs, variable};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "bundler-cache-left",
        code: "S013",
        severity: Severity::Info,
        equivalents: &["tally/ruby/leftover-bundler-cache"],
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `bundle install` in the stages that an image of Ruby is made of, where the RUN does not delete the archives of the gems
that it has downloaded.

## Why it matters

Bundler keeps each `.gem` archive in the folder `cache` beside the gems that it was unpacked to. Nothing reads them in the
image.

## Example

```dockerfile
FROM ruby:3.3-slim
WORKDIR /app
COPY Gemfile Gemfile.lock ./
RUN bundle install
```

## Use instead

```dockerfile
FROM ruby:3.3-slim
WORKDIR /app
COPY Gemfile Gemfile.lock ./
RUN bundle install && rm -rf /usr/local/bundle/cache/*.gem
```
";

/// Whether a command deletes the archives, or what may hold them.
fn cleans(command: &Command) -> bool {
    match command.name.as_str() {
        "rm" | "find" => command
            .args
            .iter()
            .any(|arg| ["cache", "gem", "bundle", "*"].iter().any(|word| arg.text.contains(word))),
        "bundle" | "bundler" => command.subcommand() == Some("clean"),
        "gem" => command.subcommand() == Some("cleanup"),
        _ => false,
    }
}

/// The last RUN that deletes them.
fn last_cleaned_in(cx: &FileCx<'_>) -> Option<usize> {
    runs(cx).filter(|run| run.facts.commands.iter().any(cleans)).map(|run| run.number).last()
}

/// Whether the file says where the gems are.
fn is_configured(cx: &FileCx<'_>) -> bool {
    let words = ["bundle config", "BUNDLE_"];
    cx.file.all().any(|(_, _, i)| words.iter().any(|word| i.source().contains(word)))
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let (mut last_cleaned, mut configured) = (None, None);
    for run in runs(cx) {
        let Some(install) = run.facts.installs.iter().rfind(|install| install.manager == Manager::Bundle)
        else {
            continue;
        };
        let Some(stage) = run.stage.and_then(|stage| cx.facts.stages.get(stage)) else { continue };
        let name = stage.base.name.as_str();
        let has_ruby = ["ruby", "rails", "passenger"].iter().any(|word| name.contains(word))
            || stage
                .installed
                .iter()
                .any(|(manager, package)| manager.is_system() && package.starts_with("ruby"));
        let command = &run.facts.commands[install.command];
        let kept = run.facts.commands.iter().skip(install.command + 1).any(cleans)
            || mounted(run.instruction)
                .iter()
                .any(|target| ["bundle", "gem", "cache", "vendor"].iter().any(|word| target.contains(word)))
            || *last_cleaned.get_or_insert_with(|| last_cleaned_in(cx)) > Some(run.number);
        let development = matches!(stage.purpose, Purpose::Development | Purpose::Test);
        if !has_ruby || development || kept || run.facts.unclear || command.has_flag(&["local", "help"]) {
            continue;
        }
        let verb = command.args.iter().find(|arg| arg.text == install.verb);
        let message = "`bundle install` leaves the archives of the gems in this layer, in `cache` beside them; delete them in the same RUN.";
        let mut finding = Finding::new(call(cx, &run, command, verb), message);
        // Where the official images have their gems, unless something says otherwise.
        let moved = ["BUNDLE_PATH", "GEM_HOME", "BUNDLE_APP_CONFIG"]
            .iter()
            .any(|name| variable(cx, &run, name).is_some_and(|value| value != "/usr/local/bundle"))
            || command.has_flag(&["path", "deployment", "system"])
            || *configured.get_or_insert_with(|| is_configured(cx));
        if stage.base.official && name == "ruby" && !moved {
            finding.fixes.extend(fixes.append(&run, command, "rm -rf /usr/local/bundle/cache/*.gem"));
        }
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn archives_that_stay() {
        check(
            "S013",
            "\
FROM ruby:3.3 AS build
RUN bundle install
FROM ruby:3.3
RUN bundle config set without development && bundle install
                                             ^^^^^^^^^^^^^^ leaves the archives
",
        );
        for text in [
            "FROM ruby AS dev\nRUN bundle install\n",
            "FROM debian\nRUN bundle install\n",
            "FROM ruby\nRUN bundle install && rm -rf \"${BUNDLE_PATH}\"/ruby/*/cache\n",
            "FROM ruby\nRUN bundle install && bundle clean --force\n",
            "FROM ruby\nRUN bundle install\nRUN rm -rf /usr/local/bundle/cache\n",
            "FROM ruby\nRUN --mount=type=cache,target=/usr/local/bundle/cache bundle install\n",
            "FROM ruby\nRUN bundle exec rake\n",
        ] {
            assert_eq!(lines("S013", text), [0; 0], "{text}");
        }
        assert_eq!(lines("S013", "FROM debian\nRUN apt-get install -y ruby-dev\nRUN bundle install\n"), [3]);
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S013", "FROM ruby:3\nRUN bundle install\n"),
            "FROM ruby:3\nRUN bundle install && \\\n    rm -rf /usr/local/bundle/cache/*.gem\n"
        );
        let same = "FROM ruby:3\nENV BUNDLE_PATH=/gems\nRUN bundle install\n";
        assert_eq!(fixed("S013", same), same);
    }
}
