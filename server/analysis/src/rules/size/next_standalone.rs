//! S044 `next-standalone`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::Purpose;
use layerwise_syntax::Keyword;

use super::layers::{starts_development, target};
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta { name: "next-standalone", code: "S044", severity: Severity::Hint, doc: DOC, ..Meta::DEFAULT },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds images of Next.js that take all of `.next` and `node_modules` from the stage that built them.

## Why it matters

With `output: 'standalone'` in next.config.js, the build traces which files the server needs and puts them, with the part of
`node_modules` that it uses, into `.next/standalone`. Images with that alone are often a fifth as big.

## Example

```dockerfile
FROM node:22-slim AS build
WORKDIR /app
COPY . .
RUN npm ci && npm run build
FROM node:22-slim
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/.next ./.next
COPY --from=build /app/package.json ./
CMD [\"npm\", \"start\"]
```

## Use instead

```dockerfile
FROM node:22-slim AS build
WORKDIR /app
COPY . .
RUN npm ci && npm run build
FROM node:22-slim
WORKDIR /app
COPY --from=build /app/.next/standalone ./
COPY --from=build /app/.next/static ./.next/static
CMD [\"node\", \"server.js\"]
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(last) = target(cx) else { return };
    if cx.facts.stages.get(last).is_none_or(|stage| stage.purpose != Purpose::Final) {
        return;
    }
    let Some(stage) = cx.file.stages().get(last) else { return };
    let (mut built, mut modules) = (None, false);
    for (number, _, _) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        // A server of one's own is not what the standalone output starts.
        if copy
            .sources
            .iter()
            .any(|source| matches!(source.rsplit('/').next(), Some("server.js" | "server.ts")))
        {
            return;
        }
        if !matches!(copy.from, Source::Stage(_)) {
            continue;
        }
        for source in &copy.sources {
            match source.trim_end_matches('/').rsplit('/').next() {
                Some(".next") => built = built.or(Some(number)),
                Some("node_modules") => modules = true,
                Some("standalone") => return,
                _ => {}
            }
        }
    }
    let installs = cx.facts.instructions[stage.body.clone()]
        .iter()
        .any(|facts| facts.installs.iter().any(|install| install.from_file && !install.global));
    let Some(number) = built.filter(|_| (modules || installs) && !starts_development(cx)) else { return };
    let message = "The image gets all of `.next` and of `node_modules`; with `output: 'standalone'` in next.config.js, `.next/standalone` and `.next/static` are all that the server needs.";
    out.push(Finding::new(cx.file.absolute(number, head(cx.file.instruction(number).1)), message));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn all_of_it() {
        check(
            "S044",
            "\
FROM node AS b
RUN next build
FROM node
COPY --from=b /app/.next ./.next
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ The image gets all of `.next`
COPY --from=b /app/node_modules ./node_modules
CMD [\"next\", \"start\"]
",
        );
        for text in [
            "COPY --from=b /app/.next/standalone ./\nCOPY --from=b /app/.next/static ./.next/static",
            "COPY --from=b /app/.next ./.next",
            "COPY --from=b /app/.next ./.next\nCOPY --from=b /app/node_modules ./\nCMD [\"next\", \"dev\"]",
            "COPY --from=b /app/.next ./.next\nCOPY --from=b /app/node_modules ./\nCOPY server.js ./",
            "COPY .next ./.next\nCOPY node_modules ./node_modules",
        ] {
            assert_eq!(lines("S044", &format!("FROM node AS b\nFROM node\n{text}\n")), [0; 0], "{text}");
        }
    }
}
