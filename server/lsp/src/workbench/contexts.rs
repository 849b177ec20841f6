//! Build contexts, loaded once and kept up to date, so that a keystroke does not walk a folder.
//!
//! Where the server may tell the client that something changed, the contexts are watched. What the client reports itself is
//! looked at all the same: it may see what the system does not report (a network drive), and costs one look.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use layerwise_host::fs::ContextFs;
use layerwise_host::store::{Bounds, Change, ContextStore};
use layerwise_host::watch::Watch;
use layerwise_model::Context;

use crate::engine::FileEvent;

/// The contexts of all open documents.
pub(crate) struct Contexts {
    store: Arc<ContextStore>,
    watch: Mutex<Option<Watch>>,
}

impl Contexts {
    pub(crate) fn new(fs: Arc<dyn ContextFs>) -> Contexts {
        Contexts { store: Arc::new(ContextStore::new(fs, Bounds::default())), watch: Mutex::default() }
    }

    /// The context at `root` for a Dockerfile. As long as nothing changes, the same object.
    pub(crate) fn get(&self, root: &Path, dockerfile: &Path) -> Arc<Context> {
        self.store.get(root, Some(dockerfile))
    }

    /// A context that was got earlier, so that it can be compared with one that is got now: see [`ContextStore::learnt`].
    pub(crate) fn learnt(&self, context: Arc<Context>) -> Arc<Context> {
        let [context] = self.store.learnt([context]);
        context
    }

    /// As long as this stays the same, [`Contexts::learnt`] has nothing new to say.
    pub(crate) fn learnt_times(&self) -> u64 {
        self.store.learnt_times()
    }

    /// The client says that these files changed. Reads nothing: they are looked at when a context is next asked for.
    pub(crate) fn report(&self, changes: &[(PathBuf, FileEvent)]) {
        self.store.note(changes.iter().map(|(path, event)| Change {
            path: path.clone(),
            // A folder that came or went did so with all that is in it, of which nothing need be said.
            deep: *event != FileEvent::Changed,
        }));
    }

    /// Watches these files too, instead of those that were named last.
    pub(crate) fn watch_also(&self, files: impl IntoIterator<Item = PathBuf>) {
        self.store.watch_also(files);
    }

    /// Watches all contexts from now on; `changed` is called when one is another.
    pub(crate) fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) {
        let watch = Watch::start(Arc::clone(&self.store), changed);
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::time::Duration;

    use layerwise_syntax::text::Text;

    use super::super::Workbench;
    use crate::engine::{Cancel, Document, Engine, FileEvent};

    fn codes(document: &mut dyn Document) -> Vec<String> {
        let found = document.view().diagnostics(&Cancel::default()).into_iter().map(|d| d.code);
        // What the next build runs again is another matter.
        found.filter(|code| code != "cache").collect()
    }

    fn open(workbench: &Workbench, dir: &std::path::Path) -> Box<dyn Document> {
        fs::write(dir.join("x"), "1").expect("a file");
        workbench.folders(&[dir.to_path_buf()]);
        let text = Text::new("FROM scratch\nCOPY x /\n");
        workbench.open(text, Some(&dir.join("Dockerfile")), "dockerfile")
    }

    #[test]
    fn what_changes_outside_is_told_without_a_word_of_the_clients() {
        let dir = tempfile::tempdir().expect("a folder");
        let workbench = Workbench::keeping(None);
        let (tell, told) = mpsc::channel();
        workbench.subscribe(Box::new(move || tell.send(()).expect("the test waits")));
        let mut document = open(&workbench, dir.path());
        assert_eq!(codes(document.as_mut()), [""; 0]);
        fs::write(dir.path().join(".dockerignore"), "x\n").expect("a file");
        loop {
            told.recv_timeout(Duration::from_secs(60)).expect("the change is told");
            if !codes(document.as_mut()).is_empty() {
                break;
            }
        }
        assert_eq!(codes(document.as_mut()), ["copy-ignored-file"]);
    }

    #[test]
    fn what_the_client_reports_is_known_to_the_next_view() {
        let dir = tempfile::tempdir().expect("a folder");
        let workbench = Workbench::keeping(None);
        let mut document = open(&workbench, dir.path());
        assert_eq!(codes(document.as_mut()), [""; 0]);
        let ignore = dir.path().join(".dockerignore");
        fs::write(&ignore, "x\n").expect("a file");
        workbench.files_changed(&[(ignore, FileEvent::Created)]);
        assert_eq!(codes(document.as_mut()), ["copy-ignored-file"]);
    }
}
