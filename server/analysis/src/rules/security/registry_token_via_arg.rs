//! X008 `registry-token-via-arg`.

use layerwise_model::eval::Command;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "registry-token-via-arg",
        code: "X008",
        severity: Severity::Error,
        equivalents: &["tally/ruby/prefer-secret-mounts-for-build-credentials"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds ARG and ENV that give Bundler the login of a gem server: `BUNDLE_GITHUB__COM`,
`BUNDLE_GEMS__EXAMPLE__COM`. Names with words such as `token` or `password` are found by `secret-in-arg-env`.

## Why it matters

The value of an ARG is in the history of the image, and that of ENV in its configuration. Whoever can pull the
image can log in to the server.

## Example

```dockerfile
FROM ruby:3.3
ARG BUNDLE_GITHUB__COM
RUN bundle install
```

## Use instead

```dockerfile
FROM ruby:3.3
RUN --mount=type=secret,id=gems,env=BUNDLE_GITHUB__COM bundle install
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let (names, step): (Vec<&str>, usize) = match &cx.step.command {
        Command::Env(pairs) => (pairs.iter().map(|(name, _)| name.as_str()).collect(), 3),
        // The global scope reaches no image.
        Command::Arg(args) if cx.step.state.in_stage => {
            (args.iter().map(|(name, _)| name.as_str()).collect(), 1)
        }
        _ => return,
    };
    for (name, word) in names.into_iter().zip(cx.instruction.args().iter().step_by(step)) {
        if !is_login(name) {
            continue;
        }
        let end = (word.range.start + name.len()).min(word.range.end);
        out.push(Finding::new(
            on_first_line(cx.instruction, &(word.range.start..end)),
            format!("`{name}` is the login of a gem server, and stays in the image where everyone who pulls it can read it; use `RUN --mount=type=secret,id=gems,env={name}`."),
        ));
    }
}

/// Bundler writes a dot of a server's name as two underscores. Of its settings some have a dot too.
fn is_login(name: &str) -> bool {
    let Some((first, _)) = name.strip_prefix("BUNDLE_").and_then(|rest| rest.split_once("__")) else {
        return false;
    };
    !["LOCAL", "BUILD", "PATH", "MIRROR", "DISABLE", "GEM", "PLUGINS", "SSL"].contains(&first)
        && !first.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn logins() {
        check(
            "X008",
            "\
ARG BUNDLE_GITHUB__COM
FROM ruby
ARG BUNDLE_GITHUB__COM=x
    ^^^^^^^^^^^^^^^^^^ login of a gem server
ENV A=b BUNDLE_GEMFURY__IO=u:t
        ^^^^^^^^^^^^^^^^^^ login
ENV BUNDLE_PATH=/x BUNDLE_LOCAL__RACK=/y BUNDLE_BUILD__NOKOGIRI=z BUNDLE_PATH__SYSTEM=1
",
        );
    }
}
