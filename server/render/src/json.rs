//! JSON for programs: the findings of `layerwise check --format json`.

use layerwise_analysis::{Diagnostic, Fix};
use serde::Serialize;

use crate::place::{Lines, Place};

/// One finding, as an object of the array.
#[derive(Debug, Serialize)]
pub struct Finding {
    file: String,
    range: Span,
    rule: &'static str,
    code: &'static str,
    severity: &'static str,
    message: String,
    equivalents: &'static [&'static str],
    fixes: Vec<Title>,
}

/// A range; its end is exclusive. Lines and columns from 1, columns in Unicode scalar values.
#[derive(Debug, Serialize)]
pub struct Span {
    start: Position,
    end: Position,
}

#[derive(Debug, Serialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Debug, Serialize)]
struct Title {
    title: String,
    applicability: &'static str,
}

impl From<Place> for Position {
    fn from(place: Place) -> Position {
        Position { line: place.line, column: place.column }
    }
}

/// A range of bytes as JSON has it.
pub fn span(lines: &Lines<'_>, range: &std::ops::Range<usize>) -> Span {
    Span { start: lines.place(range.start).into(), end: lines.place(range.end.max(range.start)).into() }
}

/// A finding in `file`, whose text `lines` are of.
pub fn finding(file: &str, lines: &Lines<'_>, diagnostic: &Diagnostic) -> Finding {
    let title = |fix: &Fix| Title { title: fix.title.clone(), applicability: fix.applicability.as_str() };
    Finding {
        file: file.to_owned(),
        range: span(lines, &diagnostic.range),
        rule: diagnostic.rule,
        code: diagnostic.code,
        severity: diagnostic.severity.as_str(),
        message: diagnostic.message.clone(),
        equivalents: diagnostic.equivalents,
        fixes: diagnostic.fixes.iter().map(title).collect(),
    }
}

/// Elements of an array, one a line, with commas between them: line tools can work on it.
pub fn elements<T: Serialize>(elements: &[T]) -> String {
    // Strings, numbers and lists of them: nothing that serialization could refuse.
    let lines: Vec<String> = elements.iter().map(|e| serde_json::to_string(e).unwrap_or_default()).collect();
    lines.join(",\n")
}

/// An array with one element a line.
pub fn array<T: Serialize>(all: &[T]) -> String {
    if all.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", elements(all)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layerwise_analysis::{Applicability, Severity};

    #[test]
    fn a_finding_has_the_documented_shape() {
        let text = "FROM a AS é\nRUN x";
        let diagnostic = Diagnostic {
            range: 10..12,
            rule: "stage-name-casing",
            code: "T003",
            severity: Severity::Warning,
            message: "m".to_owned(),
            equivalents: &["StageNameCasing"],
            related: Vec::new(),
            fixes: vec![Fix { title: "t".to_owned(), applicability: Applicability::Safe, edits: Vec::new() }],
            unnecessary: false,
            deprecated: false,
        };
        let found = finding("a/Dockerfile", &Lines::new(text), &diagnostic);
        let expected = concat!(
            "[\n",
            r#"{"file":"a/Dockerfile","range":{"start":{"line":1,"column":11},"end":{"line":1,"column":12}},"#,
            r#""rule":"stage-name-casing","code":"T003","severity":"warning","message":"m","#,
            r#""equivalents":["StageNameCasing"],"fixes":[{"title":"t","applicability":"safe"}]}"#,
            "\n]\n"
        );
        assert_eq!(array(&[found]), expected);
        assert_eq!(array::<Finding>(&[]), "[]\n");
    }
}
