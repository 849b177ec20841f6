//! C016 `run-mixes-stable-and-volatile`.

use layerwise_syntax::{Form, Keyword};

use super::support::{actions, expensive, is_plain, shown, whole_context};
use crate::actions::reorder_copy::shape;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "run-mixes-stable-and-volatile",
        code: "C016",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a RUN below a COPY of all sources that first installs packages of the distribution and then works with the sources.

## Why it matters

The step is cached as a whole: every edit of a source file installs the packages again. In a RUN of their own above the
COPY they stay cached. Steps that take packages away again at their end are left alone, since that frees space only in one
and the same layer.

## Example

```dockerfile
FROM debian:bookworm
WORKDIR /src
COPY . .
RUN apt-get update && apt-get install -y build-essential && make
```

## Use instead

```dockerfile
FROM debian:bookworm
WORKDIR /src
RUN apt-get update && apt-get install -y build-essential
COPY . .
RUN make
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let Some(copy) = stage.body.clone().find(|n| whole_context(cx, *n).is_some()) else { continue };
        // The first RUN below: what comes later may need what an earlier one made.
        let run = (copy + 1..stage.body.end).find(|n| cx.file.instruction(*n).1.kind() == Some(Keyword::Run));
        // What installs dependencies too is `copy-source-before-deps`.
        let Some(run) = run.filter(|run| shape(&actions(cx), stage, copy).is_none_or(|s| s.last < *run))
        else {
            continue;
        };
        out.extend(mixed(cx, copy, run));
    }
}

fn mixed(cx: &FileCx<'_>, copy: usize, run: usize) -> Option<Finding> {
    let (_, instruction) = cx.file.instruction(run);
    let facts = &cx.facts.instructions[run];
    if instruction.form() != Form::Shell || facts.unclear || !instruction.flags().is_empty() {
        return None;
    }
    expensive(cx, &[run])?;
    let commands = instruction.script()?.simple_commands();
    let takes_away = commands.iter().any(|c| {
        ["del", "purge", "remove", "autoremove", "erase"].iter().any(|verb| c.has(verb))
            || c.name() == Some("pacman")
    });
    let first = commands.iter().position(|c| !is_plain(c))?;
    let install = facts.installs.iter().find(|i| i.manager.is_system() && !i.packages.is_empty())?;
    if takes_away || install.command >= first || !commands.iter().take(first + 1).all(|c| c.top_level) {
        return None;
    }
    if install.packages.iter().any(|p| p.is_path || !p.literal) {
        return None;
    }
    let (stable, next) = (facts.commands.get(install.command)?, facts.commands.get(first)?);
    // Setting up another source of packages is part of installing.
    if matches!(
        next.name.as_str(),
        "curl" | "wget" | "echo" | "apt-key" | "add-apt-repository" | "gpg" | "rm" | "ln" | "locale-gen" | ""
    ) || facts.installs.iter().any(|i| i.manager.is_system() && i.command > first)
    {
        return None;
    }
    let message = format!(
        "`{}` runs again whenever any file changes, because it shares a RUN with `{}`, which works with what line {} copies; put it into a RUN of its own above that line.",
        shown(cx, run, stable),
        shown(cx, run, next),
        cx.file.line(copy)
    );
    let place = |n: usize| cx.file.absolute(n, head(cx.file.instruction(n).1));
    Some(Finding::new(place(run), message).see(place(copy), "Everything is copied here."))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn installs_beside_builds() {
        check(
            "C016",
            "\
FROM node:22-alpine
WORKDIR /app
COPY . .
RUN apk add --no-cache git && npm run build
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `apk add --no-cache git` runs again whenever any file changes, because it shares a RUN with `npm run build`, which works with what line 3 copies
",
        );
        for text in [
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN apk add gcc && make && apk del gcc\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN make && apk add gcc\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN apk add gcc\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN apk add ca-certificates && update-ca-certificates\n",
            "FROM node\nWORKDIR /x\nCOPY . .\nRUN apk add git && npm ci && npm run build\n",
            "FROM a\nWORKDIR /x\nRUN apk add gcc && make\nCOPY . .\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN ./configure\nRUN apk add gcc && make\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN apk add $(cat packages) && make\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN apt-get install -y curl && curl x | bash && apt-get install -y y && make\n",
        ] {
            assert_eq!(lines("C016", text), [0; 0], "{text}");
        }
    }
}
