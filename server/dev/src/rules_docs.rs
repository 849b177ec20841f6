//! The rules' pages, docs/rules/*.md, made from what the rules say about themselves.

use std::fmt::Write as _;

use layerwise_analysis::diagnostic::page_name;
use layerwise_analysis::rules::{Category, Meta, page};

/// Every generated page: its path in the repository and its text.
pub(crate) fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("docs/rules/README.md".to_owned(), index())];
    pages.extend(page::pages().map(|meta| (format!("docs/rules/{}", file_name(meta)), page::page(meta))));
    pages
}

fn file_name(meta: &Meta) -> String {
    page_name(meta.code, meta.name)
}

/// A table for each category, in the order of their codes.
fn index() -> String {
    let mut text =
        "# Rules\n\n`layerwise rules` prints this list, `layerwise explain RULE` a page.\n".to_owned();
    for category in Category::ALL {
        let mut rules = page::pages().filter(|meta| meta.category() == category).peekable();
        if rules.peek().is_none() {
            continue;
        }
        let name = category.as_str();
        let (first, rest) = name.split_at(1);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n## {}{rest}\n\n| code | name | severity | default | fix | also known as |\n|---|---|---|---|---|---|\n",
            first.to_uppercase()
        );
        for meta in rules {
            let default = match (meta.default, meta.policy) {
                (true, _) => "on",
                (false, true) => "off (policy)",
                (false, false) => "off",
            };
            let _ = writeln!(
                text,
                "| {} | [{}]({}) | {} | {default} | {} | {} |",
                meta.code,
                meta.name,
                file_name(meta),
                meta.severity.as_str(),
                meta.fix.as_str(),
                meta.equivalents.join(", ")
            );
        }
    }
    text
}
