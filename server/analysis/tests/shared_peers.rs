//! The peers' own tests, as data: does our equivalent find something where theirs does, and nothing where it does not?

mod common;

use std::collections::BTreeMap;

use layerwise_analysis::options::{LabelKind, RuleOptions};
use layerwise_analysis::{Checker, Input, Selection, rules};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;
use serde_json::Value;

/// What was compared, by rule: agreements, rows, and the rows that differ.
#[derive(Default)]
struct Score {
    rules: BTreeMap<String, (usize, usize)>,
    without: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Score {
    fn add(&mut self, rule: &str, right: bool, row: impl FnOnce() -> String) {
        let entry = self.rules.entry(rule.to_owned()).or_default();
        entry.0 += usize::from(right);
        entry.1 += 1;
        if !right {
            self.wrong.push(row());
        }
    }

    /// Prints the table and gives the share that agrees, in percent.
    fn report(&self, what: &str) -> f64 {
        let (right, all) = self.rules.values().fold((0, 0), |sum, (r, a)| (sum.0 + r, sum.1 + a));
        let share = 100.0 * right as f64 / all.max(1) as f64;
        println!("{what}: {right} of {all} rows agree ({share:.2} %)");
        for (rule, (right, all)) in self.rules.iter().filter(|(_, (right, all))| right != all) {
            println!("  {rule}: {right} of {all}");
        }
        for (rule, rows) in &self.without {
            println!("  no equivalent: {rule} ({rows} rows)");
        }
        let only = std::env::var("LAYERWISE_RULE").unwrap_or_default();
        for row in self.wrong.iter().filter(|row| row.contains(&only)).take(120) {
            println!("  {row}");
        }
        share
    }
}

/// The lines (from 1) on which a rule with this equivalent finds something.
fn lines(dockerfile: &str, rule: &str, options: &RuleOptions) -> Vec<usize> {
    let file = File::new(Parsed::new(dockerfile));
    let eval = evaluate(&file, &Options { all_stages: true, ..Options::default() }, &WellKnown);
    let selection =
        Selection { only: vec![rule.to_owned()], options: options.clone(), ..Selection::default() };
    let input = Input { file: &file, eval: &eval, context: None, selection: &selection, path: None };
    let mut found = Checker::default().check(&input);
    found.retain(|d| d.equivalents.contains(&rule));
    found.iter().map(|d| dockerfile[..d.range.start].matches('\n').count() + 1).collect()
}

fn is_known(rule: &str) -> bool {
    rules::all().iter().any(|known| known.meta.equivalents.contains(&rule))
}

/// hadolint's options as ours.
fn options(config: &Value) -> RuleOptions {
    let texts = |name: &str| -> Vec<String> {
        let list = config[name].as_array().into_iter().flatten();
        list.filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let kind = |text: &str| match text {
        "url" => LabelKind::Url,
        "rfc3339" => LabelKind::Rfc3339,
        "semver" => LabelKind::Semver,
        "spdx" => LabelKind::Spdx,
        "hash" => LabelKind::Hash,
        "email" => LabelKind::Email,
        _ => LabelKind::Text,
    };
    let labels = config["label-schema"].as_object().into_iter().flatten();
    RuleOptions {
        trusted_registries: texts("trustedRegistries"),
        required_labels: labels.map(|(k, v)| (k.clone(), kind(v.as_str().unwrap_or_default()))).collect(),
        strict_labels: config["strict-labels"] == true,
        ..RuleOptions::default()
    }
}

#[test]
fn hadolint() {
    let Some(rows) = common::rows("hadolint.jsonl") else { return };
    let mut score = Score::default();
    for row in &rows {
        let rule = row["rule"].as_str().unwrap_or_default();
        if !rule.starts_with("DL") {
            continue;
        }
        if !is_known(rule) {
            *score.without.entry(rule.to_owned()).or_default() += 1;
            continue;
        }
        let dockerfile = row["dockerfile"].as_str().unwrap_or_default();
        let found = lines(dockerfile, rule, &options(&row["config"]));
        let expected = row["expect"] == true;
        score.add(rule, found.is_empty() != expected, || {
            format!("{rule} {}: expected {expected}, found {found:?} in {dockerfile:?}", row["test"])
        });
    }
    let share = score.report("hadolint.jsonl");
    assert!(share >= 98.0, "{share:.2} % of hadolint's rows agree");
}

#[test]
fn tally() {
    let Some(rows) = common::rows("tally_rules.jsonl") else { return };
    let mut score = Score::default();
    for row in rows.iter().filter(|row| matches!(row["trust"].as_str(), Some("executed" | "asserted"))) {
        let Some(full) = row["rule"].as_str() else { continue };
        // Theirs are `tally/name`; of the others' rules they have their own copies.
        let rule = full.strip_prefix("buildkit/").or(full.strip_prefix("hadolint/")).unwrap_or(full);
        if !row["config"].is_null() || row["context"] == true {
            continue;
        }
        if !is_known(rule) {
            *score.without.entry(rule.to_owned()).or_default() += 1;
            continue;
        }
        let dockerfile = row["dockerfile"].as_str().unwrap_or_default();
        let Some(count) = row["count"].as_u64() else { continue };
        let found = lines(dockerfile, rule, &RuleOptions::default());
        score.add(rule, found.is_empty() == (count == 0), || {
            format!("{rule} {}: {count} of theirs, ours at {found:?} in {dockerfile:?}", row["func"])
        });
    }
    score.report("tally_rules.jsonl");
}
