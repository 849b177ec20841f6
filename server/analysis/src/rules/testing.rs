//! How rules are tested: a Dockerfile with notes below its lines, such as `   ^^^ text of the message`.

use std::sync::Arc;

use layerwise_model::images::{ImageConfig, Images, WellKnown};
use layerwise_model::{
    Content, Context, Dockerignore, Entry, EntryKind, File, Incomplete, Options, Platform, Tree, evaluate,
};
use layerwise_syntax::Parsed;

use crate::check::{Checker, Input, Selection};
use crate::fix::apply;
use crate::{Applicability, Diagnostic};

/// Well-known images, and one that exists for a single platform.
struct TestImages;

impl Images for TestImages {
    fn config(&self, reference: &str, platform: &Platform) -> Option<Arc<ImageConfig>> {
        if reference.contains("amd64-only") {
            let platform = Platform::parse("linux/amd64").ok();
            return Some(Arc::new(ImageConfig { platform, ..ImageConfig::default() }));
        }
        WellKnown.config(reference, platform)
    }
}

fn run(text: &str, selection: &Selection, context: Option<&Context>) -> Vec<Diagnostic> {
    let file = File::new(Parsed::new(text));
    let options = Options { all_stages: true, ..Options::default() };
    let eval = evaluate(&file, &options, &TestImages);
    Checker::default().check(&Input { file: &file, eval: &eval, context, selection, path: None })
}

/// The diagnostics of the default rules, or of just some (names or codes).
pub(crate) fn diagnostics(text: &str, only: &[&str]) -> Vec<Diagnostic> {
    let only = only.iter().map(|&name| name.to_owned()).collect();
    run(text, &Selection { only, ..Selection::default() }, None)
}

/// The lines (from 1) on which a rule (a code) finds something with these options, given as JSON.
pub(crate) fn lines_with(rule: &str, options: &str, text: &str) -> Vec<usize> {
    let options = serde_json::from_str(options).expect("options of rules");
    let selection = Selection { only: vec![rule.to_owned()], options, ..Selection::default() };
    let mut found = run(text, &selection, None);
    found.retain(|d| d.code == rule);
    found.iter().map(|d| line(text, d.range.start)).collect()
}

/// The messages of a rule (a code) with a build context.
pub(crate) fn with_context(rule: &str, context: &Context, text: &str) -> Vec<String> {
    let selection = Selection { only: vec![rule.to_owned()], ..Selection::default() };
    let mut found = run(text, &selection, Some(context));
    found.retain(|d| d.code == rule);
    found.into_iter().map(|d| d.message).collect()
}

/// A context of these files, directories made as needed.
pub(crate) fn context_of(files: &[&str]) -> Context {
    let mut context = Context { name: ".".to_owned(), ..Context::default() };
    for path in files {
        for (at, _) in path.match_indices('/') {
            context.entries.insert(&path[..at], Entry::directory(0o755));
        }
        let file = Entry { kind: EntryKind::File, size: 1, ..Entry::directory(0o644) };
        context.entries.insert(path, file);
    }
    context
}

/// The findings of one rule.
fn findings(rule: &str, text: &str) -> Vec<Diagnostic> {
    // Syntax errors are always reported.
    let mut found = diagnostics(text, &[rule]);
    found.retain(|d| d.code == rule);
    found
}

/// The findings of `copy-ignored-file` with an ignore file.
pub(crate) fn ignored(ignore: &str, text: &str) -> Vec<Diagnostic> {
    let context = Context {
        ignore: Arc::new(Dockerignore::parse(ignore)),
        incomplete: Some(Incomplete::TooSlow),
        ..Context::default()
    };
    let mut found = run(text, &Selection::default(), Some(&context));
    found.retain(|d| d.code == "E031");
    found
}

/// The findings of one rule (a code) in a build context that has these empty files and this ignore file. What the ignore
/// file leaves out must not be among the files.
pub(crate) fn in_context(rule: &str, files: &[&str], ignore: &str, text: &str) -> Vec<Diagnostic> {
    let mut context = Context {
        ignore: Arc::new(Dockerignore::parse(ignore)),
        ignore_file: Some(".dockerignore".to_owned()),
        ..Context::default()
    };
    for path in files {
        let content = Content::nothing();
        let entry = Entry { kind: EntryKind::File, mode: 0o644, size: 0, content, link: None };
        context.entries.insert(path, entry);
    }
    let only = vec![rule.to_owned()];
    let mut found = run(text, &Selection { only, ..Selection::default() }, Some(&context));
    found.retain(|d| d.code == rule);
    found
}

