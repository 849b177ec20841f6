//! The checks of `docker build --check` against BuildKit's own expectations, which are not part of the repository.

mod common;

use std::collections::BTreeMap;

use layerwise_analysis::Severity;
use layerwise_analysis::check::Selection;
use layerwise_analysis::rules;
use layerwise_model::Options;
use serde_json::Value;

/// The warnings that a row expects, sorted: check and line. BuildKit's own answer counts where it was asked. One row of
/// the lint request is wrong upstream, where lines are not compared (its README).
fn expected(row: &Value) -> Vec<(String, u64)> {
    let oracle = row["verified"] == true || row["name"] == "testLegacyKeyValueFormat#3";
    let mut found: Vec<(String, u64)> = if oracle {
        let pair =
            |w: &Value| (w[0].as_str().unwrap_or_default().to_owned(), w[1].as_u64().unwrap_or_default());
        row["oracle"]["warnings"].as_array().into_iter().flatten().map(pair).collect()
    } else {
        let pair = |w: &Value| {
            (w["rule"].as_str().unwrap_or_default().to_owned(), w["line"].as_u64().unwrap_or_default())
        };
        row["warnings"].as_array().into_iter().flatten().map(pair).collect()
    };
    found.sort();
    found
}

/// Whether a rule reports what BuildKit refuses.
fn is_refused(rule: &str) -> bool {
    rule == "syntax-error" || rules::meta(rule).is_some_and(|meta| meta.supersedes.contains(&"syntax-error"))
}

#[test]
fn buildkit_lint() {
    let Some(dir) = common::shared() else { return };
    let rows = std::fs::read_to_string(dir.join("cases/buildkit_lint.jsonl")).expect("buildkit_lint.jsonl");
    let (mut count, mut errors, mut runtime, mut wrong) = (0, 0, 0, Vec::new());
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("a row");
        count += 1;
        let text = row["dockerfile"].as_str().unwrap_or_default();
        let mut build_args = BTreeMap::new();
        let mut selection = Selection::default();
        for (key, value) in row["args"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            match key.strip_prefix("build-arg:") {
                Some("BUILDKIT_DOCKERFILE_CHECK") => selection.check_options = Some(value),
                Some(name) => drop(build_args.insert(name.to_owned(), value)),
                None => panic!("unknown argument {key}"),
            }
        }
        let options = Options { build_args, ..Options::default() };
        let found = common::check(text, options, &selection, row["dockerignore"].as_str());
        let mut warnings: Vec<(String, u64)> = found
            .iter()
            .filter_map(|d| {
                let check = rules::meta(d.rule)?.buildkit?;
                Some((check.to_owned(), common::line(text, d.range.start) as u64))
            })
            .collect();
        warnings.sort();
        let expected = expected(&row);
        if warnings != expected {
            wrong.push(format!("{}: found {warnings:?}, expected {expected:?}", row["name"]));
        }
        // What fails only while building (a file that is not found) is none of a check's business.
        if row["build_error_regex"].as_str().is_some_and(|r| r.contains("failed to compute cache key")) {
            runtime += 1;
            continue;
        }
        // Findings that `error=true` or the catalogue makes errors are none of BuildKit's own; syntax errors are.
        let fails = row["build_error"].as_str();
        let line = row["build_error_line"].as_u64();
        let is_lint = fails.is_some_and(|message| message.starts_with("lint violation"));
        let error_lines: Vec<u64> = found
            .iter()
            .filter(|d| d.severity == Severity::Error && (is_lint || is_refused(d.rule)))
            .map(|d| common::line(text, d.range.start) as u64)
            .collect();
        match (fails, line) {
            (None, _) if error_lines.is_empty() => {}
            (Some(_), None) if !error_lines.is_empty() => errors += 1,
            (Some(_), Some(line)) if error_lines.contains(&line) => errors += 1,
            _ => wrong
                .push(format!("{}: errors on {error_lines:?}, expected {fails:?} on {line:?}", row["name"])),
        }
    }
    println!(
        "buildkit_lint.jsonl: {count} rows, {} disagreements; {errors} build errors found, {runtime} rows fail only while building",
        wrong.len()
    );
    for line in &wrong {
        println!("  {line}");
    }
    assert!(count > 0 && wrong.is_empty());
}
