//! The peers' own tests, as data: does our equivalent find something where theirs does, and nothing where it does not?

mod common;

use std::collections::{BTreeMap, BTreeSet};

use layerwise_analysis::options::{LabelKind, RuleOptions};
use layerwise_analysis::{Checker, Input, Selection, rules};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate};
use layerwise_syntax::Parsed;
use serde_json::Value;

/// Rows of tally's that differ because theirs and ours mean something else by the same rule, and why ours stays: the rule, how
/// many rows, the reason. Rows beyond these count as unexplained.
const TALLY_EXPLAINED: &[(&str, usize, &str)] = &[
    (
        "ConsistentInstructionCasing",
        1,
        "BuildKit's check neither counts nor finds ARG before the first FROM; theirs does",
    ),
    (
        "tally/invalid-onbuild-trigger",
        3,
        "ONBUILD, FROM and MAINTAINER as triggers: they report these under hadolint's name, DL3043; ours is one rule",
    ),
    (
        "tally/prefer-add-git",
        1,
        "an exec form clones a moving branch just as well; they look at shell forms only",
    ),
    (
        "tally/prefer-package-cache-mounts",
        1,
        "`apk add --no-cache` keeps nothing, and without it apk keeps packages only where /etc/apk/cache is",
    ),
    (
        "tally/prefer-copy-chmod",
        1,
        "`chmod +x file` right below WORKDIR means the copied file; they compare the text",
    ),
    (
        "tally/ruby/missing-bundle-deployment",
        1,
        "the setting `frozen` enforces the lock file too, which is what the rule is about",
    ),
    (
        "tally/ruby/prefer-secret-mounts-for-build-credentials",
        1,
        "a name that says token: ours reports it as secret-in-arg-env, and one thing once",
    ),
    ("tally/user-created-but-never-used", 1, "PowerShell is not read"),
    (
        "tally/world-writable-state-path-workaround",
        1,
        "`chmod +w` without a who obeys the umask, so only the owner may write",
    ),
];

/// The same of the fixtures, by findings instead of rows.
const FIXTURES_EXPLAINED: &[(&str, usize, &str)] = &[
    ("DL3006", 1, "`check=skip=hadolint/DL3006`: BuildKit, whose comment it is, knows no prefixes"),
    ("StageNameCasing", 1, "the same with `buildkit/`: BuildKit goes on reporting it"),
    ("DL3038", 1, "`dnf update` asks too"),
    ("DL3043", 1, "one rule of ours for it and tally/invalid-onbuild-trigger: it is found under both names"),
    ("tally/invalid-onbuild-trigger", 1, "the same the other way round"),
    ("DL3057", 2, "they ask a registry whether the base image has a HEALTHCHECK"),
    ("DL4006", 1, "`echo` on the left of a pipe does not fail"),
    ("InvalidBaseImagePlatform", 3, "their test registry has images of other platforms than the real one"),
    ("tally/circular-stage-deps", 2, "the same finding, at another stage of the circle"),
    (
        "tally/php/composer-no-dev-in-production",
        1,
        "in a stage from which nothing reaches the image that is built",
    ),
    (
        "tally/prefer-package-cache-mounts",
        3,
        "apk as above; uv keeps the Pythons that it downloads in no cache unless UV_PYTHON_CACHE_DIR is set; and where \
         Bundler keeps gems depends on BUNDLE_PATH and GEM_HOME, so ours names no mount",
    ),
    (
        "tally/ruby/prefer-secret-mounts-for-build-credentials",
        2,
        "names that say key or token: ours reports them as secret-in-arg-env, and one thing once",
    ),
    ("tally/sort-packages", 3, "Chocolatey is not read; a list with variables has no order that can be told"),
    ("tally/user-explicit-group-drops-supplementary-groups", 3, "cmd and PowerShell are not read"),
];

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

/// Theirs are `tally/name`; of the others' rules they have their own copies.
fn own_name(full: &str) -> &str {
    full.strip_prefix("buildkit/").or(full.strip_prefix("hadolint/")).unwrap_or(full)
}

