//! What Layerwise makes of a project's Dockerfile: refactorings and fixes, as an editor applies them.

use std::path::Path;

use layerwise_analysis::actions::{self, Cx};
use layerwise_analysis::fix::apply;
use layerwise_analysis::plan::rebuilt_when;
use layerwise_analysis::{Applicability, Checker, Edit, Input, Selection, rules};
use layerwise_host::context::{Limits, load};
use layerwise_host::fs::OsFs;
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;

use super::project::{Apply, Promise};

/// The text after one application, and its title. `None` where nothing is offered, as it must be for [`Promise::None`].
/// The error says what was offered instead of what the project expects.
pub fn change(root: &Path, text: &str, wanted: &Apply) -> Result<Option<(String, String)>, String> {
    let offers = offers(root, text, wanted)?;
    let fits =
        |offer: &&Offered| wanted.title.as_ref().is_none_or(|part| offer.title.contains(part.as_str()));
    let Some(offer) = offers.iter().find(fits) else {
        return match wanted.promise {
            Promise::None => Ok(None),
            _ => Err(format!("{} is not offered; there is: {:?}", wanted.name, titles(&offers))),
        };
    };
    if !wanted.promise.is(offer.applicability) {
        return Err(format!("`{}` is offered as {}", offer.title, offer.applicability.as_str()));
    }
    let after =
        apply(text, &offer.edits).ok_or_else(|| format!("the edits of `{}` do not fit", offer.title))?;
    let mut rest = after.as_str();
    for line in &wanted.gives {
        match rest.find(line.as_str()) {
            Some(at) => rest = &rest[at + line.len()..],
            None => return Err(format!("`{line}` is not in the result, or not in this order:\n{after}")),
        }
    }
    Ok(Some((after, offer.title.clone())))
}

struct Offered {
    title: String,
    applicability: Applicability,
    edits: Vec<Edit>,
}

fn titles(offers: &[Offered]) -> Vec<&str> {
    offers.iter().map(|offer| offer.title.as_str()).collect()
}

fn offers(root: &Path, text: &str, wanted: &Apply) -> Result<Vec<Offered>, String> {
    let file = File::new(Parsed::new(text));
    let options = Options { all_stages: true, ..Options::default() };
    let eval = evaluate(&file, &options, &WellKnown);
    let context = load(&OsFs, root, Some(&root.join("Dockerfile")), &Limits::default());
    let at = match &wanted.at {
        Some(part) => {
            Some(text.find(part.as_str()).ok_or_else(|| format!("`{part}` is not in the Dockerfile"))?)
        }
        None => None,
    };
    let end = match (&wanted.to, at) {
        (Some(part), Some(at)) => text[at..].find(part.as_str()).map(|found| at + found + part.len()),
        _ => at,
    };
    let mut found = Vec::new();
    if let Some(refactoring) = actions::all().iter().find(|refactoring| refactoring.id() == wanted.name) {
        let rebuilds = |text: &str, path: &str| {
            rebuilt_when(&File::new(Parsed::new(text)), &context, &[path.to_owned()], &Options::default())
        };
        let cx = Cx { file: &file, evaluation: &eval, context: Some(&context), rebuilds: Some(&rebuilds) };
        let selections: Vec<_> = match (at, end) {
            (Some(at), Some(end)) => std::iter::once(at..end).collect(),
            (Some(_), None) => {
                return Err(format!("`{}` is not in the Dockerfile", wanted.to.as_deref().unwrap_or("")));
            }
            _ => (0..file.len()).map(|number| file.range(number).start).map(|at| at..at).collect(),
        };
        for selection in selections {
            for offer in refactoring.offers(&cx, selection.clone()) {
                let edits = refactoring.edits(&cx, &offer);
                let edits = edits.ok_or_else(|| format!("`{}` has no edits", offer.title))?;
                found.push(Offered { title: offer.title, applicability: offer.applicability, edits });
            }
        }
        return Ok(found);
    }
    let rule = rules::all().iter().find(|rule| rule.meta.is_called(&wanted.name));
    let rule = rule.ok_or_else(|| format!("`{}` is neither a refactoring nor a rule", wanted.name))?;
    let selection = Selection { only: vec![rule.meta.name.to_owned()], ..Selection::default() };
    let input =
        Input { file: &file, eval: &eval, context: Some(&context), selection: &selection, path: None };
    for diagnostic in Checker::default().check(&input).into_iter().filter(|d| d.rule == rule.meta.name) {
        if at.is_some_and(|at| !(diagnostic.range.start..=diagnostic.range.end).contains(&at)) {
            continue;
        }
        found.extend(diagnostic.fixes.into_iter().map(|fix| Offered {
            title: fix.title,
            applicability: fix.applicability,
            edits: fix.edits,
        }));
    }
    Ok(found)
}
