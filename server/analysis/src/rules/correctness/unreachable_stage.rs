//! E010 `unreachable-stage` and E011 `test-stage-never-built`.

use layerwise_model::facts::{Command, Purpose};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static STAGE: Rule = Rule {
    meta: Meta {
        name: "unreachable-stage",
        code: "E010",
        severity: Severity::Hint,
        equivalents: &["tally/no-unreachable-stages"],
        doc: STAGE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(unreachable),
};

pub(super) static TEST: Rule = Rule {
    meta: Meta {
        name: "test-stage-never-built",
        code: "E011",
        severity: Severity::Info,
        doc: TEST_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(tests_never_built),
};

const STAGE_DOC: &str = "\
## What it does

Finds stages that the image does not need and that nobody would build alone: without a name, or named like a step on the way
(`build`, `deps`). A stage with another name may be a target of its own.

## Why it matters

BuildKit skips such a stage. Mostly a `COPY --from` is missing, or the last FROM should have been this stage's name.

## Example

```dockerfile
FROM golang:1.24 AS build
RUN go build -o /app .
FROM alpine:3.20
CMD [\"/app\"]
```

## Use instead

```dockerfile
FROM golang:1.24 AS build
RUN go build -o /app .
FROM alpine:3.20
COPY --from=build /app /app
CMD [\"/app\"]
```
";

const TEST_DOC: &str = "\
## What it does

Finds stages that run tests or checks and that the image does not need.

## Why it matters

BuildKit skips what the target does not need, so a plain `docker build` succeeds whether the tests pass or not. They run only
with `--target`.

## Example

```dockerfile
FROM golang:1.24 AS build
RUN go build -o /app .
FROM build AS test
RUN go test ./...
FROM alpine:3.20
COPY --from=build /app /app
```

## Use instead

Let the last stage take something from the stage that tests, or build it with `docker build --target test` in CI:

```dockerfile
FROM golang:1.24 AS build
RUN go build -o /app .
FROM build AS test
RUN go test ./... && touch /tested
FROM alpine:3.20
COPY --from=test /tested /tested
COPY --from=build /app /app
```
";

/// Words in the names of stages that make something for another one.
const ON_THE_WAY: [&str; 14] = [
    "build",
    "builder",
    "building",
    "compile",
    "compiler",
    "deps",
    "dependencies",
    "install",
    "installer",
    "downloader",
    "download",
    "fetch",
    "fetcher",
    "unused",
];

/// The stages that the target does not need.
fn unneeded(cx: &FileCx<'_>) -> Vec<usize> {
    let mut needed = vec![false; cx.file.stages().len()];
    crate::rules::built_stages(cx.eval).for_each(|(index, _)| needed[index] = true);
    if cx.eval.target.is_none() {
        return Vec::new();
    }
    (0..needed.len()).filter(|&index| !needed[index]).collect()
}

fn is_on_the_way(name: &str) -> bool {
    name.split(['-', '_', '.']).any(|word| ON_THE_WAY.contains(&word))
}

fn unreachable(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let unneeded = unneeded(cx);
    if unneeded.is_empty() {
        return;
    }
    // What a stage that may be a target needs is needed.
    let mut needed = vec![true; cx.file.stages().len()];
    unneeded.iter().for_each(|&index| needed[index] = false);
    let mut open: Vec<usize> = unneeded
        .iter()
        .copied()
        .filter(|&index| cx.file.stages()[index].name.as_deref().is_some_and(|name| !is_on_the_way(name)))
        .collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut needed[index], true) {
            open.extend(cx.eval.stages[index].deps.iter().map(|&(dep, _)| dep));
        }
    }
    let last = cx.eval.target.map_or(0, |target| cx.file.line(cx.file.stages()[target].from));
    for index in unneeded.into_iter().filter(|&index| !needed[index]) {
        let stage = &cx.file.stages()[index];
        let range = cx.file.absolute(stage.from, head(cx.file.instruction(stage.from).1));
        let what = match &stage.name {
            Some(name) => format!("Nothing takes anything from stage `{name}`"),
            None => "Nothing takes anything from this stage".to_owned(),
        };
        let message = format!(
            "{what}, so BuildKit skips it: the image is made from line {last}; copy from it with `COPY --from`, or delete it."
        );
        out.push(Finding::new(range, message).unneeded());
    }
}

fn tests_never_built(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for index in unneeded(cx) {
        let stage = &cx.file.stages()[index];
        let by_name = cx.facts.stages.get(index).is_some_and(|facts| facts.purpose == Purpose::Test);
        let test = stage.body.clone().find_map(|number| {
            let is_run = cx.file.instruction(number).1.kind() == Some(Keyword::Run);
            let command = cx.facts.instructions[number].commands.iter().find(|c| is_run && is_test(c))?;
            Some((number, command))
        });
        let Some((number, command)) = test else { continue };
        // A stage of another kind may test on its way.
        if !by_name && stage.name.as_deref().is_none_or(is_on_the_way) {
            continue;
        }
        let name = stage.name.as_deref().unwrap_or("this stage");
        let range = cx.file.absolute(number, command.range.clone());
        let message = format!(
            "A plain `docker build` does not run these tests: nothing that the image needs depends on stage `{name}`; build it with `--target {name}`."
        );
        out.push(Finding::new(range, message));
    }
}

/// Whether a command runs tests or checks.
fn is_test(command: &Command) -> bool {
    let first = command.subcommand().unwrap_or_default();
    match command.name.as_str() {
        "pytest" | "tox" | "nox" | "ctest" | "jest" | "mocha" | "vitest" | "eslint" | "flake8" | "pylint"
        | "mypy" | "ruff" | "golangci-lint" | "rspec" | "phpunit" | "rubocop" | "shellcheck" | "tsc" => true,
        "go" | "cargo" | "dotnet" | "deno" | "bun" | "swift" | "mix" | "sbt" | "lein" | "flutter" => {
            matches!(first, "test" | "vet" | "clippy")
        }
        "npm" | "yarn" | "pnpm" => {
            let script = command.operands().find(|arg| arg.text != "run").map_or("", |arg| arg.text.as_str());
            script.split(':').next().is_some_and(|word| matches!(word, "test" | "t" | "lint" | "check"))
        }
        "make" | "mvn" | "mvnw" | "gradle" | "gradlew" | "rake" | "just" => {
            command.operands().any(|arg| matches!(arg.text.as_str(), "test" | "check" | "verify" | "lint"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn stages() {
        check(
            "E010",
            "\
FROM a AS build
^^^^^^^^^^^^^^^ Nothing takes anything from stage `build`
FROM b
^^^^^^ Nothing takes anything from this stage
FROM c AS deps
FROM deps AS worker
FROM d AS final
",
        );
        assert_eq!(lines("E010", "FROM a AS build\nFROM b\nCOPY --from=build x y\n"), [0; 0]);
        assert_eq!(lines("E010", "FROM a\nFROM b\nCOPY --from=0 x y\n"), [0; 0]);
        assert_eq!(lines("E010", "FROM a\n"), [0; 0]);
    }

    #[test]
    fn test_stages() {
        check(
            "E011",
            "\
FROM a AS build
RUN go test ./...
FROM build AS test
RUN npm ci && npm run test:unit
              ^^^^^^^^^^^^^^^^^ with `--target test`
FROM build AS lint
RUN echo
FROM build AS final
",
        );
        assert_eq!(lines("E011", "FROM a AS test\nRUN pytest\nFROM b\nCOPY --from=test /x /y\n"), [0; 0]);
    }
}
