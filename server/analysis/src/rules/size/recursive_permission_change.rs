//! S026 `recursive-permission-change`.

use layerwise_model::context::EntryKind;
use layerwise_model::eval::{Command, Copy, Source};
use layerwise_model::facts::Manager;
use layerwise_model::gopath::path_clean;

use super::layers::{about, at_home, chain, runs};
use crate::diagnostic::Severity;
use crate::fix::{Applicability, Edit, Fix};
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "recursive-permission-change",
        code: "S026",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `chown -R`, `chmod -R` and `chgrp -R` on a folder that an earlier COPY filled, or that an earlier RUN installed
packages of npm, composer or the like into, in the stages that the image is made of.

## Why it matters

A layer holds whole files: each file whose owner or mode changes is stored, and pulled, once more.

## Example

```dockerfile
FROM node:22-slim
COPY . /app
RUN chown -R node:node /app
```

## Use instead

```dockerfile
FROM node:22-slim
COPY --chown=node:node . /app
```
";

/// How many earlier instructions are kept in mind, and how many commands are held against them: bounds on the work.
const MAX: usize = 512;

/// What fills a folder.
struct Filled {
    number: usize,
    dir: String,
    bytes: Option<f64>,
    copy: bool,
}

fn is_below(path: &str, dir: &str) -> bool {
    let (path, dir) = (path.trim_end_matches('/'), dir.trim_end_matches('/'));
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The bytes of what a COPY takes from the context, if that is known.
fn bytes(cx: &FileCx<'_>, copy: &Copy) -> Option<f64> {
    let context = cx.context.filter(|_| copy.from == Source::Context)?;
    let mut total = 0;
    for source in copy.sources.iter().take(32) {
        let path = path_clean(source);
        let path = path.trim_start_matches('/');
        let path = if path == "." { "" } else { path };
        total += match context.get(path) {
            Some(entry) if entry.kind != EntryKind::Dir => entry.size,
            Some(_) => context.entries.totals(path).bytes,
            None if path.is_empty() => context.entries.totals("").bytes,
            None => return None,
        };
    }
    // An index without files says nothing.
    (total > 0).then_some(total as f64)
}

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let all: Vec<_> = runs(cx).filter(|run| cx.file.instruction(run.number).1.trigger().is_none()).collect();
    let changes = |command: &layerwise_model::facts::Command| {
        matches!(command.name.as_str(), "chown" | "chmod" | "chgrp") && command.has_flag(&["R", "recursive"])
    };
    let Some(last) = all.iter().rposition(|run| run.facts.commands.iter().any(changes)) else { return };
    let end = all[last].number;
    let mut all = all[..=last].iter().peekable();
    let chain = chain(cx);
    let mut filled: Vec<Filled> = Vec::new();
    let mut left = MAX;
    for number in 0..=end {
        let stage = cx.file.stage_of(number).map(|stage| stage.index);
        if !stage.map_or(cx.file.stages().is_empty(), |stage| chain.contains(&stage)) || filled.len() >= MAX {
            continue;
        }
        if let Command::Copy(copy) = &cx.eval.step(number).command {
            // A file that has an ending is one file, and mostly a small one.
            let is_file = |source: &String| {
                let name = source.rsplit('/').next().unwrap_or_default();
                name.trim_start_matches('.').contains('.') && !name.contains('*')
            };
            if copy.inline.is_empty() && !(copy.from == Source::Context && copy.sources.iter().all(is_file)) {
                filled.push(Filled {
                    number,
                    dir: copy.dest_path.clone(),
                    bytes: bytes(cx, copy),
                    copy: true,
                });
            }
            continue;
        }
        let Some(run) = all.next_if(|run| run.number == number) else { continue };
        for command in run.facts.commands.iter().filter(|command| changes(command)) {
            if left == 0 {
                return;
            }
            left -= 1;
            let moved = run.facts.named("cd").next().is_some();
            let mut paths = command.operands().skip(1).filter(|arg| arg.text.starts_with('/') || !moved);
            let Some((arg, dir, hits)) = paths.find_map(|arg| {
                let path = at_home(&arg.text);
                let path = match path.strip_prefix('.') {
                    Some("" | "/") => run.state.dir.clone(),
                    _ if path.starts_with('/') => path,
                    _ => format!("{}/{}", run.state.dir.trim_end_matches('/'), path.trim_start_matches("./")),
                };
                let path = path.trim_end_matches('*').trim_end_matches('/').to_owned();
                let hits: Vec<usize> =
                    (0..filled.len()).filter(|at| is_below(&filled[*at].dir, &path)).collect();
                (!path.is_empty() && !hits.is_empty()).then_some((arg, path, hits))
            }) else {
                continue;
            };
            let first = &filled[hits[0]];
            let known: Vec<f64> = hits.iter().filter_map(|at| filled[*at].bytes).collect();
            let total: f64 = known.iter().sum();
            // A few small files are not worth a word.
            if known.len() == hits.len() && total < 100e3 {
                continue;
            }
            let size = if total > 0.0 { format!(", {}", about(total)) } else { String::new() };
            let flag = if command.name == "chmod" { "--chmod" } else { "--chown" };
            let instead = if hits.iter().any(|at| filled[*at].copy) {
                format!("use `COPY {flag}`")
            } else {
                "run what fills it as that user".to_owned()
            };
            let message = format!(
                "`{} -R` stores every file below `{}` once more{size}, as line {} has put them into a layer already; {instead}.",
                command.name,
                arg.text,
                cx.file.line(first.number)
            );
            let range = cx.file.absolute(number, command.range.clone());
            let mut finding =
                Finding::new(range, message).see(cx.file.range(first.number), "The layer that has the files");
            if let [only] = hits.as_slice() {
                finding.fixes.extend(on_copy(cx, &filled[*only], (number, run.facts), command, &dir));
            }
            out.push(finding);
        }
        for install in &run.facts.installs {
            let local =
                matches!(install.manager, Manager::Npm | Manager::Yarn | Manager::Pnpm | Manager::Composer);
            if local && install.from_file && !install.global && !run.state.dir.is_empty() {
                filled.push(Filled { number, dir: run.state.dir.clone(), bytes: None, copy: false });
            }
        }
    }
}

