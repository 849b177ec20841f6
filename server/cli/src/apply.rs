//! `layerwise apply`: one refactoring, as a diff or written to the file.

use std::path::PathBuf;

use layerwise_analysis::actions::{self, Offer};
use layerwise_analysis::fix;
use layerwise_render::diff;
use layerwise_render::place::Lines;
use layerwise_syntax::suggest;

use crate::actions::place;
use crate::configs::ConfigFlags;
use crate::offers::Loaded;
use crate::output::{Out, complain, note, shown};
use crate::status::{self, Status};
use crate::write::replace_file;

/// Apply a refactoring: print the diff, or write the file
///
/// The file is written as a whole or not at all, and only with --write.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Apply {
    /// The refactoring as `actions` names it, such as merge-run; with :KEY one of several at the same place
    #[arg(value_name = "ID")]
    id: String,
    /// The Dockerfile
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Apply what is offered with the cursor in this line, from 1
    #[arg(long, value_name = "N")]
    line: Option<usize>,
    /// Write the file instead of printing the diff
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    config: ConfigFlags,
}

impl Apply {
    pub(crate) fn run(self) -> Status {
        match self.apply() {
            Ok(status) => status,
            Err(message) => {
                complain(&message);
                Status::Trouble
            }
        }
    }

    fn apply(&self) -> Result<Status, String> {
        let name = shown(&self.file);
        known(&self.id)?;
        let loaded = Loaded::open(&self.file, &self.config)?;
        let text = &loaded.source.text;
        if self.write && !loaded.source.is_exact() {
            return Err(format!("{name}: not written, since it is not valid UTF-8; save it as UTF-8 first"));
        }
        let (offer, after) =
            refactored(&loaded, &self.id, self.line).map_err(|message| format!("{name}: {message}"))?;
        offer.notes.iter().for_each(|n| note(n));
        let mut out = Out::new();
        if self.write {
            replace_file(&self.file, text, &after).map_err(|message| format!("{name}: {message}"))?;
            out.write(&format!("{name}: {}\n", offer.title));
        } else {
            out.write(&diff::unified(&name, text, &after, out.styled()));
        }
        Ok(out.finish(Status::Good))
    }
}

/// A refactoring that is named as `actions` does, and the text that it makes of the file. The error is a message without
/// the file.
pub(crate) fn refactored(loaded: &Loaded, id: &str, line: Option<usize>) -> Result<(Offer, String), String> {
    let (wanted, key) = split(id);
    let text = &loaded.source.text;
    let offers = loaded.offers(line)?;
    let matching: Vec<&Offer> =
        offers.iter().filter(|o| o.id == wanted && key.is_none_or(|key| o.key == key)).collect();
    let offer = pick(&matching, &Lines::new(text)).map_err(|message| format!("{id} {message}"))?;
    let edits = loaded.edits(offer).and_then(|edits| fix::apply(text, &edits));
    let after = edits.ok_or_else(|| format!("{id} cannot be applied here"))?;
    Ok((offer.clone(), after))
}

/// `merge-run:KEY` as its parts.
fn split(id: &str) -> (&str, Option<&str>) {
    match id.split_once(':') {
        Some((id, key)) => (id, Some(key)),
        None => (id, None),
    }
}

/// An error if there is no such refactoring at all.
pub(crate) fn known(id: &str) -> Result<(), String> {
    let (id, _) = split(id);
    let ids = || actions::all().iter().map(|r| r.id());
    if ids().any(|known| known == id) {
        return Ok(());
    }
    let hint = suggest::search(id, ids(), false).map_or_else(
        || format!("; there are {}", ids().collect::<Vec<_>>().join(", ")),
        |near| format!("; did you mean `{near}`?"),
    );
    Err(format!("there is no refactoring `{id}`{hint}"))
}

/// The offer that is meant: the best one, if all are about the same place.
fn pick<'a>(matching: &[&'a Offer], lines: &Lines<'_>) -> Result<&'a Offer, String> {
    let Some((best, others)) = matching.split_first() else {
        return Err("is not offered here; `layerwise actions` lists what is".to_owned());
    };
    let elsewhere = |o: &&&Offer| o.range.start >= best.range.end || best.range.start >= o.range.end;
    if others.iter().any(|o| elsewhere(&o)) {
        let mut places: Vec<String> = matching.iter().map(|o| place(o, lines)).collect();
        places.dedup();
        return Err(format!("is offered at {}; choose one with --line", places.join(", ")));
    }
    Ok(best)
}
