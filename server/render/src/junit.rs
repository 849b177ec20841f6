//! JUnit's XML: a suite for each file, a failed case for each finding, and one that passed for a file without any.

use layerwise_analysis::Diagnostic;

use crate::place::Lines;
use crate::xml::escaped;

/// What stands before the suites.
pub(crate) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"layerwise\">\n";
/// What stands behind them.
pub(crate) const TAIL: &str = "</testsuites>\n";

/// One file with its findings.
pub(crate) fn suite(file: &str, lines: &Lines<'_>, found: &[Diagnostic]) -> String {
    let name = escaped(file);
    let mut out = format!(
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n",
        found.len().max(1),
        found.len()
    );
    if found.is_empty() {
        out.push_str(&format!("    <testcase name=\"check\" classname=\"{name}\"/>\n"));
    }
    for d in found {
        let place = lines.place(d.range.start);
        out.push_str(&format!(
            "    <testcase name=\"{rule}:{line}:{column}\" classname=\"{name}\">\n      \
             <failure type=\"{severity}\" message=\"{message}\">{name}:{line}:{column}: {severity}: {message}</failure>\n    \
             </testcase>\n",
            rule = escaped(d.rule),
            line = place.line,
            column = place.column,
            severity = d.severity.as_str(),
            message = escaped(&d.message)
        ));
    }
    out + "  </testsuite>\n"
}

#[cfg(test)]
mod tests {
    use crate::report::{Form, testing};

    #[test]
    fn suites_and_their_failures() {
        let text = testing::report(Form::Junit);
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="layerwise">
  <testsuite name="a b/Dockerfile" tests="2" failures="2" errors="0">
    <testcase name="stage-name-casing:1:11" classname="a b/Dockerfile">
      <failure type="warning" message="50% &lt;of&gt; &quot;it&quot;,&#10;and: �more">a b/Dockerfile:1:11: warning: 50% &lt;of&gt; &quot;it&quot;,&#10;and: �more</failure>
    </testcase>
"#;
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains(r#"<testcase name="check" classname="clean/Dockerfile"/>"#));
        assert_eq!(text.matches("<testsuite ").count(), text.matches("</testsuite>").count());
        assert_eq!(text.matches("<failure ").count(), 3);
    }
}
