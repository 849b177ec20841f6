//! Every fix at once.

use std::collections::HashSet;

use layerwise_model::images::Images;
use layerwise_model::{Context, Evaluation, File, Options, evaluate_again};
use layerwise_syntax::Document;

use crate::check::{Checker, Input, Selection};
use crate::diagnostic::Diagnostic;
use crate::fix::{Applicability, Edit, Fix, apply};

/// Beyond so many fixes in a file, those that do not touch each other are applied in one step: each step looks at the
/// whole file.
const ONE_BY_ONE: usize = 200;

/// What fixes are made with.
#[derive(Clone, Copy)]
pub struct Fixing<'a> {
    /// Which rules run.
    pub selection: &'a Selection,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
    /// The Dockerfile's path as far as it is known.
    pub path: Option<&'a str>,
    /// The build that is meant, with all stages.
    pub options: &'a Options,
    /// What is known of base images.
    pub images: &'a dyn Images,
    /// Whether suggestions are applied too, and not only what is safe.
    pub suggestions: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The text after all fixes.
    pub text: String,
    /// The rule and the title of each fix that was applied, in order.
    pub applied: Vec<(&'static str, String)>,
    /// Whether nothing is left to fix. Otherwise fixes go on making work for each other, and the text is not one to keep.
    pub converged: bool,
}

/// Applies fixes until none is left: of the first finding in the order of the text that has one, the first that is
/// wanted; then of what is found in the new text, and so on. In a file with more than 200 fixes, each step applies all
/// that do not touch each other.
pub fn fix_all(text: &str, with: &Fixing<'_>) -> Fixed {
    let mut document = Document::new(text);
    let mut checker = Checker::default();
    let mut last: Option<Evaluation> = None;
    let mut text = text.to_owned();
    let mut applied = Vec::new();
    let mut refused: HashSet<(&'static str, String)> = HashSet::new();
    let mut budget = None;
    loop {
        let file = File::new(document.parsed().clone());
        let eval = evaluate_again(&file, with.options, with.images, last.as_ref());
        let input = Input {
            file: &file,
            eval: &eval,
            context: with.context,
            selection: with.selection,
            path: with.path,
        };
        let found = checker.check(&input);
        last = Some(eval);
        let mut fixes = wanted(&found, with.suggestions);
        fixes.retain(|(rule, fix)| !refused.contains(&(*rule, fix.title.clone())));
        // Each fix mends its finding and may uncover another; what goes on beyond that does not end.
        let left = budget.get_or_insert(4 * fixes.len() + 20);
        if fixes.is_empty() || *left == 0 {
            return Fixed { text, applied, converged: fixes.is_empty() };
        }
        let chosen =
            if fixes.len() > ONE_BY_ONE { disjoint(&fixes) } else { fixes.into_iter().take(1).collect() };
        let edits: Vec<Edit> = chosen.iter().flat_map(|(_, fix)| fix.edits.iter().cloned()).collect();
        let after = apply(&text, &edits).filter(|after| *after != text);
        let Some(after) = after.filter(|_| edit(&mut document, &edits)) else {
            // A fix that does not fit the text is a rule's mistake; the others still stand.
            refused.extend(chosen.into_iter().map(|(rule, fix)| (rule, fix.title.clone())));
            document = Document::new(&text);
            continue;
        };
        *left = left.saturating_sub(chosen.len());
        applied.extend(chosen.into_iter().map(|(rule, fix)| (rule, fix.title.clone())));
        text = after;
    }
}

/// The first wanted fix of each finding, in the order of the text.
fn wanted(found: &[Diagnostic], suggestions: bool) -> Vec<(&'static str, &Fix)> {
    let is_wanted = |fix: &&Fix| {
        let promise = fix.applicability;
        promise == Applicability::Safe || suggestions && promise == Applicability::Suggestion
    };
    found
        .iter()
        .filter_map(|d| Some((d.rule, d.fixes.iter().filter(|f| !f.edits.is_empty()).find(is_wanted)?)))
        .collect()
}

/// Those that do not touch an earlier one.
fn disjoint<'a>(fixes: &[(&'static str, &'a Fix)]) -> Vec<(&'static str, &'a Fix)> {
    let span = |fix: &Fix| {
        let start = fix.edits.iter().map(|e| e.range.start).min().unwrap_or_default();
        let end = fix.edits.iter().map(|e| e.range.end).max().unwrap_or_default();
        (start, end)
    };
    let mut sorted: Vec<_> = fixes.iter().map(|(rule, fix)| (span(fix), *rule, *fix)).collect();
    sorted.sort_by_key(|(span, _, _)| *span);
    let mut taken = Vec::new();
    let mut end = None;
    for ((from, to), rule, fix) in sorted {
        // Touching is too close for an insertion.
        if end.is_none_or(|end| from > end) {
            end = Some(to);
            taken.push((rule, fix));
        }
    }
    taken
}

