//! Workflow commands of GitHub Actions, which become annotations of a pull request.
//!
//! Source: GitHub Docs, "Workflow commands for GitHub Actions".

use layerwise_analysis::{Diagnostic, Severity};

use crate::place::Lines;

/// A command for each finding, each on a line of its own.
pub(crate) fn commands(file: &str, lines: &Lines<'_>, found: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in found {
        let command = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info | Severity::Hint => "notice",
        };
        let (start, end) = (lines.place(d.range.start), lines.place(d.range.end.max(d.range.start)));
        let mut place = format!("line={},endLine={}", start.line, end.line);
        // Columns are understood on one line only.
        if start.line == end.line {
            place.push_str(&format!(",col={},endColumn={}", start.column, end.column));
        }
        let title = format!("{} ({})", d.rule, d.code);
        out.push_str(&format!(
            "::{command} file={},{place},title={}::{}\n",
            property(file),
            property(&title),
            data(&d.message)
        ));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use crate::report::{Form, testing};

    #[test]
    fn each_finding_is_a_command() {
        let expected = "\
::warning file=a b/Dockerfile,line=1,endLine=1,col=11,endColumn=12,title=stage-name-casing (T003)::50%25 <of> \"it\",%0Aand: \u{1b}more
::error file=a b/Dockerfile,line=2,endLine=3,title=syntax-error (E000)::No.
::error file=c%2Cd%3Ae.Dockerfile,line=2,endLine=3,title=syntax-error (E000)::No.
";
        assert_eq!(testing::report(Form::Github), expected);
    }
}
