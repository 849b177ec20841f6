//! The rules' pages, docs/rules/*.md, made from what the rules say about themselves.

use std::fmt::Write as _;

use layerwise_analysis::rules::{self, Meta};

/// Every generated page: its path in the repository and its text.
pub(crate) fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("docs/rules/README.md".to_owned(), index())];
    pages.extend(
        rules::all().iter().map(|rule| (format!("docs/rules/{}", file_name(&rule.meta)), page(&rule.meta))),
    );
    pages
}

fn file_name(meta: &Meta) -> String {
    format!("{}-{}.md", meta.code, meta.name)
}

/// One line per rule, in the order of their codes.
fn index() -> String {
    let mut text = "# Rules\n\n| code | name | severity | also known as |\n|---|---|---|---|\n".to_owned();
    for rule in rules::all() {
        let meta = &rule.meta;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | [{}]({}) | {} | {} |",
            meta.code,
            meta.name,
            file_name(meta),
            meta.severity.as_str(),
            meta.equivalents.join(", ")
        );
    }
    text
}

fn page(meta: &Meta) -> String {
    let mut rows = vec![("Code", meta.code.to_owned()), ("Severity", meta.severity.as_str().to_owned())];
    if let Some(check) = meta.buildkit {
        rows.push(("Check of `docker build --check`", format!("`{check}`")));
    }
    let others: Vec<String> =
        meta.equivalents.iter().filter(|e| Some(**e) != meta.buildkit).map(|e| format!("`{e}`")).collect();
    if !others.is_empty() {
        rows.push(("Also known as", others.join(", ")));
    }
    let on = match (meta.experimental, meta.default) {
        (true, _) => {
            format!("only where `# check=experimental={}` asks for it", meta.buildkit.unwrap_or(meta.name))
        }
        (false, true) => "yes".to_owned(),
        (false, false) => "only if it is selected".to_owned(),
    };
    rows.push(("On by default", on));
    if meta.context {
        rows.push(("Needs the build context", "yes".to_owned()));
    }
    let table: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
    format!("# {}\n\n| | |\n|---|---|\n{table}\n{}", meta.name, meta.doc)
}
