//! An engine whose answers show what it was told, and that can be made slow and made to panic.
//!
//! Every `ERR` in a text is a finding, with everything that a finding can have. `PANIC` makes computing diagnostics panic,
//! `PANIC-OPEN` makes opening panic, `PANIC-EDIT` in an edit makes that edit panic. Folding takes until
//! [`TestEngine::release`], whether it is cancelled or not. Hover says what the engine knows, as JSON. Hints and lenses are
//! out of date when the settings are others than those that they were given for. `BROKEN` in a text: it has no plan.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use layerwise_lsp::engine::*;
use layerwise_syntax::text::Text;
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct TestEngine(Arc<Shared>);

#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    released: Mutex<bool>,
    release: Condvar,
    changed: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
    /// How often diagnostics were computed to the end.
    computed: Mutex<usize>,
    /// How many slow requests have begun.
    slow: Mutex<usize>,
    /// The settings that hints were given for, and lenses.
    hinted: Mutex<Option<Value>>,
    lensed: Mutex<Option<Value>>,
    baseline: Mutex<String>,
    pages: Mutex<Vec<(String, String)>>,
}

#[derive(Default, Clone)]
struct Told {
    settings: Value,
    folders: Vec<PathBuf>,
    files: Vec<(PathBuf, FileEvent)>,
}

impl TestEngine {
    /// Ends all slow work, now and from now on.
    pub(crate) fn release(&self) {
        *self.0.released.lock().unwrap() = true;
        self.0.release.notify_all();
    }

    /// How many pieces of slow work have begun.
    pub(crate) fn slow(&self) -> usize {
        *self.0.slow.lock().unwrap()
    }

    pub(crate) fn pages(&self) -> Vec<(String, String)> {
        self.0.pages.lock().unwrap().clone()
    }

    pub(crate) fn computed(&self) -> usize {
        *self.0.computed.lock().unwrap()
    }

    /// Says that something outside the documents changed.
    pub(crate) fn change_the_world(&self) {
        self.0.told.lock().unwrap().settings = json!("changed world");
        self.0.changed.lock().unwrap().as_ref().expect("the server subscribed")();
    }
}

impl Engine for TestEngine {
    fn features(&self) -> Features {
        Features {
            diagnostics: true,
            hover: true,
            inlay_hints: true,
            folding: true,
            selection: true,
            symbols: true,
            code_lenses: true,
            plan: true,
            settle: Duration::ZERO,
            code_action_kinds: vec!["quickfix", "refactor.rewrite"],
            watch: vec!["**/.dockerignore"],
        }
    }

    fn open(&self, text: Text, path: Option<&Path>, language_id: &str) -> Box<dyn Document> {
        let text = text.to_string();
        assert!(!text.contains("PANIC-OPEN"), "opening panics");
        let saved = text.clone();
        let path = path.map(Path::to_owned);
        Box::new(TestDocument {
            shared: self.0.clone(),
            text,
            saved,
            edits: 0,
            path,
            language_id: language_id.into(),
        })
    }

    fn configure(&self, settings: &Value) -> Vec<String> {
        self.0.told.lock().unwrap().settings = settings.clone();
        let unknown = settings.as_object().into_iter().flatten().filter(|(key, _)| *key != "engine");
        unknown.map(|(key, _)| format!("layerwise.{key}: unknown setting")).collect()
    }

    fn folders(&self, folders: &[PathBuf]) {
        self.0.told.lock().unwrap().folders = folders.to_vec();
    }

    fn files_changed(&self, changes: &[(PathBuf, FileEvent)]) {
        self.0.told.lock().unwrap().files.extend_from_slice(changes);
    }

    fn load(&self, path: &Path) -> Option<Arc<dyn Analysis>> {
        let text = Text::new(&format!("# {}", path.display()));
        path.starts_with("/project").then(|| self.open(text, Some(path), "dockerfile").view())
    }

    fn read_log(&self, path: &Path) -> Result<String, String> {
        Ok(format!("log of {}", path.display()))
    }

    fn write_page(&self, name: &str, page: &str) -> Result<PathBuf, String> {
        self.0.pages.lock().unwrap().push((name.to_owned(), page.to_owned()));
        Ok("/cache/page.html".into())
    }

