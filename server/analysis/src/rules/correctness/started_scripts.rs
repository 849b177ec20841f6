//! What E072 to E074 share: scripts of the build context that the image starts.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use layerwise_model::context::{Entry, EntryKind};
use layerwise_model::eval::{Command, DEFAULT_PATH};
use layerwise_model::gopath::path_base;
use layerwise_syntax::Keyword;

use super::image_files::{Found, absolute, at_path, of_kind};
use crate::rules::FileCx;

/// A file of the build context that an instruction starts as a program.
pub(crate) struct Started {
    /// The instruction that starts it.
    pub(crate) number: usize,
    /// Its stage.
    pub(crate) stage: usize,
    /// Where the word stands that names it, in the document.
    pub(crate) range: Range<usize>,
    /// Its path in the image.
    pub(crate) path: String,
    /// Its path in the context.
    pub(crate) source: String,
    /// The COPY or ADD that brings it.
    pub(crate) by: usize,
    /// Its entry in the context.
    pub(crate) entry: Entry,
}

/// Every such file that RUN, CMD, ENTRYPOINT or HEALTHCHECK starts by its own name, so that the kernel looks at its mode and
/// at its first line. Each file and COPY once.
pub(super) fn started<'a>(cx: &'a FileCx<'_>) -> &'a [Started] {
    cx.started.get_or_init(|| find(cx))
}

fn find(cx: &FileCx<'_>) -> Vec<Started> {
    let mut found: Vec<Started> = Vec::new();
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return found };
    // Most programs come from the base image: nothing is copied to where they are, or above it.
    let copied: HashSet<&str> = (cx.eval.steps.iter())
        .filter_map(|step| match &step.command {
            Command::Copy(copy) => Some(copy.dest_path.trim_end_matches('/')),
            _ => None,
        })
        .collect();
    let covered = |path: &str| {
        copied.contains(path) || path.match_indices('/').any(|(at, _)| copied.contains(&path[..at]))
    };
    let names: HashSet<&str> = copied.iter().map(|path| path_base(path)).collect();
    // The folders of a PATH, each with whether something is copied there or above: many steps have the same one.
    let mut folders: HashMap<&str, Vec<(&str, bool)>> = HashMap::new();
    for kind in [Keyword::Entrypoint, Keyword::Cmd, Keyword::Healthcheck, Keyword::Run] {
        for (number, stage) in of_kind(cx, &[kind]) {
            // Behind an ENTRYPOINT in exec form CMD has its arguments.
            let body = cx.file.stages()[stage].body.clone();
            if kind == Keyword::Cmd
                && cx.file.instructions(body).any(|(_, _, i)| i.kind() == Some(Keyword::Entrypoint))
            {
                continue;
            }
            let facts = &cx.facts.instructions[number];
            // What runs later sees all of the stage.
            let before = if kind == Keyword::Run { number } else { cx.file.stages()[stage].body.end };
            for command in &facts.commands {
                let word = &command.program;
                if !word.literal || word.text.is_empty() || facts.unclear || word.text.contains('$') {
                    continue;
                }
                if kind == Keyword::Run
                    && facts.commands.iter().any(|c| {
                        matches!(c.name.as_str(), "cd" | "pushd") && c.range.start < command.range.start
                    })
                {
                    break;
                }
                let paths: Vec<String> = if word.text.contains('/') {
                    Some(absolute(cx, number, &word.text)).filter(|path| covered(path)).into_iter().collect()
                } else {
                    let path = cx.eval.step(number).state.env.get("PATH").unwrap_or(DEFAULT_PATH);
                    let folders = folders.entry(path).or_insert_with(|| {
                        path.split(':')
                            .map(|dir| dir.trim_end_matches('/'))
                            .map(|dir| (dir, covered(dir)))
                            .collect()
                    });
                    let named = names.contains(word.text.as_str());
                    folders
                        .iter()
                        .filter(|(_, covered)| *covered || named)
                        .map(|(dir, _)| format!("{dir}/{}", word.text))
                        .collect()
                };
                for path in paths {
                    let at = before.min(cx.file.len().saturating_sub(1)).max(number);
                    let Found::Context { path: source, by } = found_before(cx, stage, before, at, &path)
                    else {
                        continue;
                    };
                    // What a mount brings is gone again when an image starts.
                    if !matches!(cx.eval.step(by).command, Command::Copy(_)) {
                        continue;
                    }
                    let Some(entry) = context.get(&source).filter(|entry| entry.kind == EntryKind::File)
                    else {
                        continue;
                    };
                    if found.iter().any(|other| other.by == by && other.source == source) {
                        break;
                    }
                    let range = cx.file.absolute(number, word.range.clone());
                    let entry = entry.clone();
                    found.push(Started { number, stage, range, path, source, by, entry });
                    break;
                }
            }
        }
    }
    found
}

/// The last COPY before `before` that brings the path; a RUN in between only matters where a rule looks at it itself.
fn found_before(cx: &FileCx<'_>, stage: usize, before: usize, at: usize, path: &str) -> Found {
    for number in super::image_files::earlier(cx, stage, before) {
        if let Command::Copy(copy) = &cx.eval.step(number).command {
            match super::image_files::brings(cx, copy, path) {
                Some(Some(of_context)) => return Found::Context { path: of_context, by: number },
                Some(None) => return Found::Maybe,
                None => {}
            }
        }
    }
    if before > at { Found::No } else { at_path(cx, stage, at, path) }
}

/// Whether a RUN between the COPY and the start of the file has one of these words in its text.
pub(super) fn treated(cx: &FileCx<'_>, script: &Started, words: &[&str]) -> bool {
    let end = if cx.file.instruction(script.number).1.kind() == Some(Keyword::Run) {
        script.number + 1
    } else {
        cx.file.stages()[script.stage].body.end
    };
    super::image_files::earlier(cx, script.stage, end).take_while(|&number| number > script.by).any(
        |number| {
            let instruction = cx.file.instruction(number).1;
            instruction.kind() == Some(Keyword::Run)
                && words.iter().any(|word| instruction.source().contains(word))
        },
    )
}
