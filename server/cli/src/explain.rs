//! `layerwise explain` and `layerwise rules`: what the rules are.

use std::fmt::Write as _;

use layerwise_analysis::diagnostic::{PAGES, page_name};
use layerwise_analysis::rules::{Category, Meta, page};
use serde_json::json;

use crate::output::{Out, complain};
use crate::status::{self, Status};

/// Print the page of a rule
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Explain {
    /// The rule: its name, its code, or the name that another tool has for it (DL3008, SC2086, StageNameCasing)
    #[arg(value_name = "RULE")]
    rule: String,
}

impl Explain {
    pub(crate) fn run(self) -> Status {
        let name = self.rule.trim();
        let found = page::named(name);
        if found.is_empty() {
            let near: Vec<String> = page::near(name).iter().map(|near| format!("`{near}`")).collect();
            complain(&match near.split_last() {
                None => format!("there is no rule `{name}`; `layerwise rules` lists them"),
                Some((last, [])) => format!("there is no rule `{name}`; did you mean {last}?"),
                Some((last, others)) => {
                    format!("there is no rule `{name}`; did you mean {} or {last}?", others.join(", "))
                }
            });
            return Status::Trouble;
        }
        let mut out = Out::new();
        let pages: Vec<String> = found.into_iter().map(page::page).collect();
        out.write(&pages.join("\n"));
        out.finish(Status::Good)
    }
}

/// List the rules
///
/// One line for each: code, name, category, severity, what its fix promises, and the names that other tools have for it. Rules
/// that are off by default have an `o` in front, those that enforce what a team agreed on a `p`.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Rules {
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
}

/// The formats of the list.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Rules {
    pub(crate) fn run(self) -> Status {
        let mut out = Out::new();
        match self.format {
            Format::Text => out.write(&text()),
            Format::Json => {
                let rules: Vec<_> = page::pages().map(element).collect();
                let text = serde_json::to_string_pretty(&rules).unwrap_or_default();
                out.write(&format!("{text}\n"));
            }
        }
        out.finish(Status::Good)
    }
}

fn element(meta: &'static Meta) -> serde_json::Value {
    json!({
        "name": meta.name,
        "code": meta.code,
        "category": meta.category().as_str(),
        "severity": meta.severity.as_str(),
        "default": meta.default,
        "policy": meta.policy,
        "experimental": meta.experimental,
        "context": meta.context,
        "fix": meta.fix.as_str(),
        "equivalents": meta.equivalents,
        "options": meta.options,
        "url": format!("{PAGES}{}", page_name(meta.code, meta.name)),
    })
}

fn text() -> String {
    let width = page::pages().map(|meta| meta.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for category in Category::ALL {
        let mut rules = page::pages().filter(|meta| meta.category() == category).peekable();
        if rules.peek().is_some() {
            let space = if text.is_empty() { "" } else { "\n" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{space}{}:", category.as_str());
        }
        for meta in rules {
            let mark = match (meta.default, meta.policy) {
                (true, _) => ' ',
                (false, true) => 'p',
                (false, false) => 'o',
            };
            let line = format!(
                "{mark} {:<5} {:<width$} {:<8} {:<11} {}",
                meta.code,
                meta.name,
                meta.severity.as_str(),
                if meta.fix.as_str() == "none" { "-" } else { meta.fix.as_str() },
                meta.equivalents.join(", ")
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}
