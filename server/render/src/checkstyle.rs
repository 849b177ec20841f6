//! Checkstyle's XML, which many CI systems read.

use layerwise_analysis::{Diagnostic, Severity};

use crate::place::Lines;
use crate::xml::escaped;

/// What stands before the files.
pub(crate) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n";
/// What stands behind them.
pub(crate) const TAIL: &str = "</checkstyle>\n";

/// One file with its findings.
pub(crate) fn file(file: &str, lines: &Lines<'_>, found: &[Diagnostic]) -> String {
    let mut out = format!("  <file name=\"{}\">\n", escaped(file));
    for d in found {
        let place = lines.place(d.range.start);
        let severity = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info | Severity::Hint => "info",
        };
        out.push_str(&format!(
            "    <error line=\"{}\" column=\"{}\" severity=\"{severity}\" message=\"{}\" source=\"{}\"/>\n",
            place.line,
            place.column,
            escaped(&d.message),
            escaped(d.rule)
        ));
    }
    out + "  </file>\n"
}

#[cfg(test)]
mod tests {
    use crate::report::{Form, testing};

    #[test]
    fn files_and_their_errors() {
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<checkstyle version="4.3">
  <file name="a b/Dockerfile">
    <error line="1" column="11" severity="warning" message="50% &lt;of&gt; &quot;it&quot;,&#10;and: �more" source="stage-name-casing"/>
    <error line="2" column="1" severity="error" message="No." source="syntax-error"/>
  </file>
  <file name="clean/Dockerfile">
  </file>
  <file name="c,d:e.Dockerfile">
    <error line="2" column="1" severity="error" message="No." source="syntax-error"/>
  </file>
</checkstyle>
"#;
        assert_eq!(testing::report(Form::Checkstyle), expected);
    }
}
