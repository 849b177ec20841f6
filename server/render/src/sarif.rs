//! SARIF 2.1.0, which code scanning services read.
//!
//! Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; the sections are named where they
//! say something that is not in the schema.

use std::collections::BTreeSet;

use layerwise_analysis::{Diagnostic, Fix, Severity, check, rules};
use serde_json::{Value, json};

use crate::place::Lines;

/// Where rules are explained.
const RULES_URL: &str = "https://github.com/layerwise/layerwise/blob/main/docs/rules/";

/// What stands before the results.
pub(crate) const HEAD: &str = "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[\n\
     {\"columnKind\":\"unicodeCodePoints\",\"results\":[\n";

/// What stands behind them: the tool, with the rules that found something.
pub(crate) fn tail(found: &BTreeSet<&str>) -> String {
    let described: Vec<Value> = found.iter().map(|name| rule(name)).collect();
    let tool = json!({ "driver": {
        "name": "layerwise",
        "version": env!("CARGO_PKG_VERSION"),
        "informationUri": "https://github.com/layerwise/layerwise",
        "rules": described,
    }});
    format!("],\"tool\":{tool}}}\n]}}\n")
}

fn rule(name: &str) -> Value {
    let Some(meta) = rules::meta(name).or((name == check::SYNTAX.name).then_some(&check::SYNTAX)) else {
        return json!({ "id": name });
    };
    let what = meta.doc.split("## What it does").nth(1).unwrap_or(meta.doc);
    let what = what.trim().split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let mut described = json!({
        "id": meta.name,
        "name": meta.code,
        "shortDescription": { "text": what },
        "defaultConfiguration": { "level": level(meta.severity) },
        "properties": { "tags": [meta.category().as_str()] },
    });
    if meta.code != check::SYNTAX.code {
        described["helpUri"] = json!(format!("{RULES_URL}{}-{}.md", meta.code, meta.name));
    }
    described
}

/// The results of one file, with commas between them.
pub(crate) fn results(file: &str, lines: &Lines<'_>, found: &[Diagnostic]) -> String {
    let location = json!({ "uri": uri(file) });
    let results: Vec<String> = found.iter().map(|d| result(&location, lines, d).to_string()).collect();
    results.join(",\n")
}

fn result(location: &Value, lines: &Lines<'_>, found: &Diagnostic) -> Value {
    let physical = |range| json!({ "artifactLocation": location, "region": region(lines, range) });
    let mut result = json!({
        "ruleId": found.rule,
        "level": level(found.severity),
        "message": { "text": found.message },
        "locations": [{ "physicalLocation": physical(&found.range) }],
    });
    if !found.related.is_empty() {
        let related = found
            .related
            .iter()
            .map(|(range, note)| json!({ "physicalLocation": physical(range), "message": { "text": note } }));
        result["relatedLocations"] = related.collect();
    }
    let fixes: Vec<Value> = found
        .fixes
        .iter()
        .filter(|fix| !fix.edits.is_empty())
        .map(|found| fix(location, lines, found))
        .collect();
    if !fixes.is_empty() {
        result["fixes"] = fixes.into();
    }
    result
}

fn fix(location: &Value, lines: &Lines<'_>, fix: &Fix) -> Value {
    let replacements = fix.edits.iter().map(|edit| {
        let mut replacement = json!({ "deletedRegion": region(lines, &edit.range) });
        if !edit.text.is_empty() {
            replacement["insertedContent"] = json!({ "text": edit.text });
        }
        replacement
    });
    json!({
        "description": { "text": format!("{} ({})", fix.title, fix.applicability.as_str()) },
        "artifactChanges": [{
            "artifactLocation": location,
            "replacements": replacements.collect::<Vec<_>>(),
        }],
    })
}

/// The end is the column of the character behind the region (3.30.8).
fn region(lines: &Lines<'_>, range: &std::ops::Range<usize>) -> Value {
    let (start, end) = (lines.place(range.start), lines.place(range.end.max(range.start)));
    json!({
        "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Hint => "note",
    }
}

/// A path as a URI reference (RFC 3986): what has a meaning there is escaped.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        // A colon in the first segment would end a scheme.
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Form, testing};

    #[test]
    fn a_log_has_what_was_found() {
        // server/cli/tests/commands/schemas.rs holds logs against the schema.
        let log: Value = serde_json::from_str(&testing::report(Form::Sarif)).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results");
        assert_eq!(results.len(), 3);
        let first = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(first["artifactLocation"]["uri"], "a%20b/Dockerfile");
        assert_eq!(
            first["region"],
            json!({ "startLine": 1, "startColumn": 11, "endLine": 1, "endColumn": 12 })
        );
        assert_eq!(
            results[2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "c%2Cd%3Ae.Dockerfile"
        );
        let change = &results[1]["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(change["insertedContent"]["text"], "COPY");
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
        assert_eq!(
            rules.iter().map(|r| r["id"].as_str().unwrap()).collect::<Vec<_>>(),
            ["stage-name-casing", "syntax-error"]
        );
    }

    #[test]
    fn every_rule_can_be_described() {
        for rule in rules::all() {
            let described = super::rule(rule.meta.name);
            assert!(
                described["shortDescription"]["text"].as_str().is_some_and(|t| t.len() > 10),
                "{described}"
            );
        }
    }

    #[test]
    fn absolute_paths_are_file_uris() {
        assert_eq!(uri("/w/Ä"), "file:///w/%C3%84");
    }
}
