//! Answers about one step or one file: why it runs again and what would keep it cached, or what it reaches.

use std::fmt::Write as _;

use anstyle::Style;
use layerwise_analysis::plan::{Cause, Plan, Side, Step, affected_by, unread_files, what_would_keep};
use serde_json::{Value, json};

use crate::plan::{About, JSON_VERSION, cause_json, cause_text, clean, headline, look, shorten};

/// How many files are listed.
const MAX_FILES: usize = 200;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Why the step at a line (from 1) runs again.
    Line(usize),
    /// Which steps a file of the context reaches, by its path relative to the context.
    File(String),
    /// Which copied files nothing reads.
    Unread,
}

/// The JSON form. For a line: `{"version", "line", "instruction", "state", "because", "chain", "keep": [sentence]}`; for a
/// file: `{"version", "file", "ignored", "steps": [{"line", "instruction", "state", "because"}]}`, with only the steps that
/// would run; for unread files: `{"version", "unread": [{"path", "bytes", "lines"}]}`.
pub fn to_json(question: &Question, plan: &Plan, about: &About, side: &Side<'_>) -> Value {
    let mut value =
        json!({ "version": JSON_VERSION, "dockerfile": about.dockerfile, "before": about.before });
    match question {
        Question::Line(line) => {
            let Some(step) = plan.at_line(*line) else { return value };
            value["line"] = json!(step.line);
            value["instruction"] = json!(step.instruction);
            value["state"] = json!(step.state.as_str());
            value["because"] = step.because.iter().map(cause_json).collect();
            value["chain"] = crate::plan::chain_json(step, plan);
            value["keep"] = json!(what_would_keep(plan, side, step));
        }
        Question::File(path) => {
            value["file"] = json!(path);
            value["ignored"] = json!(is_ignored(side, path));
            let plan = affected_by(side, std::slice::from_ref(path));
            let steps = plan.iter().flat_map(|p| &p.steps).filter(|s| s.runs()).map(|step| {
                json!({
                    "line": step.line,
                    "instruction": step.instruction,
                    "state": step.state.as_str(),
                    "because": step.because.iter().map(cause_json).collect::<Vec<_>>(),
                })
            });
            value["steps"] = steps.collect();
        }
        Question::Unread => {
            let unread = unread_files(side);
            value["unread"] = unread
                .iter()
                .map(|u| {
                    let lines: Vec<usize> = u.copied_by.iter().map(|n| side.file.line(*n)).collect();
                    json!({ "path": u.path, "bytes": u.bytes, "lines": lines })
                })
                .collect();
        }
    }
    value
}

/// The text form, styled with ANSI escapes; `width` is the terminal's, in columns.
pub fn to_text(question: &Question, plan: &Plan, about: &About, side: &Side<'_>, width: usize) -> String {
    let mut out = String::new();
    match question {
        Question::Line(line) => {
            if let Some(step) = plan.at_line(*line) {
                line_text(&mut out, step, plan, about, side, width);
            }
        }
        Question::File(path) => file_text(&mut out, path, side, width),
        Question::Unread => unread_text(&mut out, side),
    }
    out
}

fn line_text(out: &mut String, step: &Step, plan: &Plan, about: &About, side: &Side<'_>, width: usize) {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let (sign, word, style) = look(step.state);
    let place = format!("{}:{}", clean(&about.dockerfile), step.line);
    let room = width.saturating_sub(place.len() + 2).max(24);
    let _ = writeln!(out, "{bold}{place}{bold:#}  {}", shorten(&step.instruction, room));
    let _ = writeln!(
        out,
        "{style}{sign} {word}{style:#}  {dim}compared with {}, {}{dim:#}",
        clean(&about.before),
        about.cache_words()
    );
    let chain = plan.chain(step);
    if !chain.is_empty() {
        let _ = writeln!(out, "\n{bold}because{bold:#}");
    }
    for link in &chain {
        let Some(at) = plan.at_line(link.line) else { continue };
        let reason = match &link.because {
            Some(cause) => cause_text(cause, at, plan),
            None => "there is no build before".to_owned(),
        };
        let _ = writeln!(out, "  {:>4}  {reason}", link.line);
        let _ = writeln!(
            out,
            "        {dim}{}{dim:#}",
            shorten(&at.instruction, width.saturating_sub(8).max(24))
        );
    }
    let others: Vec<&Cause> =
        step.because.iter().filter(|c| chain.first().is_none_or(|l| l.because.as_ref() != Some(c))).collect();
    for cause in others.iter().take(MAX_FILES) {
        let _ = writeln!(out, "  also  {}", cause_text(cause, step, plan));
    }
    let keep = what_would_keep(plan, side, step);
    if !keep.is_empty() {
        let _ = writeln!(out, "\n{bold}what would keep it cached{bold:#}");
        for sentence in keep {
            let _ = writeln!(out, "  {}", clean(&sentence));
        }
    }
}

fn file_text(out: &mut String, path: &str, side: &Side<'_>, width: usize) {
    let bold = Style::new().bold();
    let _ = write!(out, "{bold}{}{bold:#}  ", clean(path));
    if is_ignored(side, path) {
        let _ = writeln!(out, "is ignored by .dockerignore: no build sees it");
        return;
    }
    let Some(plan) = affected_by(side, &[path.to_owned()]) else { return };
    let _ = writeln!(out, "if it changes, {}", headline(&plan));
    for step in plan.steps.iter().filter(|s| s.runs()) {
        let (sign, word, style) = look(step.state);
        let room = width.saturating_sub(20).max(24);
        let _ = writeln!(
            out,
            "  {style}{sign} {word:<9}{style:#}{:>5}  {}",
            step.line,
            shorten(&step.instruction, room)
        );
        let causes: Vec<String> = step.because.iter().map(|c| cause_text(c, step, &plan)).collect();
        let _ = writeln!(out, "{}{style}{}{style:#}", " ".repeat(18), causes.join("; "));
    }
}

fn unread_text(out: &mut String, side: &Side<'_>) {
    let unread = unread_files(side);
    let bytes: u64 = unread.iter().map(|u| u.bytes).sum();
    let _ = match unread.len() {
        0 => writeln!(out, "Everything that is copied may be read by something."),
        1 => writeln!(out, "1 copied file ({bytes} bytes) is read by nothing:"),
        n => writeln!(out, "{n} copied files ({bytes} bytes) are read by nothing:"),
    };
    for file in unread.iter().take(MAX_FILES) {
        let lines: Vec<String> =
            file.copied_by.iter().map(|n| format!("line {}", side.file.line(*n))).collect();
        let _ = writeln!(out, "  {}  copied by {}", clean(&file.path), lines.join(", "));
    }
    if unread.len() > MAX_FILES {
        let _ = writeln!(out, "  and {} more", unread.len() - MAX_FILES);
    }
}

fn is_ignored(side: &Side<'_>, path: &str) -> bool {
    side.context.is_some_and(|context| !context.ignore.in_context(path))
}
