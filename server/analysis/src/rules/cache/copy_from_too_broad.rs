//! C021 `copy-from-too-broad`.

use layerwise_model::eval::{Command, Copy, Source};
use layerwise_model::facts::{Purpose, command::Command as Shell};
use layerwise_model::gopath::path_clean;

use super::support::{inside, shown, whole_context};
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-from-too-broad",
        code: "C021",
        severity: Severity::Hint,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a COPY that takes the whole working directory of a stage that was given all sources and built them, into the final
image.

## Why it matters

`COPY --from` is keyed by the content of what it takes. With the whole directory, that is every source file, test and page
of documentation: a change in any of them makes the layer anew, although what was built came out the same. And all of it
lies in the image. Taking what was built alone keeps the step cached and the image small.

## Example

```dockerfile
FROM node:22 AS build
WORKDIR /app
COPY . .
RUN npm run build

FROM nginx:1.27
COPY --from=build /app /usr/share/nginx/html
```

## Use instead

```dockerfile
FROM node:22 AS build
WORKDIR /app
COPY . .
RUN npm run build

FROM nginx:1.27
COPY --from=build /app/dist /usr/share/nginx/html
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        if cx.facts.stages.get(stage.index).is_none_or(|s| s.purpose != Purpose::Final) {
            continue;
        }
        for number in stage.body.clone() {
            let Command::Copy(copy @ Copy { from: Source::Stage(from), .. }) = &cx.eval.step(number).command
            else {
                continue;
            };
            if copy.excludes.is_empty() {
                out.extend(broad(cx, stage.index, number, copy, *from));
            }
        }
    }
}

fn broad(cx: &FileCx<'_>, into: usize, number: usize, copy: &Copy, from: usize) -> Option<Finding> {
    let [source] = copy.sources.as_slice() else { return None };
    let source = path_clean(&format!("/{source}"));
    let stage = cx.file.stages().get(from)?;
    let (sources, dest) = stage.body.clone().find_map(|n| {
        whole_context(cx, n).map(|c| (n, path_clean(&c.dest_path))).filter(|(_, dest)| inside(dest, &source))
    })?;
    let (run, command, output) = (sources + 1..stage.body.end).find_map(|n| {
        let facts = &cx.facts.instructions[n];
        facts.commands.iter().find_map(|c| output(c).map(|o| (n, c, o)))
    })?;
    // A server in JavaScript may need anything of it.
    let base = |stage: usize| cx.facts.stages.get(stage).map(|s| s.base.name.as_str());
    if output == "dist" && !base(into).is_some_and(|name| STATIC.iter().any(|server| name.contains(server))) {
        return None;
    }
    let dir = if dest == "/" { "" } else { dest.as_str() };
    let message = format!(
        "This takes all of {source} from the stage, the sources of line {} too, so that any change of them makes the layer anew; take what `{}` on line {} built, such as `{dir}/{output}`.",
        cx.file.line(sources),
        shown(cx, run, command),
        cx.file.line(run)
    );
    let range = cx.file.absolute(number, head(cx.file.instruction(number).1));
    let at = cx.file.absolute(sources, head(cx.file.instruction(sources).1));
    Some(Finding::new(range, message).see(at, "All sources are copied here."))
}

/// Images that serve files, and run no JavaScript.
const STATIC: [&str; 7] = ["nginx", "httpd", "caddy", "busybox", "static", "lighttpd", "apache"];

/// Where a build puts what it makes, beside what it was made of.
fn output(command: &Shell) -> Option<&'static str> {
    let sub = command.subcommand();
    let second = command.operands().nth(1).map(|a| a.text.as_str());
    match (command.name.as_str(), sub, second) {
        ("npm" | "pnpm" | "yarn" | "bun", Some("run"), Some("build"))
        | ("yarn" | "pnpm", Some("build"), _) => Some("dist"),
        ("mvn" | "mvnw", ..) if command.has("package") || command.has("install") || command.has("verify") => {
            Some("target")
        }
        ("gradle" | "gradlew", ..)
            if command.operands().any(|a| matches!(a.text.as_str(), "build" | "assemble" | "bootJar")) =>
        {
            Some("build/libs")
        }
        ("cargo", Some("build"), _) => Some("target/release"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn whole_directories_of_builds() {
        check(
            "C021",
            "\
FROM maven:3 AS build
WORKDIR /src
COPY . .
RUN mvn -B package
FROM eclipse-temurin:21
COPY --from=build /src /app
^^^^^^^^^^^^^^^^^^^^^^^^^^^ This takes all of /src from the stage, the sources of line 3 too
",
        );
        let from = |run: &str, copy: &str| {
            lines("C021", &format!("FROM a AS b\nWORKDIR /app\nCOPY . .\nRUN {run}\nFROM nginx\n{copy}\n"))
                .len()
        };
        assert_eq!(from("npm run build", "COPY --from=b /app/ /app"), 1);
        assert_eq!(from("yarn build", "COPY --from=0 /app ."), 1);
        assert_eq!(from("npm run build", "COPY --from=b /app/dist /app"), 0);
        assert_eq!(from("npm ci", "COPY --from=b /app /app"), 0);
        assert_eq!(from("npm run build", "COPY --from=b /out /app"), 0);
        assert_eq!(from("npm run build", "COPY --from=b /app /app\nFROM c"), 0);
        assert_eq!(
            lines(
                "C021",
                "FROM a AS b\nWORKDIR /app\nCOPY src .\nRUN yarn build\nFROM a\nCOPY --from=b /app /app\n"
            ),
            [0; 0]
        );
    }
}
