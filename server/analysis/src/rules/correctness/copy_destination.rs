//! E028 `copy-dest-not-directory` and E029 `copy-relative-without-workdir`: where COPY and ADD put things.

use layerwise_model::eval::Command;
use layerwise_model::facts::Family;
use layerwise_syntax::{Form, Instruction, Keyword, Word};

use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::is_verbatim;
use crate::rules::{Check, FileCx, Finding, FixClass, InstructionCx, Meta, Rule};

pub(super) static DIRECTORY: Rule = Rule {
    meta: Meta {
        name: "copy-dest-not-directory",
        code: "E028",
        severity: Severity::Warning,
        equivalents: &["DL3021"],
        fix: FixClass::Suggestion,
        doc: DIRECTORY_DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(directory),
};

pub(super) static RELATIVE: Rule = Rule {
    meta: Meta {
        name: "copy-relative-without-workdir",
        code: "E029",
        severity: Severity::Warning,
        equivalents: &["DL3045"],
        doc: RELATIVE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(relative),
};

const DIRECTORY_DOC: &str = "\
## What it does

Finds COPY and ADD of several sources whose destination does not end in `/`.

## Why it matters

Several files need a folder. Without the slash the builder cannot know that one is meant: builders refuse it, or write one file
after the other under that name.

## Example

```dockerfile
FROM node:22
COPY package.json package-lock.json /app
```

## Use instead

```dockerfile
FROM node:22
COPY package.json package-lock.json /app/
```
";

const RELATIVE_DOC: &str = "\
## What it does

Finds COPY and ADD with a relative destination in a stage without WORKDIR on a base image that is known to set none.

## Why it matters

The files go to the root of the file system, among its own folders; with another base image they go elsewhere.

## Example

```dockerfile
FROM debian:12
COPY app.sh bin/app.sh
```

## Use instead

```dockerfile
FROM debian:12
WORKDIR /app
COPY app.sh bin/app.sh
```
";

fn directory(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let instruction = cx.instruction;
    if !matches!(instruction.kind(), Some(Keyword::Copy | Keyword::Add)) || !instruction.is_valid() {
        return;
    }
    let Some((dest, sources)) = instruction.args().split_last() else { return };
    if sources.len() < 2 {
        return;
    }
    let value = dest.value.trim_matches(['"', '\'']);
    let is_dir = value.ends_with(['/', '\\']) || matches!(value, "." | ".." | "") || value.ends_with("/.");
    // What a variable holds may end in a slash.
    let known = !value.contains('$')
        || matches!(&cx.step.command, Command::Copy(copy) if !cx.onbuild && !copy.dest_path.ends_with('/') && !value.ends_with('}') && !ends_in_variable(value));
    if is_dir || !known {
        return;
    }
    let message = format!(
        "{} sources need a folder, and `{value}` does not say that it is one; end it in `/`.",
        sources.len()
    );
    let finding = Finding::new(dest.range.clone(), message);
    out.push(match slash(instruction, dest) {
        Some(at) => finding.fix(Fix::replace("End the destination in `/`", at..at, "/")),
        None => finding,
    });
}

/// Whether a text ends in `$name`.
fn ends_in_variable(value: &str) -> bool {
    value.rfind('$').is_some_and(|at| value[at + 1..].chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// Where a slash goes: before a quote at the end.
fn slash(instruction: &Instruction, dest: &Word) -> Option<usize> {
    let text = instruction.source().get(dest.range.clone())?;
    let quoted = text.ends_with(['"', '\'']);
    let fits = instruction.form() == Form::Exec || is_verbatim(instruction, dest);
    fits.then_some(dest.range.end - usize::from(quoted))
}

fn relative(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    // Whether an ONBUILD WORKDIR stands above, for the ONBUILD COPYs.
    let mut triggered = false;
    let mut stage_before = None;
    for (number, _, instruction) in cx.file.all() {
        let stage = cx.file.stage_of(number).map(|stage| stage.index);
        if stage != stage_before {
            stage_before = stage;
            triggered = false;
        }
        let inner = instruction.trigger().unwrap_or(instruction);
        if inner.kind() == Some(Keyword::Workdir) {
            triggered |= instruction.trigger().is_some() || stage.is_none();
        }
        if !matches!(inner.kind(), Some(Keyword::Copy | Keyword::Add)) || !inner.is_valid() || triggered {
            continue;
        }
        let state = &cx.eval.step(number).state;
        let facts = stage.and_then(|stage| cx.facts.stages.get(stage)).map(|facts| &facts.base);
        let sets_none = match facts {
            Some(base) => {
                base.family == Family::Scratch
                    || (base.official && SETS_NONE.contains(&base.name.as_str()))
                    || base.name.ends_with("windowsservercore")
            }
            None => true,
        };
        if state.workdir_set || !state.dir.trim_matches('/').is_empty() || !sets_none {
            continue;
        }
        let Some(dest) = inner.args().last() else { continue };
        let value = dest.value.trim_matches(['"', '\'']);
        let drive = value.as_bytes().get(1) == Some(&b':');
        if value.is_empty()
            || value.starts_with(['/', '\\', '$', '%'])
            || drive
            || matches!(value, "." | "./")
        {
            continue;
        }
        let message = format!(
            "`{value}` is relative, and no WORKDIR says to what: it becomes `/{}`; set WORKDIR above, or write the whole path.",
            value.trim_start_matches("./")
        );
        out.push(Finding::new(cx.file.absolute(number, dest.range.clone()), message));
    }
}

/// Official images that set no WORKDIR.
const SETS_NONE: [&str; 20] = [
    "alpine",
    "debian",
    "ubuntu",
    "centos",
    "rockylinux",
    "almalinux",
    "fedora",
    "amazonlinux",
    "oraclelinux",
    "archlinux",
    "busybox",
    "python",
    "node",
    "ruby",
    "rust",
    "openjdk",
    "eclipse-temurin",
    "nginx",
    "buildpack-deps",
    "perl",
];

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn several_sources() {
        check(
            "E028",
            "\
FROM a
COPY a b /c
         ^^ 2 sources need a folder
ADD [\"a\", \"b\", \"/c\"]
               ^^^^ `/c` does not say
COPY a b /c/
COPY a b .
COPY a b \"/c/\"
COPY a b $X
COPY a b ${X}/y
         ^^^^^^ does not say
COPY a /c
",
        );
        assert_eq!(
            fixed("E028", "FROM a\nCOPY [\"a\", \"b\", \"/c\"]\n"),
            "FROM a\nCOPY [\"a\", \"b\", \"/c/\"]\n"
        );
        assert_eq!(fixed("E028", "FROM a\nCOPY a b \\\n  /c\n"), "FROM a\nCOPY a b \\\n  /c/\n");
        assert_eq!(lines("E028", "COPY foo bar baz\n"), [1]);
    }

    #[test]
    fn relative_destinations() {
        check(
            "E029",
            "\
FROM debian:12 AS base
COPY a bin/a
       ^^^^^ it becomes `/bin/a`
COPY a /b
COPY a .
ONBUILD COPY a b
               ^ it becomes `/b`
ONBUILD WORKDIR /x
ONBUILD COPY a b
FROM debian:12
WORKDIR /x
COPY a b
FROM unknown
COPY a b
FROM golang:1
COPY a b
",
        );
        assert_eq!(lines("E029", "COPY a b\nCOPY a $X\nCOPY a c:\\x\n"), [1]);
    }
}
