//! C025 `chown-after-copy`.

use layerwise_model::Stage;
use layerwise_model::eval::{Command, Copy};
use layerwise_model::facts::Argument;
use layerwise_model::facts::command::Command as Shell;
use layerwise_model::gopath::{path_base, path_clean, path_join};
use layerwise_syntax::{Form, Keyword};

use super::support::{and, inside, move_out, shown};
use crate::diagnostic::Severity;
use crate::fix::{Edit, Fix};
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "chown-after-copy",
        code: "C025",
        severity: Severity::Warning,
        fix: FixClass::Suggestion,
        supersedes: &["recursive-permission-change"],
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `chown -R` and `chgrp -R` on what a COPY or ADD of the same stage brought.

## Why it matters

A layer holds whole files: with another owner, each of them is stored a second time. And the step runs again with every
edit of a file that is copied. `COPY --chown` gives the owner for nothing. The fix leaves the directory itself to whom it
belongs, so look whether the program has to create files in it.

## Example

```dockerfile
FROM node:22
WORKDIR /app
COPY . /app
RUN chown -R node:node /app
USER node
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
COPY --chown=node:node . /app
USER node
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for stage in cx.file.stages() {
        let mut copies: Vec<(usize, String, &Copy)> = Vec::new();
        for number in stage.body.clone() {
            match cx.eval.steps.get(number).map(|s| &s.command) {
                Some(Command::Copy(copy)) => copies.push((number, path_clean(&copy.dest_path), copy)),
                Some(Command::Run(_)) if !copies.is_empty() => {
                    for command in &cx.facts.instructions[number].commands {
                        if matches!(command.name.as_str(), "chown" | "chgrp") && command.top_level {
                            out.extend(chowned(cx, stage, number, command, &copies));
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// How many lines a message names.
const MAX_LINES: usize = 4;

fn chowned(
    cx: &FileCx<'_>,
    stage: &Stage,
    number: usize,
    command: &Shell,
    copies: &[(usize, String, &Copy)],
) -> Option<Finding> {
    if !command.has_flag(&["R", "recursive"]) || command.has_flag(&["reference", "from"]) {
        return None;
    }
    let facts = &cx.facts.instructions[number];
    let state = &cx.eval.step(number).state;
    let moves = facts.commands.iter().any(|c| matches!(c.name.as_str(), "cd" | "pushd"));
    let mut operands = command.operands();
    let owner = operands.next()?;
    let paths: Vec<String> = operands
        .filter(|path| {
            is_fixed(path) && !path.text.starts_with(['~', '$']) && (path.text.starts_with('/') || !moves)
        })
        .map(|path| {
            let text = path.text.trim_end_matches("/*");
            path_clean(&if text.starts_with('/') {
                text.to_owned()
            } else {
                path_join(&["/", &state.dir, text])
            })
        })
        // Below these is what the base image brought.
        .filter(|path| {
            !matches!(path.as_str(), "/" | "/usr" | "/var" | "/etc" | "/opt" | "/home" | "/usr/local")
        })
        .collect();
    // Of a few files in a directory that is given away as a whole nothing is to be gained.
    let is_file =
        |copy: &Copy| copy.sources.iter().all(|s| path_base(s).trim_start_matches('.').contains('.'));
    let hit: Vec<&(usize, String, &Copy)> = copies
        .iter()
        .filter(|(_, dest, copy)| {
            paths.iter().any(|path| path == dest || (inside(dest, path) && !is_file(copy)))
        })
        .collect();
    let (last, dest, copy) = hit.last()?;
    let lines: Vec<String> =
        hit.iter().take(MAX_LINES).map(|(n, _, _)| cx.file.line(*n).to_string()).collect();
    let place = if lines.len() == 1 { "line" } else { "lines" };
    let group = command.name == "chgrp";
    let wanted = if group { format!(":{}", owner.text) } else { owner.text.clone() };
    let flag = if owner.literal || !owner.text.contains(['(', '`']) {
        format!("`--chown={wanted}`")
    } else {
        "`--chown`".to_owned()
    };
    let made = cx.facts.instructions.get(last + 1..=number).unwrap_or_default().iter().any(|f| {
        f.commands.iter().any(|c| matches!(c.name.as_str(), "useradd" | "adduser" | "groupadd" | "addgroup"))
    });
    let user = if made { ", with the user made above it" } else { "" };
    let message = format!(
        "`{}` stores everything that {place} {} copied a second time, and runs again whenever that changes; copy with {flag} instead{user}.",
        shown(cx, number, command),
        and(&lines)
    );
    let finding = Finding::new(cx.file.absolute(number, command.range.clone()), message)
        .see(cx.file.absolute(*last, head(cx.file.instruction(*last).1)), "This is stored twice.");
    let exact = hit.len() == 1
        && paths.len() == 1
        && paths.first() == Some(dest)
        && command.args.iter().all(|a| a.literal)
        && copy.chown.is_empty()
        && owner.literal
        && owner.text.chars().all(|c| c.is_ascii_alphanumeric() || ":_-.".contains(c))
        && facts.commands.len() == 1
        && !command.exec;
    // What another step made below the path needs the owner too.
    let alone = cx.file.instructions(stage.body.start..number).all(|(n, _, i)| {
        i.kind() != Some(Keyword::Run)
            || (n < *last && !i.source().contains(dest.as_str()) && cx.eval.step(n).state.dir != *dest)
    });
    Some(match fix(cx, *last, number, &wanted).filter(|_| exact && alone) {
        Some(fix) => finding.fix(fix),
        None => finding,
    })
}

