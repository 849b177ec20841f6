//! `layerwise actions`: the refactorings that an editor would offer.

use std::fmt::Write as _;
use std::path::PathBuf;

use layerwise_analysis::actions::Offer;
use layerwise_render::json::{self, Span};
use layerwise_render::place::Lines;
use serde::Serialize;

use crate::configs::ConfigFlags;
use crate::offers::Loaded;
use crate::output::{Format, Out, complain};
use crate::status::{self, Status};

/// List the refactorings that an editor would offer
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Actions {
    /// The Dockerfile
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only what is offered with the cursor in this line, from 1
    #[arg(long, value_name = "N")]
    line: Option<usize>,
    #[command(flatten)]
    config: ConfigFlags,
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Serialize)]
struct Action<'a> {
    id: &'static str,
    title: &'a str,
    kind: &'static str,
    applicability: &'static str,
    range: Span,
    notes: &'a [String],
    key: &'a str,
}

impl Actions {
    pub(crate) fn run(self) -> Status {
        let found =
            Loaded::open(&self.file, &self.config).and_then(|loaded| Ok((loaded.offers(self.line)?, loaded)));
        let (offers, loaded) = match found {
            Ok(found) => found,
            Err(message) => {
                complain(&message);
                return Status::Trouble;
            }
        };
        let mut out = Out::new();
        let lines = Lines::new(&loaded.source.text);
        match self.format {
            Format::Json => {
                let all: Vec<_> = offers.iter().map(|offer| action(offer, &lines)).collect();
                out.write(&json::array(&all));
            }
            Format::Text if offers.is_empty() => out.write("Nothing is offered here.\n"),
            Format::Text => offers.iter().for_each(|offer| out.write_styled(&text(offer, &lines))),
        }
        out.finish(Status::Good)
    }
}

fn action<'a>(offer: &'a Offer, lines: &Lines<'_>) -> Action<'a> {
    Action {
        id: offer.id,
        title: &offer.title,
        kind: offer.kind,
        applicability: offer.applicability.as_str(),
        range: json::span(lines, &offer.range),
        notes: &offer.notes,
        key: &offer.key,
    }
}

/// `merge-run:3-5  lines 3 to 5 (safe)`, then the title and the notes.
fn text(offer: &Offer, lines: &Lines<'_>) -> String {
    let (bold, dim) = ("\x1b[1m", "\x1b[2m");
    let reset = "\x1b[0m";
    let applicability = offer.applicability.as_str();
    let mut text =
        format!("{bold}{}:{}{reset}  {} ({applicability})\n", offer.id, offer.key, place(offer, lines));
    // Titles and notes name things of the file, which can hold anything.
    let _ = writeln!(text, "  {}", annotate(&offer.title));
    for note in &offer.notes {
        let _ = writeln!(text, "  {dim}{}{reset}", annotate(note));
    }
    text
}

fn annotate(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `line 3`, `lines 3 to 5`.
pub(crate) fn place(offer: &Offer, lines: &Lines<'_>) -> String {
    let first = lines.place(offer.range.start).line;
    let last = lines.place(offer.range.end.saturating_sub(1).max(offer.range.start)).line;
    if first == last { format!("line {first}") } else { format!("lines {first} to {last}") }
}
