//! The findings of many files in the form that a program reads: what stands before them, each file's part, what stands
//! behind. Parts are made apart, so that files can be looked at on many threads.

use std::collections::BTreeSet;

use layerwise_analysis::Diagnostic;

use crate::place::Lines;
use crate::{checkstyle, github, gitlab, json, junit, sarif};

/// A form for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An array of findings.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
    /// Checkstyle's XML.
    Checkstyle,
    /// JUnit's XML.
    Junit,
}

impl Form {
    /// What stands before all parts.
    pub fn head(self) -> &'static str {
        match self {
            Form::Json | Form::Gitlab => "[\n",
            Form::Sarif => sarif::HEAD,
            Form::Github => "",
            Form::Checkstyle => checkstyle::HEAD,
            Form::Junit => junit::HEAD,
        }
    }

    /// One file's part; empty if there is nothing to say of it.
    pub fn part(self, file: &str, lines: &Lines<'_>, found: &[Diagnostic]) -> String {
        match self {
            Form::Json => {
                json::elements(&found.iter().map(|d| json::finding(file, lines, d)).collect::<Vec<_>>())
            }
            Form::Sarif => sarif::results(file, lines, found),
            Form::Github => github::commands(file, lines, found),
            Form::Gitlab => gitlab::issues(file, lines, found),
            Form::Checkstyle => checkstyle::file(file, lines, found),
            Form::Junit => junit::suite(file, lines, found),
        }
    }

    /// What stands between two parts that are not empty.
    pub fn separator(self) -> &'static str {
        match self {
            Form::Json | Form::Gitlab | Form::Sarif => ",\n",
            Form::Github | Form::Checkstyle | Form::Junit => "",
        }
    }

    /// What stands behind all parts. `any` says whether one was not empty, `rules` are the names of those that found
    /// something.
    pub fn tail(self, any: bool, rules: &BTreeSet<&str>) -> String {
        let end = if any { "\n" } else { "" };
        match self {
            Form::Json | Form::Gitlab => format!("{end}]\n"),
            Form::Sarif => format!("{end}{}", sarif::tail(rules)),
            Form::Github => String::new(),
            Form::Checkstyle => checkstyle::TAIL.to_owned(),
            Form::Junit => junit::TAIL.to_owned(),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use layerwise_analysis::{Applicability, Edit, Fix, Severity};

    use super::*;

    /// A text with two findings, one of them with everything that a finding can have.
    pub(crate) const TEXT: &str = "FROM a AS é\nRUN x \\\n  && y\n";

    pub(crate) fn findings() -> Vec<Diagnostic> {
        let plain = Diagnostic {
            range: 10..12,
            rule: "stage-name-casing",
            code: "T003",
            severity: Severity::Warning,
            message: "50% <of> \"it\",\nand: \u{1b}more".to_owned(),
            equivalents: &["StageNameCasing"],
            related: Vec::new(),
            fixes: Vec::new(),
            unnecessary: false,
            deprecated: false,
        };
        let edits = vec![Edit { range: 13..16, text: "COPY".to_owned() }];
        let full = Diagnostic {
            range: 13..27,
            rule: "syntax-error",
            code: "E000",
            severity: Severity::Error,
            message: "No.".to_owned(),
            equivalents: &[],
            related: vec![(0..4, "here".to_owned())],
            fixes: vec![Fix { title: "Mend it".to_owned(), applicability: Applicability::Safe, edits }],
            ..plain.clone()
        };
        vec![plain, full]
    }

    /// A report of a file with findings and one without any.
    pub(crate) fn report(form: Form) -> String {
        let (lines, found) = (Lines::new(TEXT), findings());
        let rules = found.iter().map(|d| d.rule).collect();
        let part = form.part("a b/Dockerfile", &lines, &found);
        let clean = form.part("clean/Dockerfile", &lines, &[]);
        let other = form.part("c,d:e.Dockerfile", &lines, &found[1..]);
        let parts: Vec<String> = [part, clean, other].into_iter().filter(|part| !part.is_empty()).collect();
        form.head().to_owned() + &parts.join(form.separator()) + &form.tail(true, &rules)
    }

    #[test]
    fn a_report_of_nothing_is_well_formed() {
        for form in [Form::Json, Form::Sarif, Form::Gitlab] {
            let text = form.head().to_owned() + &form.tail(false, &BTreeSet::new());
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
        assert_eq!(Form::Json.head().to_owned() + &Form::Json.tail(false, &BTreeSet::new()), "[\n]\n");
    }
}
