//! E112 `onbuild-base-surprise`.

use layerwise_model::eval::Base;
use layerwise_model::facts::BaseFacts;

use crate::diagnostic::Severity;
use crate::ranges::on_first_line;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "onbuild-base-surprise",
        code: "E112",
        severity: Severity::Info,
        fix: FixClass::None,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds official images whose tag says `onbuild`.

## Why it matters

Such an image runs instructions of its own right behind FROM, such as COPY of the whole context and an install, which the
file does not show. Docker's official images have not been given such tags for years, so these get no updates either.

## Example

```dockerfile
FROM node:8-onbuild
EXPOSE 8888
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /usr/src/app
COPY package.json ./
RUN npm install
COPY . .
EXPOSE 8888
```
";

/// Source: the issue of docker-library/official-images that deprecates `onbuild` tags.
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for (stage, evaluated) in cx.file.stages().iter().zip(&cx.eval.stages) {
        let Base::Image(reference) = &evaluated.base else { continue };
        if !reference.contains("onbuild") {
            continue;
        }
        let base = BaseFacts::of(reference);
        let instruction = cx.file.instruction(stage.from).1;
        let Some(word) = instruction.args().first() else { continue };
        if !base.official || !base.tag.split('-').any(|part| part == "onbuild") {
            continue;
        }
        out.push(Finding::new(
            cx.file.absolute(stage.from, on_first_line(instruction, &word.range)),
            format!(
                "`{0}:{1}` runs COPY and RUN instructions of its own here, which this file does not show, and it gets no updates any more; take a plain `{0}` image and write them out.",
                base.name, base.tag
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::check;

    #[test]
    fn finds() {
        check(
            "E112",
            "\
FROM python:3-onbuild
     ^^^^^^^^^^^^^^^^ runs COPY and RUN instructions of its own
FROM golang:onbuild AS x
     ^^^^^^^^^^^^^^ a plain `golang` image
FROM team/app:onbuild
FROM node:20
",
        );
    }
}
