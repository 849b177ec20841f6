//! C037 `buildkit-content-cache-note`.

use layerwise_model::eval::{Command, Source};
use layerwise_syntax::Keyword;

use super::support::{expensive, sources};
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "buildkit-content-cache-note",
        code: "C037",
        severity: Severity::Hint,
        // It explains the cache, and asks for nothing.
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Notes a COPY from a stage that every edit of the sources builds again, where a step below it takes long. It is a note, not a
fault.

## Why it matters

`COPY --from` is keyed by the content of what it takes, not by the steps that made it. If the stage runs again and the files
come out the same, byte for byte, the COPY and all below it stay cached. With a time, a random name or an absolute path in
them they never do.

## Example

```dockerfile
FROM node:22 AS manifest
WORKDIR /src
COPY . .
RUN node scripts/manifest.js > /requirements.txt

FROM python:3.12
COPY --from=manifest /requirements.txt /
RUN pip install --no-cache-dir -r /requirements.txt
```

## Use instead

Nothing, or the COPY below the step that takes long, if that does not read it:

```dockerfile
FROM node:22 AS manifest
WORKDIR /src
COPY . .
RUN node scripts/manifest.js > /manifest.json

FROM python:3.12
RUN pip install --no-cache-dir flask
COPY --from=manifest /manifest.json /
```
";

/// How many COPYs of a stage are followed to the stages that they take from.
const MAX_LOOKS: usize = 16;

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let copies = cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy]);
        let mut looked = 0;
        for (number, _, instruction) in copies {
            let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
            let Source::Stage(from) = copy.from else { continue };
            if looked == MAX_LOOKS {
                break;
            }
            looked += 1;
            let Some(other) = cx.file.stages().get(from) else { continue };
            let Some(brought) = other.body.clone().find(|n| sources(cx, *n).is_some()) else { continue };
            let below: Vec<usize> = cx
                .file
                .of_kind_in(number + 1..stage.body.end, &[Keyword::Run])
                .map(|(number, _, _)| number)
                .collect();
            let Some(run) = expensive(cx, &below) else { continue };
            let name = match &other.name {
                Some(name) => format!("`{name}`"),
                None => from.to_string(),
            };
            let message = format!(
                "An edit of what line {} copies builds stage {name} again; this COPY and the RUN of line {} stay cached all the same if {} byte for byte as before.",
                cx.file.line(brought),
                cx.file.line(run),
                match copy.sources.as_slice() {
                    [one] => format!("`{one}` comes out"),
                    _ => "what it takes comes out".to_owned(),
                }
            );
            out.push(Finding::new(cx.file.absolute(number, head(instruction)), message));
            // Those below are no news.
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn copies_above_long_steps() {
        check(
            "C037",
            "\
FROM a AS b
COPY . /src
RUN make
FROM python
COPY --from=b /r.txt /r.txt
^^^^^^^^^^^^^^^^^^^^^^^^^^^ An edit of what line 2 copies builds stage `b` again; this COPY and the RUN of line 6 stay cached
RUN pip install -r /r.txt
",
        );
        for text in [
            "FROM a AS b\nCOPY . /src\nFROM python\nRUN pip install x\nCOPY --from=b /r /r\n",
            "FROM a AS b\nRUN make\nFROM python\nCOPY --from=b /r /r\nRUN pip install x\n",
            "FROM a AS b\nCOPY . /src\nFROM python\nCOPY --from=b /r /r\nRUN ln -s a b\n",
        ] {
            assert_eq!(lines("C037", text), [0; 0], "{text}");
        }
    }
}
