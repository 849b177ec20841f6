//! The page of a rule: what `layerwise explain` prints, and docs/rules has.

use std::fmt::Write as _;

use layerwise_syntax::suggest;
use serde_json::Value;

use super::{FixClass, Meta, all};
use crate::check::SYNTAX;
use crate::options::RuleOptions;
use crate::shellcheck::{self, SHELLCHECK};

/// Every rule that has a page, in the order of [`all`]; what is reported beside the rules comes first.
pub fn pages() -> impl Iterator<Item = &'static Meta> {
    [&SYNTAX, &SHELLCHECK].into_iter().chain(all().iter().map(|rule| &rule.meta))
}

/// The rules of a name: their own, a code, or another tool's, of which one may stand for several. Any case.
pub fn named(name: &str) -> Vec<&'static Meta> {
    let called = |meta: &&'static Meta| {
        meta.is_called(name) || meta.equivalents.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    let mut found: Vec<&'static Meta> = pages().filter(called).collect();
    if found.is_empty() && shellcheck::is_code(name) {
        found.push(&SHELLCHECK);
    }
    found
}

/// Names like one that no rule has: those that it may be a misspelling of, then those that have it as a part. At most five.
pub fn near(name: &str) -> Vec<&'static str> {
    let names = || {
        pages().flat_map(|meta| [meta.name, meta.code].into_iter().chain(meta.equivalents.iter().copied()))
    };
    let lower = name.to_ascii_lowercase();
    let mut found: Vec<&'static str> = Vec::new();
    let misspelt = names().filter(|known| suggest::is_misspelling(name, known));
    let parts = names().filter(|known| lower.len() >= 3 && known.to_ascii_lowercase().contains(&lower));
    for near in suggest::search(name, names(), false).into_iter().chain(misspelt).chain(parts) {
        if found.len() < 5 && !found.contains(&near) {
            found.push(near);
        }
    }
    found
}

impl FixClass {
    /// The name in JSON: `none`, `safe`, `sometimes`, `suggestion`.
    pub fn as_str(self) -> &'static str {
        match self {
            FixClass::None => "none",
            FixClass::Safe => "safe",
            FixClass::Sometimes => "sometimes",
            FixClass::Suggestion => "suggestion",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            FixClass::None => "There is no fix: what is right is for somebody who knows the project to say.",
            FixClass::Safe => {
                "Safe: the built image is the same. `layerwise fix` and `source.fixAll.layerwise` apply it."
            }
            FixClass::Sometimes => {
                "Some findings have a safe fix, which `layerwise fix` and `source.fixAll.layerwise` apply: the built image is the \
                 same, or the fix is what the file certainly meant. For others the fix is a suggestion, or there is none."
            }
            FixClass::Suggestion => {
                "A suggestion: look at it before you take it. `layerwise fix --unsafe` applies it, `layerwise fix` does not."
            }
        }
    }
}

/// The page in Markdown: a table, the rule's own text, and what follows from what it is.
pub fn page(meta: &Meta) -> String {
    let mut rows = vec![
        ("Code", meta.code.to_owned()),
        ("Category", meta.category().as_str().to_owned()),
        (
            "Severity",
            if meta.code == SHELLCHECK.code {
                "ShellCheck's".to_owned()
            } else {
                meta.severity.as_str().to_owned()
            },
        ),
    ];
    let default = match (meta.experimental, meta.default, meta.policy) {
        _ if meta.code == SHELLCHECK.code => {
            "no: it needs `--shellcheck` or the setting `shellcheck`".to_owned()
        }
        (true, _, _) => {
            format!("only where `# check=experimental={}` asks for it", meta.buildkit.unwrap_or(meta.name))
        }
        (false, true, _) => "yes".to_owned(),
        (false, false, true) => "no: it enforces what a team agreed on; select it by its name".to_owned(),
        (false, false, false) => "no: select it by its name".to_owned(),
    };
    rows.push(("On by default", default));
    if meta.context {
        rows.push(("Needs the build context", "yes".to_owned()));
    }
    let mut text = format!("# {}\n\n| | |\n|---|---|\n", meta.name);
    for (name, value) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {name} | {value} |");
    }
    // A page is a text file: a carriage return of an example would not outlive git's line ends.
    let doc = meta.doc.replace('\r', "");
    let _ = write!(text, "\n{doc}\n## Fix safety\n\n{}\n", meta.fix.sentence());
    if !meta.equivalents.is_empty() || meta.buildkit.is_some() {
        text.push_str("\n## Equivalents\n\n");
        for name in
            meta.equivalents.iter().copied().chain(meta.buildkit.filter(|b| !meta.equivalents.contains(b)))
        {
            let _ = writeln!(text, "* {}", whose(name, meta));
        }
    }
    if !meta.supersedes.is_empty() {
        let names: Vec<String> = meta.supersedes.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(text, "\nWhere it finds something, {} stays silent.\n", names.join(", "));
    }
    if !meta.options.is_empty() {
        text.push_str("\n## Options\n\nIn `layerwise.toml` under `[rules]`:\n\n");
        for name in meta.options {
            let _ = writeln!(text, "* `{name}`: {}", option_text(name).unwrap_or_default());
        }
    }
    text
}

/// A peer's name for a rule, and which peer that is.
fn whose(name: &str, meta: &Meta) -> String {
    let peer = match name {
        _ if meta.buildkit == Some(name) => "a check of `docker build --check`",
        _ if name.starts_with("DL") => "hadolint",
        _ if name.starts_with("tally/") => "tally",
        _ if shellcheck::is_code(name) => "ShellCheck",
        _ => return format!("`{name}`"),
    };
    format!("`{name}` ({peer})")
}

/// What an option does, as the schema of the configuration has it; `None` if there is no such option.
fn option_text(name: &str) -> Option<String> {
    let schema: Value = schemars::schema_for!(RuleOptions).to_value();
    let text = schema.get("properties")?.get(name)?.get("description")?.as_str()?;
    Some(text.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_by_all_their_names() {
        for name in ["duplicate-stage-name", "E003", "e003", "DuplicateStageName", "DL3024", "dl3024"] {
            let found: Vec<&str> = named(name).iter().map(|meta| meta.name).collect();
            assert!(found.contains(&"duplicate-stage-name"), "{name}: {found:?}");
        }
        assert_eq!(named("SC2086").iter().map(|meta| meta.name).collect::<Vec<_>>(), ["shellcheck"]);
        assert_eq!(named("E000").first().map(|meta| meta.name), Some("syntax-error"));
        assert!(named("nothing-like-it").is_empty());
        assert_eq!(near("duplicate-stage-nam").first(), Some(&"duplicate-stage-name"));
        assert!(near("casing").iter().any(|name| name.contains("casing")));
        assert!(near("casing").len() <= 5 && near("qqqqqqqqqqqqqqqq").is_empty());
    }

    #[test]
    fn every_page_says_what_it_must() {
        for meta in pages() {
            let page = page(meta);
            for heading in ["## What it does", "## Why it matters", "## Fix safety"] {
                assert_eq!(page.matches(&format!("\n{heading}\n")).count(), 1, "{}: {heading}", meta.name);
            }
            assert_eq!(page.contains("\n## Equivalents\n"), !meta.equivalents.is_empty(), "{}", meta.name);
            for option in meta.options {
                assert!(option_text(option).is_some(), "{}: there is no option {option}", meta.name);
                assert!(page.contains(&format!("* `{option}`: ")), "{}", meta.name);
            }
        }
        assert!(option_text("trusted-registries").is_some_and(|text| text.contains("base images")));
        assert_eq!(option_text("nothing"), None);
    }
}
