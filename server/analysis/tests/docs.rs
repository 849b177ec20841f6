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

/// Whether the rule, or `syntax-error`, finds something. A block such as `json package.json` or `sh run.sh 0755` or
/// `sh run.sh crlf` is a file of the build context; there is a context only for rules that need one, and with such blocks.
fn finds(rule: &str, blocks: &[(&str, &str)]) -> bool {
    let files: Vec<(&str, u32, String)> = blocks
        .iter()
        .filter_map(|(info, text)| {
            let mut words = info.split(' ').skip(1);
            let (path, how) = (words.next()?, words.next().unwrap_or("0644"));
            let mode = u32::from_str_radix(how, 8).unwrap_or(0o755);
            let text = format!("{text}\n");
            Some((path, mode, if how == "crlf" { text.replace('\n', "\r\n") } else { text }))
        })
        .collect();
    let of = |language: &str| blocks.iter().find(|(l, _)| *l == language).map(|(_, text)| *text);
    let text = format!("{}\n", of("dockerfile").expect("a dockerfile block"));
    let options =
        of("json").map(|json| serde_json::from_str(json).expect("options of rules")).unwrap_or_default();
    // What an example ignores must run to be missed.
    let ignored = text.split("ignore[").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0.to_owned()));
    let only = std::iter::once(rule.to_owned()).chain(ignored).collect();
    let selection = Selection { only, options, ..Selection::default() };
    let ignore = of("dockerignore");
    let list = of("context").or(of("files"));
    let wants = rules::meta(rule).is_some_and(|meta| meta.context);
    let found = if list.is_some() || !files.is_empty() || (wants && ignore.is_none()) {
        let context = common::context_of(list.unwrap_or_default(), &files, ignore);
        common::check_in(&text, Options::default(), &selection, Some(&context))
    } else {
        // A context without files would say that there is nothing to copy.
        common::check(&text, Options::default(), &selection, ignore)
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
        // The ignore file and the files of the example hold for both, unless they are there again.
        let mut instead = blocks(meta.doc, "Use instead");
        let name = |info: &str| info.split(' ').nth(1).unwrap_or(info).to_owned();
        let said: Vec<String> = instead.iter().map(|(info, _)| name(info)).collect();
        instead
            .extend(example.iter().filter(|(info, _)| *info != "dockerfile" && !said.contains(&name(info))));
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