/// Whether a path is known: literal, or all that is in a literal directory.
fn is_fixed(path: &Argument) -> bool {
    path.literal
        || path
            .text
            .strip_suffix("/*")
            .is_some_and(|dir| !dir.contains(['$', '*', '?', '[', '`', '"', '\'', '{']))
}

/// The owner in the COPY's flag, and the RUN gone.
fn fix(cx: &FileCx<'_>, copy: usize, run: usize, owner: &str) -> Option<Fix> {
    let (_, instruction) = cx.file.instruction(run);
    let (_, copied) = cx.file.instruction(copy);
    if instruction.form() != Form::Shell || instruction.script()?.and_chain()?.len() != 1 {
        return None;
    }
    let at = cx.file.absolute(copy, copied.keyword().range.clone()).end;
    let edits = vec![Edit { range: at..at, text: format!(" --chown={owner}") }, move_out(cx, run)?];
    Some(Fix { edits, ..Fix::replace(format!("Copy with `--chown={owner}` and drop the RUN"), 0..0, "") })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn owners_of_copied_files() {
        check(
            "C025",
            "\
FROM node
WORKDIR /app
COPY package.json .
COPY . .
RUN npm ci && chown -R node:node /app
              ^^^^^^^^^^^^^^^^^^^^^^^ stores everything that lines 3 and 4 copied a second time, and runs again whenever that changes; copy with `--chown=node:node` instead.
",
        );
        for text in [
            "FROM a\nCOPY --from=b /x /srv/app\nRUN chown --recursive 1000 /srv\n",
            "FROM a\nWORKDIR /x\nCOPY . .\nRUN chgrp -R 0 . && chmod -R g=u .\n",
            "FROM a\nCOPY . /x\nRUN useradd u && chown -Rh u:u /x/*\n",
            "FROM a\nCOPY . /x\nRUN [\"chown\", \"-R\", \"u\", \"/x\"]\n",
        ] {
            assert_eq!(lines("C025", text).len(), 1, "{text}");
        }
        for text in [
            "FROM a\nCOPY . /x\nRUN chown u /x\n",
            "FROM a\nCOPY . /x\nRUN chown -R u /y /x/data\n",
            "FROM a\nRUN chown -R u /x\nCOPY . /x\n",
            "FROM a\nCOPY x /etc/x\nRUN chown -R u /etc\n",
            "FROM a\nCOPY auth.json /x/y\nRUN chown -R u /x\n",
            "FROM a\nCOPY . /x\nFROM a\nRUN chown -R u /x\n",
            "FROM a\nCOPY . /x\nRUN cd /y && chown -R u .\n",
            "FROM a\nCOPY . /x\nRUN chown -R u $HOME\n",
        ] {
            assert_eq!(lines("C025", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn the_copy_gets_the_owner() {
        assert_eq!(
            fixed("C025", "FROM a\nRUN useradd u\nCOPY --link . /x/\n# his\nRUN chown -R u:u /x\nUSER u\n"),
            "FROM a\nRUN useradd u\nCOPY --chown=u:u --link . /x/\nUSER u\n"
        );
        for same in [
            "FROM a\nWORKDIR /x\nRUN touch y\nCOPY . .\nRUN chown -R u /x\n",
            "FROM a\nCOPY . /x\nRUN useradd u\nRUN chown -R u /x\n",
            "FROM a\nCOPY . /x\nRUN chown -R u /x && ls\n",
            "FROM a\nCOPY . /x/y\nRUN chown -R u /x\n",
        ] {
            assert_eq!(fixed("C025", same), same);
        }
    }
}
