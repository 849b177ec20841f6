//! X008 `registry-token-via-arg`.

use layerwise_model::facts::Purpose;
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::stages;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "registry-token-via-arg",
        code: "X008",
        severity: Severity::Error,
        equivalents: &["tally/ruby/prefer-secret-mounts-for-build-credentials"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
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

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let logins = || {
        cx.file.of_kind(&[Keyword::Arg, Keyword::Env]).flat_map(|(number, _, instruction)| {
            let arg = instruction.kind() == Some(Keyword::Arg);
            instruction.args().iter().step_by(if arg { 1 } else { 3 }).filter_map(move |word| {
                let name = if arg { word.value.split('=').next().unwrap_or_default() } else { &word.value };
                is_login(name).then_some((number, instruction, arg, name, word))
            })
        })
    };
    for (number, instruction, arg, name, word) in logins() {
        let in_stage = cx.file.stage_of(number).is_some();
        // Of an ARG before the first FROM that a stage declares again, that one is enough; and nobody gives a value to one
        // where no image is built with Bundler.
        let again =
            || logins().any(|(at, _, arg, other, _)| arg && other == name && cx.file.stage_of(at).is_some());
        if !in_stage && (again() || !uses_bundler(cx)) {
            continue;
        }
        let kept = match (arg, in_stage) {
            (true, false) => "stays in the provenance of the build",
            _ => "stays in the image where everyone who pulls it can read it",
        };
        let end = (word.range.start + name.len()).min(word.range.end);
        let range = on_first_line(instruction, &(word.range.start..end));
        out.push(Finding::new(
            cx.file.absolute(number, range),
            format!("`{name}` is the login of a gem server, and {kept}; use `RUN --mount=type=secret,id=gems,env={name}`."),
        ));
    }
}

/// Whether a stage that is not for development or tests runs Bundler.
fn uses_bundler(cx: &FileCx<'_>) -> bool {
    cx.file.of_kind(&[Keyword::Run]).any(|(number, _, _)| {
        cx.facts.instructions[number].named("bundle").next().is_some()
            && stages::of(cx, number)
                .is_some_and(|stage| !matches!(stage.purpose, Purpose::Development | Purpose::Test))
    })
}

/// Bundler writes a dot of a server's name as two underscores and a dash as three. Its settings have names with dots too, and
/// some with underscores, which no server has.
fn is_login(name: &str) -> bool {
    let Some(host) = name.strip_prefix("BUNDLE_").map(|rest| rest.replace("___", "-")) else { return false };
    let labels: Vec<&str> = host.split("__").collect();
    labels.len() > 1
        && labels.iter().all(|label| !label.is_empty() && !label.contains('_'))
        && !["LOCAL", "BUILD", "PATH", "MIRROR", "DISABLE", "GEM", "PLUGINS", "SSL", "CACHE", "CREDENTIAL"]
            .contains(&labels[0])
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn logins() {
        check(
            "X008",
            "\
ARG BUNDLE_GITHUB__COM BUNDLE_GEMS__EXAMPLE__COM
                       ^^^^^^^^^^^^^^^^^^^^^^^^^ provenance
FROM ruby
ARG BUNDLE_GITHUB__COM=x
    ^^^^^^^^^^^^^^^^^^ login of a gem server
RUN bundle install
ENV A=b BUNDLE_GEMFURY__IO=u:t
        ^^^^^^^^^^^^^^^^^^ login
ENV BUNDLE_MY___GEMS__EXAMPLE__COM=u:t
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ login
ENV BUNDLE_PATH=/x BUNDLE_LOCAL__RACK=/y BUNDLE_BUILD__NOKOGIRI=z BUNDLE_PATH__SYSTEM=1 BUNDLE_IGNORE_MESSAGES__RACK=1
",
        );
    }
}