    fn dockerfiles(&self) -> Vec<PathBuf> {
        vec!["/project/Dockerfile".into(), "/project/other/Dockerfile".into(), "/gone/Dockerfile".into()]
    }

    fn subscribe(&self, changed: Box<dyn Fn() + Send + Sync>) {
        *self.0.changed.lock().unwrap() = Some(changed);
    }
}

struct TestDocument {
    shared: Arc<Shared>,
    text: String,
    saved: String,
    edits: usize,
    path: Option<PathBuf>,
    language_id: String,
}

impl Document for TestDocument {
    fn edit(&mut self, range: Range<usize>, new: &str) {
        assert!(!new.contains("PANIC-EDIT"), "editing panics");
        self.text.replace_range(range, new);
        self.edits += 1;
    }

    fn saved(&mut self) {
        self.saved = self.text.clone();
    }

    fn view(&mut self) -> Arc<dyn Analysis> {
        let told = self.shared.told.lock().unwrap().clone();
        let files = told.files.iter().map(|(path, event)| json!([path, format!("{event:?}")]));
        let known = json!({
            "text": self.text, "edits": self.edits, "saved": self.saved, "settings": told.settings,
            "folders": told.folders, "files": files.collect::<Vec<_>>(), "path": self.path, "language": self.language_id,
        });
        Arc::new(TestAnalysis { shared: self.shared.clone(), text: self.text.clone(), known })
    }
}

struct TestAnalysis {
    shared: Arc<Shared>,
    text: String,
    known: Value,
}

impl TestAnalysis {
    fn errors(&self) -> Vec<Diagnostic> {
        let found = self.text.match_indices("ERR").map(|(at, _)| Diagnostic {
            range: at..at + 3,
            severity: Severity::Error,
            code: "TestRule".to_owned(),
            url: Some("https://example.org/TestRule".to_owned()),
            message: format!("of a text of {} bytes", self.text.len()),
            related: vec![Related { range: 0..0, message: "the start".to_owned() }],
            tags: vec![Tag::Unnecessary, Tag::Deprecated],
            data: json!({"at": at}),
        });
        found.collect()
    }
}

impl Analysis for TestAnalysis {
    fn diagnostics(&self, _: &Cancel) -> Vec<Diagnostic> {
        assert!(!self.text.contains("PANIC"), "a rule panics");
        *self.shared.computed.lock().unwrap() += 1;
        self.errors()
    }

    fn code_actions(&self, range: Range<usize>, _: Option<&[String]>, _: &Cancel) -> Vec<CodeAction> {
        let touched = self.errors().into_iter().filter(|found| found.range.start <= range.end);
        let touched = touched.filter(|found| range.start <= found.range.end).collect::<Vec<_>>();
        let action = |id: &str, kind, fixes: Vec<Diagnostic>, disabled: Option<&str>| CodeAction {
            id: id.to_owned(),
            range: range.clone(),
            title: format!("Do {id}"),
            kind,
            preferred: id == "fix",
            fixes,
            disabled: disabled.map(str::to_owned),
        };
        vec![
            action("fix", "quickfix", touched, None),
            action("rewrite", "refactor.rewrite", Vec::new(), None),
            action("never", "refactor.rewrite", Vec::new(), Some("not here")),
        ]
    }

    fn resolve(&self, id: &str, range: Range<usize>, _: &Cancel) -> Option<Vec<Edit>> {
        (id != "never").then(|| vec![Edit { range, new_text: format!("<{id}>") }])
    }

    fn code_lenses(&self, _: &Cancel) -> Vec<CodeLens> {
        *self.shared.lensed.lock().unwrap() = Some(self.known["settings"].clone());
        let lens = |title: &str, action| CodeLens { range: 0..4, title: title.to_owned(), action };
        let build = self.build_command(Some("build")).expect("a command");
        vec![
            lens("this edit", LensAction::ShowPlan),
            lens("compared", LensAction::ChooseBaseline),
            lens("build", LensAction::Build(build)),
        ]
    }