/// The messages of one rule in a build context of these files, each of a few bytes; without an ignore file if `ignore` is
/// `None`.
pub(crate) fn said_in_context(rule: &str, files: &[&str], ignore: Option<&str>, text: &str) -> Vec<String> {
    let ignored = Dockerignore::parse(ignore.unwrap_or_default());
    let mut entries = Tree::new();
    for path in files.iter().filter(|path| ignored.in_context(path)) {
        let content = Content::Unread(1);
        entries.insert(path, Entry { kind: EntryKind::File, mode: 0o644, size: 10, content, link: None });
    }
    let context = Context {
        entries,
        ignore: Arc::new(ignored),
        ignore_file: ignore.map(|_| ".dockerignore".to_owned()),
        dockerfile: Some("Dockerfile".to_owned()),
        ..Context::default()
    };
    let selection = Selection { only: vec![rule.to_owned()], ..Selection::default() };
    let found = run(text, &selection, Some(&context));
    found.into_iter().filter(|d| d.code == rule).map(|d| d.message).collect()
}

/// The diagnostics of one rule (a code) with a build context of these files, each with its text.
pub(crate) fn with_texts(rule: &str, files: &[(&str, &str)], ignore: &str, text: &str) -> Vec<Diagnostic> {
    with_modes(
        rule,
        &files.iter().map(|(path, text)| (*path, 0o644, *text)).collect::<Vec<_>>(),
        ignore,
        text,
    )
}

/// The same with permission bits. What the ignore file leaves out must not be among the files.
pub(crate) fn with_modes(
    rule: &str,
    files: &[(&str, u32, &str)],
    ignore: &str,
    text: &str,
) -> Vec<Diagnostic> {
    let mut context = Context {
        ignore: Arc::new(Dockerignore::parse(ignore)),
        ignore_file: Some(".dockerignore".to_owned()),
        ..Context::default()
    };
    let mut texts = std::collections::BTreeMap::new();
    for (path, mode, text) in files {
        for (at, _) in path.match_indices('/') {
            context.entries.insert(&path[..at], Entry::directory(0o755));
        }
        let content = Content::nothing();
        let size = text.len() as u64;
        context.entries.insert(path, Entry { kind: EntryKind::File, mode: *mode, size, content, link: None });
        texts.insert(Box::from(*path), Arc::from(*text));
    }
    context.texts = Arc::new(texts);
    let selection = Selection { only: vec![rule.to_owned()], ..Selection::default() };
    let mut found = run(text, &selection, Some(&context));
    found.retain(|d| d.code == rule);
    found
}

/// The line (from 1) of a byte.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The lines (from 1) on which a rule (a code) finds something.
pub(crate) fn lines(rule: &str, text: &str) -> Vec<usize> {
    findings(rule, text).iter().map(|d| line(text, d.range.start)).collect()
}

/// Checks that a rule (a code) finds exactly what the notes say: `^^^` below the place, then a part of the message. A
/// range that goes on below its first line is noted on the first.
pub(crate) fn check(rule: &str, annotated: &str) {
    let mut text = String::new();
    let mut expected = Vec::new();
    let mut last = 0;
    for line in annotated.split_inclusive('\n') {
        let note = line.trim();
        if !note.starts_with('^') {
            last = text.len();
            text.push_str(line);
            continue;
        }
        let column = line.len() - line.trim_start().len();
        let message = note.trim_start_matches('^');
        let length = note.len() - message.len();
        expected.push((last + column..last + column + length, message.trim().to_owned()));
    }
    let found = findings(rule, &text);
    let shown: Vec<String> =
        found.iter().map(|d| format!("{:?} {:?}: {}", d.range, &text[d.range.clone()], d.message)).collect();
    assert_eq!(found.len(), expected.len(), "{rule} found {shown:#?}");
    for (diagnostic, (range, message)) in found.iter().zip(&expected) {
        let end = text[diagnostic.range.clone()]
            .find('\n')
            .map_or(diagnostic.range.end, |at| diagnostic.range.start + at);
        assert_eq!(diagnostic.range.start..end, *range, "{rule} found {shown:#?}, expected {message}");
        assert!(diagnostic.message.contains(message.as_str()), "{} has no {message:?}", diagnostic.message);
    }
}

/// The text after the first fix of every finding of a rule (a code), one after the other until none is left. Safe fixes
/// and suggestions count.
pub(crate) fn fixed(rule: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..20 {
        let found = findings(rule, &text);
        let fix = found
            .iter()
            .flat_map(|d| d.fixes.first())
            .find(|f| f.applicability != Applicability::DisplayOnly);
        let Some(fix) = fix else { return text };
        text = apply(&text, &fix.edits).expect("edits that fit the text");
    }
    panic!("{rule} does not converge: {text}")
}
