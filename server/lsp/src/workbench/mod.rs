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
