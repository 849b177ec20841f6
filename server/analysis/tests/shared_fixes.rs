//! What every fix promises, over the rules' own examples and over thousands of real files (which are not part of the
//! repository): it fits the text, mends its finding, adds no error, and applying fixes ends.

mod common;

use std::collections::BTreeMap;

use layerwise_analysis::check::Selection;
use layerwise_analysis::fix::apply;
use layerwise_analysis::fix_all::{Fixing, fix_all};
use layerwise_analysis::{Applicability, Diagnostic, Fix, Severity, rules};
use layerwise_model::Options;

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    common::check(text, Options::default(), &Selection::default(), None)
}

fn errors(found: &[Diagnostic]) -> usize {
    found.iter().filter(|d| d.severity == Severity::Error).count()
}

/// How much a rule finds: its findings and the other places that they name.
fn findings(found: &[Diagnostic], rule: &str) -> usize {
    found.iter().filter(|d| d.rule == rule).map(|d| 1 + d.related.len()).sum()
}

/// Applies one fix and compares.
fn try_fix(
    name: &str,
    text: &str,
    before: &[Diagnostic],
    diagnostic: &Diagnostic,
    fix: &Fix,
    wrong: &mut Vec<String>,
) {
    let mut complain = |what: &str| {
        let line = common::line(text, diagnostic.range.start);
        wrong.push(format!("{name}:{line}: {} ({}): {what}", diagnostic.rule, fix.title));
    };
    let Some(after) = apply(text, &fix.edits) else { return complain("the edits do not fit") };
    if after == text {
        return complain("it changes nothing");
    }
    let found = diagnostics(&after);
    if errors(&found) > errors(before) {
        complain("it adds an error");
    }
    let again = match diagnostic.rule {
        // Behind one error there may be another.
        "syntax-error" => {
            found.iter().any(|d| d.range.start == diagnostic.range.start && d.message == diagnostic.message)
        }
        rule => findings(&found, rule) >= findings(before, rule),
    };
    if again {
        complain("the finding is still there");
    }
}

fn check_all(name: &str, text: &str, counts: &mut BTreeMap<&'static str, usize>, wrong: &mut Vec<String>) {
    let before = diagnostics(text);
    for diagnostic in &before {
        for fix in &diagnostic.fixes {
            *counts.entry(diagnostic.rule).or_default() += 1;
            try_fix(name, text, &before, diagnostic, fix, wrong);
        }
    }
    // One after the other, from the end so that earlier ranges stay, until nothing is left to fix.
    let mut text = text.to_owned();
    for round in 0.. {
        let found = diagnostics(&text);
        let mut fixed = String::new();
        let mut edits = Vec::new();
        let mut from = usize::MAX;
        for fix in found.iter().rev().filter_map(|d| d.fixes.first()) {
            let end = fix.edits.iter().map(|e| e.range.end).max().unwrap_or_default();
            let start = fix.edits.iter().map(|e| e.range.start).min().unwrap_or_default();
            if end < from {
                edits.extend(fix.edits.iter().cloned());
                from = start;
            }
        }
        if !edits.is_empty() {
            fixed = apply(&text, &edits).expect("edits that do not overlap");
        }
        if edits.is_empty() {
            break;
        }
        if round == 20 {
            wrong.push(format!("{name}: fixes do not end"));
            break;
        }
        text = fixed;
    }
}

fn report(what: &str, counts: &BTreeMap<&str, usize>, wrong: &[String]) {
    println!("{what}: {} fixes, {} wrong: {counts:?}", counts.values().sum::<usize>(), wrong.len());
    for line in wrong.iter().take(40) {
        println!("  {line}");
    }
    assert!(wrong.is_empty(), "{what}: {} wrong", wrong.len());
}

#[test]
fn examples() {
    let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
    for rule in rules::all() {
        for block in rule.meta.doc.split("```dockerfile\n").skip(1) {
            let text = block.split("```").next().unwrap_or_default();
            check_all(rule.meta.name, text, &mut counts, &mut wrong);
        }
    }
    report("examples", &counts, &wrong);
    assert!(counts.len() > 10);
}

#[test]
fn corpus() {
    let files = common::corpus();
    let (mut counts, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, text) in &files {
        check_all(name, text, &mut counts, &mut wrong);
    }
    report(&format!("corpus of {} files", files.len()), &counts, &wrong);
}

/// All fixes of a file together, and one after another, each found from nothing.
fn combined(name: &str, text: &str, compared: bool, wrong: &mut Vec<String>) -> usize {
    let (selection, options) = (Selection::default(), Options { all_stages: true, ..Options::default() });
    let mut count = 0;
    for suggestions in [false, true] {
        let with = Fixing {
            selection: &selection,
            context: None,
            path: None,
            options: &options,
            images: &common::TestImages,
            suggestions,
        };
        let fixed = fix_all(text, &with);
        count += fixed.applied.len();
        let mut other = text.to_owned();
        // More than 200 at once are applied in groups.
        let steps = if !compared || fixed.applied.len() > 200 { 0 } else { fixed.applied.len() };
        for _ in 0..steps {
            let found = common::check(&other, options.clone(), &selection, None);
            let wanted = |fix: &&Fix| {
                !fix.edits.is_empty()
                    && (fix.applicability == Applicability::Safe
                        || suggestions && fix.applicability == Applicability::Suggestion)
            };
            let Some(fix) = found.iter().find_map(|d| d.fixes.iter().find(wanted)) else { break };
            other = apply(&other, &fix.edits).expect("edits that fit");
        }
        if !fixed.converged {
            wrong.push(format!("{name}: suggestions {suggestions}: does not converge: {:?}", fixed.applied));
        } else if steps > 0 && fixed.text != other {
            wrong.push(format!("{name}: suggestions {suggestions}: together is not one after another"));
        }
        if !suggestions && errors(&diagnostics(&fixed.text)) > errors(&diagnostics(text)) {
            wrong.push(format!("{name}: safe fixes add an error"));
        }
    }
    count
}

#[test]
fn together() {
    let files = common::corpus();
    let (mut count, mut wrong) = (0, Vec::new());
    for (index, (name, text)) in files.iter().enumerate() {
        // Looking at a file anew for each fix takes long.
        count += combined(name, text, index % 20 == 0, &mut wrong);
    }
    println!("{count} fixes in {} files, applied together: {} wrong", files.len(), wrong.len());
    for line in wrong.iter().take(40) {
        println!("  {line}");
    }
    assert!(wrong.is_empty(), "{} wrong", wrong.len());
}
