//! What the measured tests share.
#![allow(dead_code, unreachable_pub)]

use std::path::PathBuf;
use std::sync::Arc;

use layerwise_analysis::Diagnostic;
use layerwise_analysis::check::{Checker, Input, Selection};
use layerwise_model::images::{ImageConfig, Images, WellKnown};
use layerwise_model::{
    Content, Context, Dockerignore, Entry, EntryKind, File, Incomplete, Options, Platform, Tree, evaluate,
};
use layerwise_syntax::Parsed;

/// The reference material: `../shared` beside the checkout, or what `LAYERWISE_SHARED` says.
pub fn shared() -> Option<PathBuf> {
    let dir = match std::env::var_os("LAYERWISE_SHARED") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    if dir.join("corpus/files").is_dir() {
        return Some(dir);
    }
    println!("SKIPPED: no ../shared (set LAYERWISE_SHARED to the reference material)");
    None
}

/// The corpus: names and texts, in the order of the names. Bytes that are no UTF-8 are replaced.
pub fn corpus() -> Vec<(String, String)> {
    let Some(dir) = shared() else { return Vec::new() };
    let mut names: Vec<PathBuf> = std::fs::read_dir(dir.join("corpus/files"))
        .expect("corpus/files")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    let text = |path: &PathBuf| String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned();
    names
        .iter()
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text(path)))
        .collect()
}

/// Well-known images, and one that exists for a single platform.
pub struct TestImages;

impl Images for TestImages {
    fn config(&self, reference: &str, platform: &Platform) -> Option<Arc<ImageConfig>> {
        if reference.contains("amd64-only") {
            let platform = Platform::parse("linux/amd64").ok();
            return Some(Arc::new(ImageConfig { platform, ..ImageConfig::default() }));
        }
        WellKnown.config(reference, platform)
    }
}

/// The diagnostics of a text as `docker build --check` would evaluate it: of the context it knows the ignore file alone.
pub fn check(text: &str, options: Options, selection: &Selection, ignore: Option<&str>) -> Vec<Diagnostic> {
    let context = ignore.map(|ignore| Context {
        ignore: Arc::new(Dockerignore::parse(ignore)),
        ignore_file: Some(".dockerignore".to_owned()),
        incomplete: Some(Incomplete::TooSlow),
        ..Context::default()
    });
    check_in(text, options, selection, context.as_ref())
}

/// The same in a build context.
pub fn check_in(
    text: &str,
    options: Options,
    selection: &Selection,
    context: Option<&Context>,
) -> Vec<Diagnostic> {
    let file = File::new(Parsed::new(text));
    let eval = evaluate(&file, &Options { all_stages: true, ..options }, &TestImages);
    Checker::default().check(&Input { file: &file, eval: &eval, context, selection, path: None })
}

/// A build context of files, one path a line, and of others with their permission bits and texts, under an ignore file, if
/// there is one.
pub fn context_of(files: &str, texts: &[(&str, u32, String)], ignore: Option<&str>) -> Context {
    let ignored = Dockerignore::parse(ignore.unwrap_or_default());
    let mut entries = Tree::new();
    for path in files.lines().filter(|path| !path.is_empty() && ignored.in_context(path)) {
        for (at, _) in path.match_indices('/') {
            entries.insert(&path[..at], Entry::directory(0o755));
        }
        let content = Content::Unread(1);
        entries.insert(path, Entry { kind: EntryKind::File, mode: 0o644, size: 10, content, link: None });
    }
    for (path, mode, text) in texts.iter().filter(|(path, ..)| ignored.in_context(path)) {
        for (at, _) in path.match_indices('/') {
            entries.insert(&path[..at], Entry::directory(0o755));
        }
        let (kind, size, content) = (EntryKind::File, text.len() as u64, Content::nothing());
        entries.insert(path, Entry { kind, mode: *mode, size, content, link: None });
    }
    Context {
        entries,
        texts: Arc::new(texts.iter().map(|(p, _, t)| (Box::from(*p), Arc::from(t.as_str()))).collect()),
        ignore: Arc::new(ignored),
        ignore_file: ignore.map(|_| ".dockerignore".to_owned()),
        dockerfile: Some("Dockerfile".to_owned()),
        ..Context::default()
    }
}

/// The line (from 1) of a byte.
pub fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The rows of a file of the reference material's cases, if that is there.
pub fn rows(name: &str) -> Option<Vec<serde_json::Value>> {
    let text = std::fs::read_to_string(shared()?.join("cases").join(name)).expect("a file of cases");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a JSON row")).collect())
}