/// Applies edits that fit, from the last to the first so that earlier places stay.
fn edit(document: &mut Document, edits: &[Edit]) -> bool {
    let mut sorted: Vec<(usize, &Edit)> = edits.iter().enumerate().collect();
    sorted.sort_by_key(|(number, e)| std::cmp::Reverse((e.range.start, e.range.end, *number)));
    sorted.into_iter().all(|(_, e)| document.edit(e.range.clone(), &e.text).is_ok())
}

#[cfg(test)]
mod tests {
    use layerwise_model::images::WellKnown;
    use layerwise_syntax::Parsed;

    use super::*;

    fn with<'a>(selection: &'a Selection, options: &'a Options, suggestions: bool) -> Fixing<'a> {
        Fixing { selection, context: None, path: None, options, images: &WellKnown, suggestions }
    }

    /// One fix after another, each found from nothing.
    fn one_after_another(text: &str, suggestions: bool) -> String {
        let (selection, options) = (Selection::default(), Options { all_stages: true, ..Options::default() });
        let mut text = text.to_owned();
        for _ in 0..200 {
            let file = File::new(Parsed::new(&text));
            let eval = layerwise_model::evaluate(&file, &options, &WellKnown);
            let input = Input { file: &file, eval: &eval, context: None, selection: &selection, path: None };
            let found = Checker::default().check(&input);
            let Some((_, fix)) = wanted(&found, suggestions).into_iter().next() else { return text };
            text = apply(&text, &fix.edits).expect("edits that fit");
        }
        panic!("does not end: {text}")
    }

    const MIXED: &str = "from debian:12 as Build\nENV a b\nMAINTAINER me\nWORKDIR x\nRUN a \\\n\n  b\nEXPOSE 80/TCP\nCMD x y\n\
                         FROM debian:12 As build2\nCOPY --from=Build /x /x\nENV c d\nCMD [\"x\"]\n";

    #[test]
    fn together_is_one_after_another() {
        for suggestions in [false, true] {
            let (selection, options) =
                (Selection::default(), Options { all_stages: true, ..Options::default() });
            let fixed = fix_all(MIXED, &with(&selection, &options, suggestions));
            assert!(fixed.converged && fixed.applied.len() > 3, "{fixed:?}");
            assert_eq!(fixed.text, one_after_another(MIXED, suggestions), "suggestions: {suggestions}");
            let again = fix_all(&fixed.text, &with(&selection, &options, suggestions));
            assert_eq!((again.text, again.applied), (fixed.text, Vec::new()));
        }
    }

    #[test]
    fn many_fixes_come_out_the_same() {
        // Another rule would delete all but the first ENV.
        let selection = Selection { only: vec!["legacy-key-value".to_owned()], ..Selection::default() };
        let options = Options { all_stages: true, ..Options::default() };
        let few = "FROM debian:12\n".to_owned() + &"ENV a b\n".repeat(150);
        let many = "FROM debian:12\n".to_owned() + &"ENV a b\n".repeat(2 * ONE_BY_ONE);
        for text in [few, many] {
            let fixed = fix_all(&text, &with(&selection, &options, true));
            assert!(fixed.converged);
            assert_eq!(fixed.text, text.replace("ENV a b", "ENV a=b"));
        }
    }

    #[test]
    fn fixes_that_touch_wait_for_the_next_step() {
        let fix = |from, to| Fix::replace("", from..to, "x");
        let all = [fix(10, 12), fix(2, 4), fix(12, 13), fix(3, 5), fix(20, 21)];
        let fixes: Vec<_> = all.iter().map(|fix| ("r", fix)).collect();
        let starts: Vec<_> = disjoint(&fixes).iter().map(|(_, f)| f.edits[0].range.start).collect();
        assert_eq!(starts, [2, 10, 20]);
    }
}