    fn settle(&self, _: &Cancel) -> Settled {
        let now = Some(self.known["settings"].clone());
        let changed = |last: &Mutex<Option<Value>>| {
            let mut last = last.lock().unwrap();
            last.is_some() && std::mem::replace(&mut *last, now.clone()) != now
        };
        Settled {
            hints_changed: changed(&self.shared.hinted),
            lenses_changed: changed(&self.shared.lensed),
            diagnostics_changed: false,
            plan: Some((json!({"rebuilt": self.text.lines().count()}), json!({"kind": "opened"}))),
        }
    }

    fn plan(&self, what_if: &WhatIf, _: &Cancel) -> Result<Value, String> {
        if self.text.contains("BROKEN") {
            return Err("It is broken.".to_owned());
        }
        Ok(
            json!({"text": self.text, "paths": what_if.paths, "args": what_if.build_args, "target": what_if.target}),
        )
    }

    fn graph(&self, _: &Cancel) -> Result<Value, String> {
        Ok(json!({"vertices": self.text.len()}))
    }

    fn export(&self, format: Format, _: &Cancel) -> Result<String, String> {
        Ok(format!("{format:?} of {}", self.text))
    }

    fn affected_by(&self, files: &[PathBuf], _: &Cancel) -> Option<Value> {
        let found = files.iter().any(|file| !file.starts_with("/nowhere"));
        found.then(|| json!({"files": files, "of": self.text}))
    }

    fn build_command(&self, target: Option<&str>) -> Result<BuildCommand, String> {
        let target = target.unwrap_or("last").to_owned();
        let argv = vec!["docker".to_owned(), target.clone()];
        Ok(BuildCommand { line: argv.join(" "), argv, cwd: Some("/project".into()), target })
    }

    fn mark_built(&self) -> Result<String, String> {
        Ok("It counts as built.".to_owned())
    }

    fn learn(&self, log: &str) -> Result<Value, String> {
        Ok(json!({"log": log}))
    }

    fn baselines(&self) -> Vec<Baseline> {
        let chosen = self.shared.baseline.lock().unwrap().clone();
        let baseline = |id: &str, title: &str| Baseline {
            id: id.to_owned(),
            title: title.to_owned(),
            chosen: id == chosen,
        };
        vec![baseline("auto", "by itself"), baseline("head", "HEAD")]
    }

    fn choose_baseline(&self, id: &str) -> Result<String, String> {
        if id == "nothing" {
            return Err("There is no such thing.".to_owned());
        }
        *self.shared.baseline.lock().unwrap() = id.to_owned();
        Ok(format!("Compared with {id}."))
    }

    fn inlay_hints(&self, range: Range<usize>, _: &Cancel) -> Vec<InlayHint> {
        *self.shared.hinted.lock().unwrap() = Some(self.known["settings"].clone());
        let hint = |offset: usize| InlayHint {
            offset,
            label: format!("at {offset}"),
            markdown: Some("*why*".to_owned()),
        };
        vec![hint(range.start), hint(range.end)]
    }

    fn hover(&self, offset: usize, _: &Cancel) -> Option<Hover> {
        assert!(self.text.get(offset..offset + 5) != Some("PANIC"), "hovering panics");
        Some(Hover { range: offset..self.text.len(), markdown: self.known.to_string() })
    }

    fn folding(&self, _: &Cancel) -> Vec<Fold> {
        *self.shared.slow.lock().unwrap() += 1;
        let released = self.shared.released.lock().unwrap();
        drop(self.shared.release.wait_while(released, |released| !*released).unwrap());
        let fold = |range, kind| Fold { range, kind };
        vec![fold(0..self.text.len(), FoldKind::Region), fold(0..1, FoldKind::Comment)]
    }

    fn selection(&self, offset: usize, _: &Cancel) -> Vec<Range<usize>> {
        // The middle one does not contain the first one and has to be left out.
        vec![offset..offset + 1, 0..0, 0..self.text.len()]
    }

    fn symbols(&self, _: &Cancel) -> Vec<Symbol> {
        let symbol = |name: &str, kind, children| Symbol {
            name: name.to_owned(),
            detail: String::new(),
            kind,
            range: 0..self.text.len(),
            selection: 0..1,
            children,
        };
        let inner = symbol("RUN", SymbolKind::Instruction, Vec::new());
        vec![symbol("build", SymbolKind::Stage, vec![inner]), symbol("final", SymbolKind::Stage, Vec::new())]
    }
}
