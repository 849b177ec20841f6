//! Every rule's page: the headings, and that the example triggers the rule and what to use instead does not.

mod common;

use layerwise_analysis::check::Selection;
use layerwise_analysis::rules;
use layerwise_model::Options;

/// The code blocks below a heading, each with its language.
fn blocks<'a>(doc: &'a str, heading: &str) -> Vec<(&'a str, &'a str)> {
    let Some((_, rest)) = doc.split_once(&format!("## {heading}\n")) else { return Vec::new() };
    let section = rest.split("\n## ").next().unwrap_or_default();
    let fences = section.split("\n```").skip(1).step_by(2);
    fences.filter_map(|fence| fence.split_once('\n')).collect()
}

/// Whether the rule, or `syntax-error`, finds something.
fn finds(rule: &str, blocks: &[(&str, &str)]) -> bool {
    let of = |language: &str| blocks.iter().find(|(l, _)| *l == language).map(|(_, text)| *text);
    let text = format!("{}\n", of("dockerfile").expect("a dockerfile block"));
    let options =
        of("json").map(|json| serde_json::from_str(json).expect("options of rules")).unwrap_or_default();
    // What an example ignores must run to be missed.
    let ignored = text.split("ignore[").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0.to_owned()));
    let only = std::iter::once(rule.to_owned()).chain(ignored).collect();
    let selection = Selection { only, options, ..Selection::default() };
    let ignore = of("dockerignore");
    let found = match of("context").or(of("files")) {
        Some(files) => {
            let context = common::context_of(files, ignore);
            common::check_in(&text, Options::default(), &selection, Some(&context))
        }
        // A context without files would say that there is nothing to copy.
        None => common::check(&text, Options::default(), &selection, ignore),
    };
    found.iter().any(|d| d.rule == rule)
}

#[test]
fn examples_are_right() {
    for rule in rules::all() {
        let meta = &rule.meta;
        let headings: Vec<&str> = meta.doc.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, ["What it does", "Why it matters", "Example", "Use instead"], "{}", meta.name);
        let example = blocks(meta.doc, "Example");
        assert!(finds(meta.name, &example), "{}: the example does not trigger it", meta.name);
        // The ignore file and the options of the example hold for both.
        let mut instead = blocks(meta.doc, "Use instead");
        instead.extend(example.iter().filter(|(language, _)| *language != "dockerfile"));
        assert!(!finds(meta.name, &instead), "{}: what to use instead triggers it", meta.name);
        assert!(!finds("syntax-error", &instead), "{}: what to use instead does not build", meta.name);
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = rules::all().iter().flat_map(|r| [r.meta.name, r.meta.code]).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    let checks: std::collections::BTreeSet<&str> =
        rules::all().iter().filter_map(|r| r.meta.buildkit).collect();
    assert_eq!(checks.len(), 22, "{checks:?}");
}
