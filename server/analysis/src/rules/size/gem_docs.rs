//! S012 `gem-docs`.

use layerwise_model::facts::{BaseFacts, Family, Manager};

use super::layers::{Fixes, call, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "gem-docs",
        code: "S012",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `gem install` in the stages that the image is made of, where neither a flag nor a gemrc says that no documentation is
wanted. The official images of Ruby have such a gemrc.

## Why it matters

RubyGems makes the pages of `ri` for each gem that it installs. That takes time with every build, and nobody reads them in
the image.

## Example

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends ruby && rm -rf /var/lib/apt/lists/*
RUN gem install rake -v 13.2.1
```

## Use instead

```dockerfile
FROM debian:12
RUN apt-get update && apt-get install -y --no-install-recommends ruby && rm -rf /var/lib/apt/lists/*
RUN gem install --no-document rake -v 13.2.1
```
";

/// Flags that say what documentation is wanted.
const SAID: [&str; 8] = ["no-document", "no-doc", "no-ri", "no-rdoc", "N", "document", "ri", "rdoc"];

/// Whether RubyGems of such an image, or installed there, makes documentation unless it is told not to.
fn documents(base: &BaseFacts) -> bool {
    let with_gemrc = base.official && matches!(base.name.as_str(), "ruby" | "jruby" | "redmine" | "fluentd");
    // Alpine's Ruby comes without rdoc.
    let family = matches!(
        base.family,
        Family::Debian | Family::Ubuntu | Family::RedHat | Family::Fedora | Family::Suse | Family::Arch
    );
    family && !with_gemrc
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut gemrc = None;
    for run in runs(cx) {
        let mut found: Option<Finding> = None;
        for install in run.facts.installs.iter().filter(|install| install.manager == Manager::Gem) {
            let command = &run.facts.commands[install.command];
            let base = run.stage.and_then(|stage| cx.facts.stages.get(stage)).map(|stage| &stage.base);
            // A variable may hold the flag.
            let computed = command.args.iter().any(|arg| !arg.literal && arg.text.starts_with(['$', '"']));
            if command.has_flag(&SAID)
                || (computed && install.packages.iter().all(|package| !package.literal))
                || !base.is_some_and(documents)
                || *gemrc.get_or_insert_with(|| cx.file.all().any(|(_, _, i)| i.source().contains("gemrc")))
            {
                continue;
            }
            let verb = command.args.iter().find(|arg| arg.text == install.verb);
            let message = "`gem install` makes documentation of each gem, which stays in this layer; pass `--no-document`.";
            let fix = verb.and_then(|verb| fixes.flag(&run, command, verb, "--no-document"));
            match &mut found {
                // One word for all of a RUN.
                Some(finding) => match (finding.fixes.first_mut(), fix) {
                    (Some(all), Some(fix)) => all.edits.extend(fix.edits),
                    _ => finding.fixes.clear(),
                },
                None => {
                    let mut finding = Finding::new(call(cx, &run, command, verb), message);
                    finding.fixes.extend(fix);
                    found = Some(finding);
                }
            }
        }
        out.extend(found);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn documentation() {
        check(
            "S012",
            "\
FROM ubuntu AS build
RUN gem install a
FROM ubuntu
RUN apt-get install -y ruby && gem install bundler -v 2
                               ^^^^^^^^^^^ pass `--no-document`
RUN gem update --system
",
        );
        for text in [
            "FROM ruby:3.3\nRUN gem install a\n",
            "FROM example.com/ruby\nRUN gem install a\n",
            "FROM alpine\nRUN apk add ruby && gem install a\n",
            "FROM debian\nRUN gem install --no-document a\n",
            "FROM debian\nRUN gem install a --no-ri --no-rdoc\n",
            "FROM debian\nRUN gem install -N a\n",
            "FROM debian\nRUN echo 'gem: --no-document' > /etc/gemrc\nRUN gem install a\n",
        ] {
            assert_eq!(lines("S012", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S012", "FROM debian\nRUN gem install a && gem install b\n"),
            "FROM debian\nRUN gem install --no-document a && gem install --no-document b\n"
        );
    }
}
