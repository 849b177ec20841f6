//! E005 `copy-from-unknown-stage`, E006 `copy-from-self`, E008 `copy-from-later-stage` and E009
//! `numeric-stage-reference`: what `--from` and `from=` name.

use std::collections::HashSet;

use layerwise_model::eval::Source;
use layerwise_model::facts::{BaseFacts, Family};
use layerwise_model::images;
use layerwise_syntax::{Keyword, suggest};

use super::stage_references::{Reference, references};
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static UNKNOWN: Rule = Rule {
    meta: Meta {
        name: "copy-from-unknown-stage",
        code: "E005",
        severity: Severity::Error,
        equivalents: &["DL3022"],
        fix: FixClass::Suggestion,
        supersedes: &["syntax-error"],
        doc: UNKNOWN_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(unknown),
};

pub(super) static SELF: Rule = Rule {
    meta: Meta {
        name: "copy-from-self",
        code: "E006",
        severity: Severity::Error,
        equivalents: &["DL3023"],
        supersedes: &["syntax-error"],
        doc: SELF_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(own),
};

pub(super) static LATER: Rule = Rule {
    meta: Meta {
        name: "copy-from-later-stage",
        code: "E008",
        severity: Severity::Error,
        equivalents: &["DL3022"],
        supersedes: &["syntax-error"],
        doc: LATER_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(later),
};

pub(super) static NUMBER: Rule = Rule {
    meta: Meta {
        name: "numeric-stage-reference",
        code: "E009",
        severity: Severity::Info,
        fix: FixClass::Safe,
        doc: NUMBER_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(number),
};

const UNKNOWN_DOC: &str = "\
## What it does

Finds `--from` of COPY and `from=` of mounts that name no stage and do not look like an image: no tag, no registry, no
well-known name. Files with several such names are made for `docker build --build-context`, and nothing is said of those but
misspellings of stages.

## Why it matters

The builder takes such a name for an image of Docker Hub, and tries to pull it.

## Example

```dockerfile
FROM golang:1.24 AS builder
RUN go build -o /app .
FROM scratch
COPY --from=bulider /app /app
```

## Use instead

```dockerfile
FROM golang:1.24 AS builder
RUN go build -o /app .
FROM scratch
COPY --from=builder /app /app
```
";

const SELF_DOC: &str = "\
## What it does

Finds `--from` and `from=` that name the stage in which they stand.

## Why it matters

A stage would have to be built before itself, so the build fails. What the stage has already can be copied with RUN.

## Example

```dockerfile
FROM alpine:3.20 AS app
COPY --from=app /etc/hosts /etc/hosts.bak
```

## Use instead

```dockerfile
FROM alpine:3.20 AS app
RUN cp /etc/hosts /etc/hosts.bak
```
";

const LATER_DOC: &str = "\
## What it does

Finds `--from` and `from=` that name a stage further down.

## Why it matters

BuildKit builds stages in the order of the file, so the build fails.

## Example

```dockerfile
FROM alpine:3.20
COPY --from=build /app /app
FROM golang:1.24 AS build
RUN go build -o /app .
```

## Use instead

```dockerfile
FROM golang:1.24 AS build
RUN go build -o /app .
FROM alpine:3.20
COPY --from=build /app /app
```
";

const NUMBER_DOC: &str = "\
## What it does

Finds `COPY --from` with the number of a stage.

## Why it matters

A stage that is added above moves the numbers, and the files come from another stage then.

## Example

```dockerfile
FROM golang:1.24
RUN go build -o /app .
FROM scratch
COPY --from=0 /app /app
```

## Use instead

```dockerfile
FROM golang:1.24 AS build
RUN go build -o /app .
FROM scratch
COPY --from=build /app /app
```
";

/// Official images that people copy from and that have no facts of their own.
const COPIED_FROM: [&str; 8] = ["composer", "docker", "hugo", "jetty", "maven", "gradle", "mysql", "nats"];

/// How many stages of a file are looked at for one that is called nearly the same.
const MAX_STAGES: usize = 200;

fn unknown(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let references = references(cx);
    // A file that takes several names from nowhere is made for `--build-context`.
    let stages: Vec<&str> =
        cx.file.stages().iter().take(MAX_STAGES).filter_map(|s| s.name.as_deref()).collect();
    let meant = |name: &str| suggest::nearest(name, stages.iter().copied(), false).is_some();
    let mut strange: HashSet<&str> =
        references.iter().filter(|r| r.stage.is_none() && !is_image(r)).map(|r| r.name).collect();
    strange.retain(|name| !meant(name));
    for reference in references {
        let Reference { number, word, name, .. } = &reference;
        if reference.stage.is_some() {
            continue;
        }
        let is_number = name.bytes().all(|b| b.is_ascii_digit());
        let range = cx.file.absolute(*number, word.range.clone());
        if is_number && cx.file.instruction(*number).1.kind() == Some(Keyword::Copy) {
            let count = cx.file.stages().len();
            let message = format!("There is no stage number {name}: this file has {count}, counted from 0.");
            out.push(Finding::new(range, message));
            continue;
        }
        if is_image(&reference) {
            continue;
        }
        let own = cx.file.stage_of(*number).map_or(0, |stage| stage.index);
        let names = cx.file.stages().iter().take(own.min(MAX_STAGES)).filter_map(|s| s.name.as_deref());
        let message = match suggest::nearest(name, names, false) {
            Some(near) => {
                let message = format!("No stage is called `{name}`; did you mean `{near}`?");
                let source = cx.file.instruction(*number).1.source();
                let at = source.get(word.range.clone()).and_then(|text| text.rfind(name));
                let finding = Finding::new(range.clone(), message);
                out.push(match at {
                    Some(at) => {
                        let range = range.start + at..range.start + at + name.len();
                        finding.fix(Fix::replace(format!("Change to `{near}`"), range, near))
                    }
                    None => finding,
                });
                continue;
            }
            None if strange.len() > 1 => continue,
            None if cx.file.stages().len() < 2 => format!(
                "No stage is called `{name}`, so the builder takes it for an image of that name; name a stage with `FROM ... AS {name}` or write the image's tag."
            ),
            None => format!(
                "No stage above is called `{name}`, so the builder takes it for an image of that name; correct the name or write the image's tag."
            ),
        };
        out.push(Finding::new(range, message));
    }
}

/// Whether a name that is no stage's is an image's, a named context's, or something that a template will replace.
fn is_image(reference: &Reference<'_>) -> bool {
    let name = reference.name;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !name.bytes().all(plain)
        || name == "context"
        || name.bytes().all(|b| b.is_ascii_digit())
        || is_known_image(name)
        || matches!(reference.source, Some(Source::Named(_) | Source::Scratch))
}

/// Whether a bare name is that of an image that people know.
fn is_known_image(name: &str) -> bool {
    let repository = format!("docker.io/library/{}", name.to_lowercase());
    COPIED_FROM.contains(&name)
        || images::official(&repository)
        || BaseFacts::of(&repository).family != Family::Unknown
}

fn own(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for reference in references(cx) {
        let own = cx.file.stage_of(reference.number).map(|stage| stage.index);
        if own.is_some() && reference.stage == own {
            let range = cx.file.absolute(reference.number, reference.word.range.clone());
            let message = format!(
                "`{}` is the stage that this stands in, and a stage cannot copy from itself; use `RUN cp`, or name another stage.",
                reference.name
            );
            out.push(Finding::new(range, message));
        }
    }
}

fn later(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for reference in references(cx) {
        let Some(own) = cx.file.stage_of(reference.number).map(|stage| stage.index) else { continue };
        let Some(stage) = reference.stage.filter(|&stage| stage > own) else { continue };
        let from = cx.file.stages()[stage].from;
        let range = cx.file.absolute(reference.number, reference.word.range.clone());
        let message = format!(
            "{} needs a stage that begins on line {}, below this one; move that stage up.",
            reference.shown,
            cx.file.line(from)
        );
        let finding = Finding::new(range, message);
        out.push(finding.see(cx.file.range(from), format!("`{}` begins here", reference.name)));
    }
}

fn number(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let references = references(cx);
    let mut seen = HashSet::new();
    for reference in &references {
        let is_number = reference.name.bytes().all(|b| b.is_ascii_digit());
        let own = cx.file.stage_of(reference.number).map(|stage| stage.index);
        let (Some(index), true) = (reference.stage.filter(|stage| Some(*stage) < own), is_number) else {
            continue;
        };
        let stage = &cx.file.stages()[index];
        let line = cx.file.line(stage.from);
        let range = cx.file.absolute(reference.number, reference.word.range.clone());
        let message = match &stage.name {
            Some(name) => format!(
                "`--from={index}` means stage `{name}` as long as no stage is added above line {line}; write `--from={name}`."
            ),
            None => format!(
                "`--from={index}` means the stage on line {line} as long as none is added above it; give that stage a name and use it."
            ),
        };
        let finding = Finding::new(range, message);
        // One fix names the stage and changes all that use its number.
        out.push(match seen.insert(index) {
            true => match name_it(cx, &references, index) {
                Some(fix) => finding.fix(fix),
                None => finding,
            },
            false => finding,
        });
    }
}

/// Gives a stage a name, if it has none, and uses it wherever its number is used.
fn name_it(cx: &FileCx<'_>, references: &[Reference<'_>], index: usize) -> Option<Fix> {
    let stage = &cx.file.stages()[index];
    let from = cx.file.instruction(stage.from).1;
    let mut edits = Vec::new();
    let name = match &stage.name {
        // A later stage of the same name would be meant.
        Some(name) => {
            let last = cx.file.stages().iter().rfind(|s| s.name.as_deref() == Some(name.as_str()))?;
            (last.index == index).then(|| name.clone())?
        }
        None => {
            let [image] = from.args() else { return None };
            let taken = |name: &str| {
                cx.file.stages().iter().any(|s| {
                    s.name.as_deref() == Some(name)
                        || cx.file.instruction(s.from).1.args().first().is_some_and(|a| a.value == name)
                })
            };
            let name = match taken("build") {
                true => Some(format!("stage-{index}")).filter(|name| !taken(name))?,
                false => "build".to_owned(),
            };
            let end = cx.file.absolute(stage.from, image.range.end..image.range.end);
            edits.push(Edit { range: end, text: format!(" AS {name}") });
            name
        }
    };
    let number = index.to_string();
    for reference in references.iter().filter(|r| r.stage == Some(index) && r.name == number) {
        let source = cx.file.instruction(reference.number).1.source();
        let text = source.get(reference.word.range.clone())?;
        let at = reference.word.range.start + text.strip_suffix(number.as_str())?.len();
        let range = cx.file.absolute(reference.number, at..at + number.len());
        edits.push(Edit { range, text: name.clone() });
    }
    let mut fix = Fix::replace(format!("Use the name `{name}`"), 0..0, "").safe();
    fix.edits = edits;
    Some(fix)
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, diagnostics, fixed, lines};

    #[test]
    fn unknown_stages() {
        check(
            "E005",
            "\
FROM a AS builder
FROM b
COPY --from=bulider x y
     ^^^^^^^^^^^^^^ did you mean `builder`?
COPY --from=BUILDER x y
COPY --from=nginx x y
COPY --from=team/tool x y
COPY --from=tool:1 x y
COPY --from=7 x y
     ^^^^^^^^ this file has 2
RUN --mount=type=bind,from=nope,target=/x y
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ No stage above is called `nope`
",
        );
        assert_eq!(lines("E005", "COPY --from=0 a b\n"), [1]);
        assert_eq!(lines("E005", "FROM a\nCOPY --from=one a b\n"), [2]);
        assert_eq!(lines("E005", "FROM a\nCOPY --from=one a b\nCOPY --from=two a b\n"), [0; 0]);
        assert_eq!(
            fixed("E005", "FROM a AS builder\nFROM b\nCOPY --from=bulider x y\n"),
            "FROM a AS builder\nFROM b\nCOPY --from=builder x y\n"
        );
    }

    #[test]
    fn own_and_later_stages() {
        let text = "\
FROM a AS one
COPY --from=one x y
     ^^^^^^^^^^ cannot copy from itself
COPY --from=0 x y
     ^^^^^^^^ cannot copy from itself
COPY --from=two x y
FROM b AS two
COPY --from=one x y
";
        check("E006", text);
        check(
            "E008",
            "\
FROM a AS one
COPY --from=two x y
     ^^^^^^^^^^ begins on line 4
RUN --mount=type=bind,from=two,target=/x y
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ begins on line 4
FROM b AS two
",
        );
        let rules = |text: &str| diagnostics(text, &[]).iter().map(|d| d.rule).collect::<Vec<_>>();
        assert_eq!(rules("FROM scratch AS a\nWORKDIR /x\nCOPY --from=a x /y\n"), ["copy-from-self"]);
        assert_eq!(
            rules("FROM scratch AS app\nCOPY --from=b x /y\nFROM scratch AS b\nFROM b\n"),
            ["copy-from-later-stage"]
        );
    }

    #[test]
    fn numbers() {
        check(
            "E009",
            "\
FROM a AS one
FROM b
COPY --from=0 x y
     ^^^^^^^^ write `--from=one`
COPY --from=one x y
",
        );
        assert_eq!(
            fixed(
                "E009",
                "FROM a\nFROM b\nCOPY --from=0 x y\nCOPY --chown=1 --from=0 z z\nFROM c\nCOPY --from=1 d d\n"
            ),
            "FROM a AS build\nFROM b AS stage-1\nCOPY --from=build x y\nCOPY --chown=1 --from=build z z\nFROM c\nCOPY --from=stage-1 d d\n"
        );
    }
}
