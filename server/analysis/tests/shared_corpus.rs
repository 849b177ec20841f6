//! All default rules over thousands of real files, which are not part of the repository. `SAMPLE=12` prints that many
//! random findings of every rule.

mod common;

use std::collections::BTreeMap;

use layerwise_analysis::check::Selection;
use layerwise_model::Options;

#[test]
fn findings() {
    let files = common::corpus();
    let sample: usize = std::env::var("SAMPLE").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut found: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    let mut with: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, text) in &files {
        let diagnostics = common::check(text, Options::default(), &Selection::default(), None);
        let mut rules: Vec<&str> = diagnostics.iter().map(|d| d.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            *with.entry(rule).or_default() += 1;
        }
        for d in &diagnostics {
            assert!(text.get(d.range.clone()).is_some(), "{name}: {d:?}");
            let shown: String = text[d.range.clone()].chars().take(80).collect();
            let line = common::line(text, d.range.start);
            found
                .entry((d.code, d.rule))
                .or_default()
                .push(format!("{name}:{line}: `{shown}`: {}", d.message));
        }
    }
    println!("{} files", files.len());
    for ((code, rule), findings) in &found {
        println!("{code} {rule}: {} findings in {} files", findings.len(), with[rule]);
        // A fixed stride over a hash of the place, so that a sample is the same on every run.
        let mut order: Vec<&String> = findings.iter().collect();
        order.sort_by_key(|text| {
            text.bytes().fold(7u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
        });
        for text in order.into_iter().take(sample) {
            println!("    {text}");
        }
    }
    assert!(files.is_empty() || found.len() > 10);
}
