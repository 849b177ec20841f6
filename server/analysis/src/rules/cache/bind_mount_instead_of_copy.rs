//! C022 `bind-mount-instead-of-copy`.

use layerwise_model::facts::Purpose;
use layerwise_model::gopath::path_clean;
use layerwise_model::selection::{has_wildcard, source_path};
use layerwise_syntax::{Form, Keyword};

use super::support::{from_context, inside, move_out};
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "bind-mount-instead-of-copy",
        code: "C022",
        severity: Severity::Hint,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds a file of the build context that is copied to `/tmp` of the image, read by one RUN, and left there.

## Why it matters

It stays in a layer of its own though nothing needs it any more, and deleting it in a RUN frees nothing. A bind mount lets
the RUN read the file from the build context: it is part of the RUN's cache key all the same, and in no layer.

## Example

```dockerfile
FROM python:3.12-slim
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt
```

## Use instead

```dockerfile
FROM python:3.12-slim
RUN --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt pip install --no-cache-dir -r /tmp/requirements.txt
```
";

/// Where what lies there is meant to be there for a moment.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// How many COPYs are followed to what reads them.
const MAX_LOOKS: usize = 32;

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let mut looked = 0;
    for stage in cx.file.stages() {
        let facts = cx.facts.stages.get(stage.index);
        if facts.is_none_or(|s| matches!(s.purpose, Purpose::Development | Purpose::Test)) {
            continue;
        }
        let last = cx.eval.target == Some(stage.index);
        for (number, _, instruction) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy]) {
            let Some(copy) = from_context(cx, number).filter(|_| last) else { continue };
            let [source] = copy.sources.as_slice() else { continue };
            let from = source_path(source);
            let name = from.rsplit('/').next().unwrap_or_default();
            let file = name.contains('.') && !name.starts_with('.') && !has_wildcard(&from);
            let is_dir = cx.context.is_some_and(|context| context.is_dir(&from));
            let dest = if copy.dest_path.ends_with('/') {
                path_clean(&format!("{}/{name}", copy.dest_path))
            } else {
                path_clean(&copy.dest_path)
            };
            if !file || is_dir || !TEMPORARY.iter().any(|dir| inside(&dest, dir) && dest != *dir) {
                continue;
            }
            if looked == MAX_LOOKS {
                return;
            }
            looked += 1;
            let Some(run) = only_reader(cx, number, stage.body.end, &dest) else { continue };
            let message = format!(
                "`{name}` is there for the RUN of line {} alone, and stays in the image; mount it into that RUN with `--mount=type=bind` instead.",
                cx.file.line(run)
            );
            let range = cx.file.absolute(number, head(instruction));
            let there = cx.file.absolute(run, head(cx.file.instruction(run).1));
            let mut finding = Finding::new(range, message).see(there, "It is read here");
            // Mounted, it has no other owner or mode.
            if copy.chown.is_empty() && copy.chmod.is_empty() {
                finding.fixes.extend(mounted(cx, number, run, &from, &dest));
            }
            out.push(finding);
        }
    }
}

/// The one RUN below that names a file, if nothing else may read, delete or change it.
fn only_reader(cx: &FileCx<'_>, copy: usize, end: usize, path: &str) -> Option<usize> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut found = None;
    for number in copy + 1..end {
        let (_, instruction) = cx.file.instruction(number);
        let facts = &cx.facts.instructions[number];
        let source = instruction.source();
        let is_run = instruction.kind() == Some(Keyword::Run);
        if is_run && facts.unclear {
            return None;
        }
        // In the folder itself, names may be relative.
        let state = &cx.eval.step(number).state;
        if TEMPORARY.iter().any(|dir| inside(&state.dir, dir)) {
            return None;
        }
        if is_run
            && (facts.commands.iter().any(|c| {
                matches!(c.name.as_str(), "rm" | "mv" | "chmod" | "chown" | "sed" | "find")
                    && c.args.iter().any(|arg| arg.text.contains("/tmp") || arg.text.contains(name))
            }) || source.contains("cd /tmp"))
        {
            return None;
        }
        if source.contains(name) {
            if !is_run || found.is_some() || !source.contains(path) {
                return None;
            }
            found = Some(number);
        }
    }
    // What starts it may be the file itself: a script for a later ONBUILD, say.
    let run = found?;
    let facts = &cx.facts.instructions[run];
    let starts = facts.commands.iter().any(|c| c.program.text.contains(name));
    (!starts).then_some(run)
}

/// Mounts the file and takes the COPY away.
fn mounted(cx: &FileCx<'_>, copy: usize, run: usize, from: &str, dest: &str) -> Option<Fix> {
    let (_, instruction) = cx.file.instruction(run);
    let plain = |path: &str| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    let keyword = instruction.keyword().range.end;
    if !plain(from) || !plain(dest) || instruction.form() != Form::Shell || instruction.trigger().is_some() {
        return None;
    }
    let at = cx.file.absolute(run, keyword..keyword);
    let mount = format!(" --mount=type=bind,source={from},target={dest}");
    let edits = vec![move_out(cx, copy)?, Edit { range: at, text: mount }];
    Some(Fix { edits, ..Fix::replace(format!("Mount `{from}` instead"), 0..0, "") })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn files_for_one_step() {
        check(
            "C022",
            "\
FROM python
COPY requirements.txt /tmp/
^^^^^^^^^^^^^^^^^^^^^^^^^^^ `requirements.txt` is there for the RUN of line 3 alone
RUN pip install -r /tmp/requirements.txt
COPY . /app
",
        );
        for text in [
            "FROM a\nCOPY r.txt /app/\nRUN pip install -r /app/r.txt\n",
            "FROM a\nCOPY r.txt /tmp/\nRUN pip install -r /tmp/r.txt\nRUN cat /tmp/r.txt\n",
            "FROM a\nCOPY r.txt /tmp/\nRUN pip install -r /tmp/r.txt && rm /tmp/r.txt\n",
            "FROM a\nCOPY x.sh /tmp/\nRUN /tmp/x.sh\n",
            "FROM a\nCOPY r.txt /tmp/\n",
            "FROM a\nCOPY dir /tmp/dir\nRUN ls /tmp/dir\n",
            "FROM a AS b\nCOPY r.txt /tmp/\nRUN pip install -r /tmp/r.txt\nFROM a\n",
        ] {
            assert_eq!(lines("C022", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("C022", "FROM a\n# why\nCOPY r.txt /tmp/x.txt\nRUN pip install -r /tmp/x.txt\n"),
            "FROM a\nRUN --mount=type=bind,source=r.txt,target=/tmp/x.txt pip install -r /tmp/x.txt\n"
        );
    }
}
