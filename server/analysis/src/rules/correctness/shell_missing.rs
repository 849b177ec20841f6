//! E024 `shell-run-in-scratch` and E025 `shell-form-without-shell`.

use layerwise_model::eval::Command;
use layerwise_model::facts::Family;
use layerwise_syntax::{Form, Keyword};

use super::json_args_recommended::json_form;
use crate::diagnostic::Severity;
use crate::fix::Fix;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static SCRATCH: Rule = Rule {
    meta: Meta {
        name: "shell-run-in-scratch",
        code: "E024",
        severity: Severity::Error,
        equivalents: &["tally/shell-run-in-scratch"],
        doc: SCRATCH_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, true, out)),
};

pub(super) static NONE: Rule = Rule {
    meta: Meta {
        name: "shell-form-without-shell",
        code: "E025",
        severity: Severity::Error,
        fix: FixClass::Sometimes,
        doc: NONE_DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(|cx, out| check(cx, false, out)),
};

const SCRATCH_DOC: &str = "\
## What it does

Finds RUN in shell form in a stage on `scratch` into which nothing that may be a shell was copied.

## Why it matters

`scratch` is empty: there is no `/bin/sh` that could run the command, so the build fails.

## Example

```dockerfile
FROM scratch
RUN mkdir /data
```

## Use instead

```dockerfile
FROM scratch
WORKDIR /data
```
";

const NONE_DOC: &str = "\
## What it does

Finds CMD, ENTRYPOINT and HEALTHCHECK in shell form on `scratch` and distroless images, and RUN in shell form on distroless
images. Images with `debug` or `dev` in the tag have a shell.

## Why it matters

The shell form runs `/bin/sh -c`, which is not in the image: the container does not start, or is never healthy.

## Example

```dockerfile
FROM gcr.io/distroless/static-debian12
COPY app /app
CMD /app --port 8080
```

## Use instead

```dockerfile
FROM gcr.io/distroless/static-debian12
COPY app /app
CMD [\"/app\", \"--port\", \"8080\"]
```
";

fn check(cx: &FileCx<'_>, scratch: bool, out: &mut Vec<Finding>) {
    // Whether something that may be a shell was copied into a stage, by its end.
    let mut brought: Vec<bool> = Vec::with_capacity(cx.file.stages().len());
    for stage in cx.file.stages() {
        let facts = &cx.facts.stages[stage.index];
        let below = facts.chain.get(1).and_then(|&below| brought.get(below).copied());
        let mut has = below.unwrap_or(false);
        let none = facts.default_shell() == Some(None);
        for (number, _, instruction) in cx.file.instructions(stage.body.clone()) {
            if !none || has {
                break;
            }
            let step = cx.eval.step(number);
            match instruction.kind() {
                Some(Keyword::Copy | Keyword::Add) => {
                    if let Command::Copy(copy) = &step.command {
                        has = may_bring_shell(&copy.dest_path, copy.add, &copy.sources);
                    }
                    continue;
                }
                Some(Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck) => {}
                _ => continue,
            }
            let is_run = instruction.kind() == Some(Keyword::Run);
            let in_scratch = facts.base.family == Family::Scratch;
            if instruction.form() != Form::Shell
                || !instruction.is_valid()
                || step.state.shell.is_some()
                || (is_run && in_scratch) != scratch
            {
                continue;
            }
            let args = instruction.args();
            let is_none = args.first().is_none_or(|a| a.value.eq_ignore_ascii_case("none"));
            if is_none && (args.is_empty() || instruction.kind() == Some(Keyword::Healthcheck)) {
                continue;
            }
            // A mount may bring one.
            if is_run && instruction.flag("mount").is_some() {
                continue;
            }
            let base = if in_scratch { "scratch" } else { facts.base.name.as_str() };
            let keyword = &instruction.keyword().value;
            let message = match (is_run, instruction.kind()) {
                (true, _) => format!(
                    "`{base}` has no `/bin/sh`, so this RUN fails; run it in another stage and copy what it makes, or use the JSON form."
                ),
                (_, Some(Keyword::Healthcheck)) => format!(
                    "`{base}` has no `/bin/sh`, which this HEALTHCHECK in shell form needs, so the container is never healthy; use the JSON form."
                ),
                _ => format!(
                    "`{base}` has no `/bin/sh`, which {keyword} in shell form needs, so the container does not start; use the JSON form."
                ),
            };
            let finding = Finding::new(cx.file.absolute(number, head(instruction)), message);
            let fix = if is_run { None } else { json_form(instruction).map(|(_, fix)| fix) };
            out.push(match fix {
                Some(fix) => {
                    let edits = fix.edits.iter().cloned().map(|mut edit| {
                        edit.range = cx.file.absolute(number, edit.range);
                        edit
                    });
                    finding.fix(Fix { edits: edits.collect(), ..fix.clone() })
                }
                None => finding,
            });
        }
        brought.push(has);
    }
}

/// Whether what is copied may have a shell: a whole file system, folders of programs, an archive that is unpacked.
fn may_bring_shell(dest: &str, add: bool, sources: &[String]) -> bool {
    let system = matches!(
        dest.trim_end_matches('/'),
        "" | "/bin" | "/usr" | "/usr/bin" | "/busybox" | "/usr/local/bin"
    );
    let is_shell = |path: &String| {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        matches!(name, "sh" | "bash" | "ash" | "dash" | "busybox" | "bin")
    };
    let archive = |path: &String| path.contains(".tar") || path.contains(".tgz") || path.contains('$');
    // A single file in a folder of programs is the program itself.
    (system
        && sources.iter().any(|path| {
            path.ends_with('/')
                || path == "."
                || !path.trim_start_matches('/').contains('/') && path.starts_with('/')
        }))
        || dest.ends_with("/sh")
        || sources.iter().any(is_shell)
        || (add && sources.iter().any(archive))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn run_in_scratch() {
        check(
            "E024",
            "\
FROM scratch AS a
RUN x
^^^^^ `scratch` has no `/bin/sh`
RUN [\"x\"]
COPY app /usr/local/bin/
RUN y
^^^^^ `scratch` has no
FROM a
RUN z
^^^^^ `scratch` has no
SHELL [\"/busybox\", \"sh\", \"-c\"]
RUN y
FROM alpine:3
RUN x
",
        );
        for good in ["ADD rootfs.tar.gz /\nRUN x", "COPY --from=alpine / /\nRUN x", "COPY sh /bin/sh\nRUN x"]
        {
            assert_eq!(lines("E024", &format!("FROM scratch\n{good}\n")), [0; 0], "{good}");
        }
    }

    #[test]
    fn forms_without_shell() {
        check(
            "E025",
            "\
FROM gcr.io/distroless/static
CMD /app
^^^^^^^^ so the container does not start
HEALTHCHECK CMD /app ping
^^^^^^^^^^^^^^^^^^^^^^^^^ never healthy
RUN x
^^^^^ so this RUN fails
FROM scratch
ENTRYPOINT /app
^^^^^^^^^^^^^^^ `scratch` has no
HEALTHCHECK NONE
FROM gcr.io/distroless/base:debug
CMD /app
FROM unknown
CMD /app
",
        );
        assert_eq!(fixed("E025", "FROM scratch\nCMD /app -x\n"), "FROM scratch\nCMD [\"/app\", \"-x\"]\n");
    }
}
