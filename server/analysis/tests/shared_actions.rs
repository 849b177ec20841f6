//! Refactorings over the real Dockerfiles of the shared reference material, which is not part of the repository:
//! `../shared` beside the checkout, or the folder that `LAYERWISE_SHARED` names.
//!
//! Every offer at every instruction must apply, must not make BuildKit refuse what it accepted, must keep every comment
//! and the file's kind of line breaks, and must not be offered again in the same place for ever.
//!
//! `LAYERWISE_SHOW=<refactoring>:<count>` prints that many offers (`all` for every refactoring) as diffs, chosen evenly, to be read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerwise_analysis::actions::{Cx, Offer, Refactoring, all};
use layerwise_analysis::fix::apply;
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("LAYERWISE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    Some(folder.join("corpus/files")).filter(|f| f.is_dir())
}

fn with<T>(text: &str, look: impl FnOnce(&Cx<'_>) -> T) -> T {
    let file = File::new(Parsed::new(text));
    let options = Options { all_stages: true, ..Options::default() };
    let evaluation = evaluate(&file, &options, &WellKnown);
    look(&Cx { file: &file, evaluation: &evaluation, context: None, rebuilds: None })
}

/// Every offer of a refactoring in a file, at a cursor in each instruction, each once.
fn offers(action: &dyn Refactoring, text: &str) -> Vec<Offer> {
    with(text, |cx| {
        let mut found: Vec<Offer> = Vec::new();
        for number in 0..cx.file.len() {
            let at = cx.file.range(number).start;
            for offer in action.offers(cx, at..at) {
                if !found.contains(&offer) {
                    found.push(offer);
                }
            }
        }
        found
    })
}

fn problems(text: &str) -> usize {
    with(text, |cx| cx.file.all().map(|(_, _, i)| i.problems().len()).sum())
}

/// The comment lines, by Dockerfile's and the shell's rules alike, trimmed and sorted.
fn comments(text: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        text.lines().map(str::trim).filter(|l| l.starts_with('#')).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn heredocs(text: &str) -> Vec<String> {
    with(text, |cx| cx.file.all().flat_map(|(_, _, i)| i.heredocs().iter().map(|h| h.name.clone())).collect())
}

/// What is wrong with an offer, if anything; the result otherwise.
fn check(action: &dyn Refactoring, text: &str, offer: &Offer) -> Result<String, String> {
    let edits = with(text, |cx| action.edits(cx, offer)).ok_or("an offer without edits")?;
    let after = apply(text, &edits).ok_or("the edits do not fit")?;
    if after == text {
        return Err("nothing changes".to_owned());
    }
    if problems(&after) > problems(text) {
        return Err("it adds a problem".to_owned());
    }
    let kept = comments(&after);
    if comments(text).iter().any(|c| !kept.contains(c)) || kept.len() < comments(text).len() {
        return Err("a comment is lost".to_owned());
    }
    if heredocs(&after) != heredocs(text) {
        return Err("heredocs change".to_owned());
    }
    let lone = |t: &str| t.replace("\r\n", "").contains('\n');
    if text.contains("\r\n") && !lone(text) && lone(&after) {
        return Err("line breaks change".to_owned());
    }
    // Applied as often as it is offered, it comes to rest.
    let mut current = after.clone();
    for _ in 0..40 {
        let place = offer.range.start..offer.range.start;
        let Some(next) = with(&current, |cx| action.offers(cx, place)).into_iter().next() else {
            return Ok(after);
        };
        let edits = with(&current, |cx| action.edits(cx, &next)).ok_or("a second offer without edits")?;
        let further = apply(&current, &edits).ok_or("the second edits do not fit")?;
        if further == current {
            return Err("it does not converge".to_owned());
        }
        current = further;
    }
    Err("it never comes to rest".to_owned())
}

fn diff(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let most = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(most).take_while(|(x, y)| x == y).count();
    let mut out = String::new();
    let lines = |mark: &str, lines: &[&str], out: &mut String| {
        lines.iter().for_each(|line| out.push_str(&format!("{mark} {line}\n")));
    };
    lines(" ", &a[head.saturating_sub(4)..head], &mut out);
    lines("-", &a[head..a.len() - tail], &mut out);
    lines("+", &b[head..b.len() - tail], &mut out);
    lines(" ", &a[a.len() - tail..(a.len() - tail + 3).min(a.len())], &mut out);
    out
}

#[test]
fn every_offer_on_real_files_holds() {
    let Some(folder) = corpus() else {
        println!("skipped: no ../shared");
        return;
    };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let show = std::env::var("LAYERWISE_SHOW").unwrap_or_default();
    let (shown_id, shown_count) = show.split_once(':').unwrap_or(("", "0"));
    let shown_count: usize = shown_count.parse().unwrap_or(0);
    let mut shown: Vec<String> = Vec::new();
    let mut counts: BTreeMap<(&str, &str, String), (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut files, mut offered) = (0, 0);
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        files += 1;
        for action in all() {
            let mut seen: Vec<(&str, String)> = Vec::new();
            for offer in offers(*action, &text) {
                offered += 1;
                let variant = offer.key.split_once(':').map_or(String::new(), |(v, place)| {
                    if place == "all" { format!("{v}, all") } else { v.to_owned() }
                });
                let promise = offer.applicability.as_str();
                let count = counts.entry((action.id(), promise, variant.clone())).or_default();
                count.0 += 1;
                if !seen.contains(&(promise, variant.clone())) {
                    seen.push((promise, variant));
                    count.1 += 1;
                }
                match check(*action, &text, &offer) {
                    Err(why) => failures.push(format!(
                        "{}: {} at {:?}: {why}",
                        path.display(),
                        offer.title,
                        offer.range
                    )),
                    Ok(after) if action.id() == shown_id || shown_id == "all" => shown.push(format!(
                        "=== {} [{promise}] {}\n    {}\n{}",
                        path.file_name().unwrap_or_default().to_string_lossy(),
                        offer.title,
                        offer.notes.join("\n    "),
                        diff(&text, &after)
                    )),
                    Ok(_) => {}
                }
            }
        }
    }
    println!("{files} files, {offered} offers, {} fail", failures.len());
    for ((id, promise, variant), (offers, files)) in &counts {
        println!("  {id:24} {promise:11} {variant:18} {offers:6} offers in {files:5} files");
    }
    let step = (shown.len() / shown_count.max(1)).max(1);
    shown.iter().step_by(step).take(shown_count).for_each(|one| println!("{one}"));
    failures.iter().take(20).for_each(|failure| println!("  {failure}"));
    assert!(files > 0, "the corpus has no files");
    assert!(failures.is_empty(), "{} offers fail", failures.len());
}