#[test]
fn tally() {
    let Some(rows) = common::rows("tally_rules.jsonl") else { return };
    let mut score = Score::default();
    for row in rows.iter().filter(|row| matches!(row["trust"].as_str(), Some("executed" | "asserted"))) {
        let Some(full) = row["rule"].as_str() else { continue };
        let rule = own_name(full);
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
    let share = score.report("tally_rules.jsonl");
    let open = explain(&score.rules, TALLY_EXPLAINED);
    let all: usize = score.rules.values().map(|(_, all)| all).sum();
    assert!(open <= all / 100, "{open} of {all} rows differ without a reason");
    assert!(share >= 95.0, "{share:.2} % of tally's rows agree");
}

/// Prints which of the differences have a reason, and gives how many have none.
fn explain(rules: &BTreeMap<String, (usize, usize)>, explained: &[(&str, usize, &str)]) -> usize {
    let mut open = 0;
    for (rule, (right, all)) in rules.iter().filter(|(_, (right, all))| right != all) {
        let known: usize = explained.iter().filter(|e| e.0 == rule).map(|e| e.1).sum();
        let rest = (all - right).saturating_sub(known);
        open += rest;
        for (_, count, why) in explained.iter().filter(|e| e.0 == rule) {
            println!("  explained: {rule} ({count}): {why}");
        }
        if rest > 0 {
            println!("  NOT explained: {rule} ({rest})");
        }
    }
    println!("  without an explanation: {open}");
    open
}

/// The rules that a fixture switches on; `None` where it leaves that to their defaults.
fn included(config: &str) -> Option<Vec<String>> {
    let config: toml::Table = config.parse().ok()?;
    let rules = config.get("rules")?.as_table()?;
    let names = |key: &str| -> Vec<String> {
        let list = rules.get(key).and_then(toml::Value::as_array).into_iter().flatten();
        list.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    names("exclude").iter().any(|name| name == "*").then(|| names("include"))
}

/// Rule by rule, what both find, what only they do and what only we do. A finding is a rule at an instruction: they and we
/// choose other lines of it. Of rows that only tell the text after their fixes (mode `fix`), a row is one finding, there if
/// their fix changed something or their report names an issue.
#[test]
fn tally_fixtures() {
    let Some(rows) = common::rows("tally_fixtures.jsonl") else { return };
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut without: BTreeMap<String, usize> = BTreeMap::new();
    let mut differ = Vec::new();
    for row in rows.iter().filter(|row| matches!(row["trust"].as_str(), Some("executed" | "asserted"))) {
        let Some(rules) = included(row["config"].as_str().unwrap_or_default()) else { continue };
        let dockerfile = row["dockerfile"].as_str().unwrap_or_default();
        let registries = ["docker.io".to_owned()].to_vec();
        let options = RuleOptions { trusted_registries: registries, ..RuleOptions::default() };
        let file = File::new(Parsed::new(dockerfile));
        let starts: Vec<usize> = dockerfile.match_indices('\n').map(|(at, _)| at + 1).collect();
        // The instruction of a line, counted from 1; what stands in none is a place of its own.
        let place = |line: usize| {
            let start = if line < 2 { 0 } else { starts.get(line - 2).copied().unwrap_or(dockerfile.len()) };
            let end = starts.get(line.saturating_sub(1)).copied().unwrap_or(dockerfile.len());
            let found = file.all().map(|(number, _, _)| number).find(|&number| {
                let range = file.range(number);
                range.start < end && start < range.end
            });
            found.map_or((1, line), |number| (0, number))
        };
        for full in &rules {
            let rule = own_name(full);
            if !is_known(rule) {
                *without.entry(rule.to_owned()).or_default() += 1;
                continue;
            }
            let ours = lines(dockerfile, rule, &options);
            let entry = counts.entry(rule.to_owned()).or_default();
            if let Some(violations) = row["violations"].as_array() {
                let of_rule = violations.iter().filter(|v| v["rule"] == full.as_str());
                let line = |v: &Value| v["line"].as_u64().unwrap_or_default() as usize;
                let theirs: BTreeSet<_> = of_rule.map(|v| place(line(v))).collect();
                let ours: BTreeSet<_> = ours.into_iter().map(place).collect();
                entry[0] += theirs.intersection(&ours).count();
                for (side, only) in [(1, theirs.difference(&ours)), (2, ours.difference(&theirs))] {
                    for (_, at) in only {
                        entry[side] += 1;
                        differ.push(format!(
                            "{rule} {}: {} at {at}",
                            row["name"],
                            ["", "theirs", "ours"][side]
                        ));
                    }
                }
            } else {
                let changed = row["fixed"] != row["dockerfile"];
                let named = row["report"]
                    .as_str()
                    .is_some_and(|report| report.contains("issue** in") || report.contains("issues** in"));
                let theirs = changed || named;
                // With several rules, which of them found it is not said.
                if rules.len() > 1 && theirs {
                    continue;
                }
                match (theirs, !ours.is_empty()) {
                    (true, true) => entry[0] += 1,
                    (false, false) => {}
                    (theirs, _) => {
                        entry[if theirs { 1 } else { 2 }] += 1;
                        let side = if theirs { "theirs" } else { "ours" };
                        differ.push(format!("{rule} {}: {side} (by its fix)", row["name"]));
                    }
                }
            }
        }
    }
    println!("tally_fixtures.jsonl: both / theirs only / ours only");
    for (rule, [both, theirs, ours]) in &counts {
        println!("  {rule}: {both} / {theirs} / {ours}");
    }
    for (rule, rows) in &without {
        println!("  no equivalent: {rule} ({rows} rows)");
    }
    for row in &differ {
        println!("  {row}");
    }
    let score: BTreeMap<String, (usize, usize)> = counts
        .iter()
        .map(|(rule, [both, theirs, ours])| (rule.clone(), (*both, both + theirs + ours)))
        .collect();
    let (right, all) = score.values().fold((0, 0), |sum, (r, a)| (sum.0 + r, sum.1 + a));
    let share = 100.0 * right as f64 / all.max(1) as f64;
    println!("tally_fixtures.jsonl: {right} of {all} findings agree ({share:.2} %)");
    let open = explain(&score, FIXTURES_EXPLAINED);
    assert!(open <= all / 20, "{open} of {all} findings differ without a reason");
}