/// `--chown` or `--chmod` on a COPY right above, in place of a RUN that does nothing else.
fn on_copy(
    cx: &FileCx<'_>,
    filled: &Filled,
    run: (usize, &layerwise_model::facts::InstructionFacts),
    command: &layerwise_model::facts::Command,
    dir: &str,
) -> Option<Fix> {
    let (number, facts) = run;
    let whole = cx.file.instruction(number).1;
    let copy = cx.file.instruction(filled.number).1;
    let flag = match command.name.as_str() {
        "chown" => "chown",
        "chmod" => "chmod",
        _ => return None,
    };
    let only = facts.commands.len() == 1
        && whole.flags().is_empty()
        && whole.heredocs().is_empty()
        && whole.comments().is_empty()
        && command.operands().count() == 2;
    let same = is_below(dir, &filled.dir) && is_below(&filled.dir, dir);
    let value = command.operands().next().filter(|arg| arg.literal)?;
    let plain = value.text.chars().all(|c| c.is_ascii_alphanumeric() || "_-:.".contains(c));
    let octal = flag == "chown" || value.text.chars().all(|c| c.is_digit(8));
    if number != filled.number + 1 || !only || !same || !plain || !octal || copy.flag(flag).is_some() {
        return None;
    }
    let at = copy.keyword().range.end;
    let edits = vec![
        Edit { range: cx.file.absolute(filled.number, at..at), text: format!(" --{flag}={}", value.text) },
        Edit { range: cx.file.instruction(number).0.range(), text: String::new() },
    ];
    let title = format!("Use `COPY --{flag}={}` instead of this RUN", value.text);
    Some(Fix { title, applicability: Applicability::Suggestion, edits })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn trees_that_are_stored_twice() {
        check(
            "S026",
            "\
FROM node AS build
COPY . /app
RUN chown -R node /app
FROM node
WORKDIR /app
COPY --from=build /app/dist ./dist
RUN x && chown -R node:node /app && y
         ^^^^^^^^^^^^^^^^^^^^^^^ below `/app` once more, as line 6 has put them
RUN mkdir /data && chown -R node /data
RUN chmod -R 755 .
    ^^^^^^^^^^^^^^ use `COPY --chmod`
RUN chown node /app
",
        );
        assert_eq!(lines("S026", "FROM a\nWORKDIR /a\nRUN npm ci\nRUN chown -R x /a\n"), [4]);
        assert_eq!(
            lines("S026", "FROM a\nCOPY a /app/a\nRUN chown -R x /app/b\nRUN chown -R x /ap\n"),
            [0; 0]
        );
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S026", "FROM a\nCOPY . /app\nRUN chown -R app:app /app/\nUSER app\n"),
            "FROM a\nCOPY --chown=app:app . /app\nUSER app\n"
        );
        let same = "FROM a\nCOPY . /app\nRUN chown -R app /app && x\n";
        assert_eq!(fixed("S026", same), same);
    }
}
