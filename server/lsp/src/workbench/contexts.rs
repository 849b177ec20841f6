//! Build contexts that were loaded, so that a keystroke does not walk a folder.
//!
//! The client reports what changes, where it can; where it cannot, an index that is older than [`FRESH`] is loaded again
//! when it is next asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use layerwise_host::context::{self, Limits};
use layerwise_host::fs::ContextFs;
use layerwise_model::Context;

/// How long an index is taken to be right without a report from the client.
const FRESH: Duration = Duration::from_secs(10);

/// How long walking a folder may take; what is not seen by then makes the index incomplete.
const BUDGET: Duration = Duration::from_millis(1500);

/// The contexts that were loaded, by folder and Dockerfile.
#[derive(Default)]
pub(crate) struct Contexts {
    loaded: HashMap<(PathBuf, PathBuf), (Instant, Arc<Context>)>,
}

impl Contexts {
    /// The context at `root` for a Dockerfile.
    pub(crate) fn get(&mut self, fs: &dyn ContextFs, root: &Path, dockerfile: &Path) -> Arc<Context> {
        let key = (root.to_path_buf(), dockerfile.to_path_buf());
        if let Some((when, context)) = self.loaded.get(&key)
            && when.elapsed() < FRESH
        {
            return Arc::clone(context);
        }
        let limits = Limits { deadline: Some(Instant::now() + BUDGET), ..Limits::default() };
        let context = Arc::new(context::load(fs, root, Some(dockerfile), &limits));
        self.loaded.insert(key, (Instant::now(), Arc::clone(&context)));
        context
    }

    /// Forgets everything: files or settings changed.
    pub(crate) fn clear(&mut self) {
        self.loaded.clear();
    }
}
