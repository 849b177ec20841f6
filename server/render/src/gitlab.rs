//! A code quality report of GitLab.
//!
//! Source: GitLab Docs, "Code Quality", "Code Quality report format".

use std::collections::HashMap;

use layerwise_analysis::{Diagnostic, Severity};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::place::Lines;

/// The issues of one file, with commas between them.
pub(crate) fn issues(file: &str, lines: &Lines<'_>, found: &[Diagnostic]) -> String {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut issues = Vec::with_capacity(found.len());
    for d in found {
        let (start, end) = (lines.place(d.range.start), lines.place(d.range.end.max(d.range.start)));
        let severity = match d.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Info => "minor",
            Severity::Hint => "info",
        };
        // The same finding has the same fingerprint when lines above it come and go.
        let line = lines.text().get(lines.range(start.line - 1)).unwrap_or_default().trim();
        let what = format!("{file}\0{}\0{line}", d.rule);
        let times = seen.entry(what.clone()).or_default();
        *times += 1;
        let issue = json!({
            "description": d.message,
            "check_name": d.rule,
            "fingerprint": fingerprint(&what, *times),
            "severity": severity,
            "location": { "path": file, "lines": { "begin": start.line, "end": end.line } },
        });
        issues.push(issue.to_string());
    }
    issues.join(",\n")
}

fn fingerprint(what: &str, times: usize) -> String {
    let hash = Sha256::digest(format!("{what}\0{times}"));
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::place::Lines;
    use crate::report::{Form, testing};

    #[test]
    fn issues_have_the_documented_fields() {
        let all: Value = serde_json::from_str(&testing::report(Form::Gitlab)).expect("JSON");
        let all = all.as_array().expect("an array");
        assert_eq!(all.len(), 3);
        for issue in all {
            assert!(issue["description"].is_string() && issue["check_name"].is_string());
            assert!(
                ["info", "minor", "major", "critical", "blocker"]
                    .contains(&issue["severity"].as_str().unwrap())
            );
            assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        }
        assert_eq!(all[1]["location"]["path"], "a b/Dockerfile");
        assert_eq!(all[1]["location"]["lines"], serde_json::json!({ "begin": 2, "end": 3 }));
    }

    #[test]
    fn fingerprints_are_unique_and_do_not_hang_on_the_line_number() {
        let fingerprints = |text: &str, shift: usize| -> Vec<String> {
            let mut found = testing::findings();
            found.push(found[0].clone());
            for d in &mut found {
                d.range = d.range.start + shift..d.range.end + shift;
                d.related.clear();
            }
            let issues = super::issues("f", &Lines::new(text), &found);
            let issues: Vec<Value> = serde_json::from_str(&format!("[{issues}]")).expect("JSON");
            issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap().to_owned()).collect()
        };
        let here = fingerprints(testing::TEXT, 0);
        let mut unique = here.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 3);
        assert_eq!(fingerprints(&format!("# new\n{}", testing::TEXT), 6), here);
    }
}
