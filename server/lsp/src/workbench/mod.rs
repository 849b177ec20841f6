//! The engine of the product: the analysis behind the seam of `engine.rs`.
//!
//! [`Workbench`] holds what all documents share, [`document::Buffer`] one open document, [`view::View`] one moment of it.
//! Whatever a view computes it computes once; what an edit does not touch comes from the view before (`memory`).

mod contexts;
mod document;
mod settings;
mod view;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use layerwise_host::fs::{ContextFs, OsFs};
use layerwise_syntax::text::Text;

use crate::engine::{Document, Engine, Features, FileEvent};
use contexts::Contexts;
use settings::Settings;

/// The analysis as an engine.
pub(crate) struct Workbench {
    shared: Arc<Shared>,
}

/// What all documents share.
pub(crate) struct Shared {
    settings: RwLock<Arc<Settings>>,
    folders: RwLock<Vec<PathBuf>>,
    contexts: Mutex<Contexts>,
    fs: Arc<dyn ContextFs>,
}

impl Workbench {
    /// The engine that reads the real file system.
    pub(crate) fn new() -> Workbench {
        Workbench::on(Arc::new(OsFs))
    }

    /// The engine on any file system.
    pub(crate) fn on(fs: Arc<dyn ContextFs>) -> Workbench {
        Workbench {
            shared: Arc::new(Shared {
                settings: RwLock::default(),
                folders: RwLock::default(),
                contexts: Mutex::default(),
                fs,
            }),
        }
    }
}

impl Shared {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The workspace folder that a path is in; the innermost of several.
    fn folder_of(&self, path: &Path) -> Option<PathBuf> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        folders.iter().filter(|f| path.starts_with(f)).max_by_key(|f| f.as_os_str().len()).cloned()
    }

    fn forget_contexts(&self) {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Engine for Workbench {
    fn features(&self) -> Features {
        Features {
            diagnostics: true,
            hover: true,
            inlay_hints: true,
            folding: true,
            selection: true,
            symbols: true,
            code_action_kinds: vec!["quickfix", "refactor.rewrite", "source.fixAll.layerwise"],
            watch: vec!["**/*"],
        }
    }

    fn open(&self, text: Text, path: Option<&Path>, _language_id: &str) -> Box<dyn Document> {
        Box::new(document::Buffer::open(Arc::clone(&self.shared), &text, path))
    }

    fn configure(&self, settings: &serde_json::Value) -> Vec<String> {
        let (settings, problems) = Settings::read(settings);
        *self.shared.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.shared.forget_contexts();
        problems
    }

    fn folders(&self, folders: &[PathBuf]) {
        *self.shared.folders.write().unwrap_or_else(PoisonError::into_inner) = folders.to_vec();
        self.shared.forget_contexts();
    }

    fn files_changed(&self, _changes: &[(PathBuf, FileEvent)]) {
        self.shared.forget_contexts();
    }
}

#[cfg(test)]
mod tests {
    use layerwise_host::memfs::MemFs;

    use super::*;
    use crate::engine::{Analysis, Cancel};

    fn open(fs: MemFs, text: &str) -> Box<dyn Document> {
        let workbench = Workbench::on(Arc::new(fs));
        workbench.folders(&["/w".into()]);
        workbench.open(Text::new(text), Some(Path::new("/w/Dockerfile")), "dockerfile")
    }

    fn codes(view: &dyn Analysis) -> Vec<String> {
        view.diagnostics(&Cancel::default()).into_iter().map(|d| d.code).collect()
    }

    #[test]
    fn hints_compare_with_the_file_on_disk() {
        let text = "FROM debian:12\nRUN a\nRUN b\n";
        let mut fs = MemFs::new();
        fs.file("/w/Dockerfile", text);
        let mut document = open(fs, text);
        let none = Cancel::default();
        assert_eq!(document.view().inlay_hints(0..1000, &none), []);
        document.edit(20..20, "1");
        let hints = document.view().inlay_hints(0..1000, &none);
        let found: Vec<_> = hints.iter().map(|h| (h.offset, h.label.as_str())).collect();
        assert_eq!(found, [(21, "rebuilds"), (27, "rebuilds")]);
        document.saved();
        assert_eq!(document.view().inlay_hints(0..1000, &none), []);
    }

    #[test]
    fn an_action_gives_its_edits_when_it_is_chosen() {
        let text = "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n";
        let view = open(MemFs::new(), text).view();
        let none = Cancel::default();
        let offered = view.code_actions(20..20, None, &none);
        let merge = offered.iter().find(|a| a.id.starts_with("refactoring:merge-run")).expect("a merge");
        let edits = view.resolve(&merge.id, merge.range.clone(), &none).expect("its edits");
        assert!(!edits.is_empty());
        assert_eq!(view.resolve("refactoring:merge-run:9-9", 0..1, &none), None);
        assert_eq!(view.resolve("nonsense", 0..1, &none), None);
    }

    #[test]
    fn what_is_too_long_is_kept_and_not_parsed() {
        let long = "RUN a\n".repeat(100_001);
        let mut document = open(MemFs::new(), &long);
        assert_eq!(codes(document.view().as_ref()), ["syntax-error"]);
        document.edit(0..long.len(), "FROM scratch AS A\n");
        assert_eq!(codes(document.view().as_ref()), ["stage-name-casing"]);
        document.edit(0..0, &long);
        assert_eq!(codes(document.view().as_ref()), ["syntax-error"]);
    }
}
