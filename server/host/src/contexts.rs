//! The contexts of one run: each is loaded once, whoever asks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use layerwise_model::Context;

use crate::context::{IgnoreFile, Limits, below_root, ignore_file, lexical, load_with};
use crate::fs::ContextFs;
use crate::memo::MemoFs;

type Key = (PathBuf, Result<Option<IgnoreFile>, String>);

/// Loaded contexts by folder and ignore file, over a file system that remembers each folder it has listed.
#[derive(Debug)]
pub struct Contexts<F> {
    fs: MemoFs<F>,
    limits: Limits,
    budget: Duration,
    loaded: Mutex<HashMap<Key, Context>>,
}

impl<F: ContextFs> Contexts<F> {
    /// Loads within `limits`, each context within the time `budget`.
    pub fn new(fs: F, limits: Limits, budget: Duration) -> Contexts<F> {
        Contexts { fs: MemoFs::new(fs), limits, budget, loaded: Mutex::default() }
    }

    /// The file system, which remembers.
    pub fn fs(&self) -> &dyn ContextFs {
        &self.fs
    }

    /// The context at `root` as the Dockerfile sees it. Callers on other threads wait while one is being loaded.
    pub fn of(&self, root: &Path, dockerfile: &Path) -> Context {
        let key = (lexical(root), ignore_file(&self.fs, root, Some(dockerfile)));
        // A panic elsewhere leaves the map whole.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let mut context = match loaded.get(&key) {
            Some(context) => context.clone(),
            None => {
                let limits = Limits { deadline: Some(Instant::now() + self.budget), ..self.limits };
                let context = load_with(&self.fs, root, key.1.clone(), &limits);
                loaded.insert(key, context.clone());
                context
            }
        };
        context.dockerfile = below_root(root, dockerfile);
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memfs::MemFs;

    #[test]
    fn dockerfiles_of_one_folder_share_its_context() {
        let mut fs = MemFs::new();
        fs.file("/w/a", "").file("/w/b", "").file("/w/x.Dockerfile.dockerignore", "a\n");
        let contexts = Contexts::new(fs, Limits::default(), Duration::from_secs(60));
        let of = |name: &str| contexts.of(Path::new("/w"), &Path::new("/w").join(name));
        let (one, two, other) = (of("Dockerfile"), of("y.Dockerfile"), of("x.Dockerfile"));
        assert!(one.entries.is_same(&two.entries));
        assert_eq!(
            (one.dockerfile.as_deref(), two.dockerfile.as_deref()),
            (Some("Dockerfile"), Some("y.Dockerfile"))
        );
        assert!(other.get("a").is_none() && other.get("b").is_some());
        assert_eq!(other.ignore_file.as_deref(), Some("x.Dockerfile.dockerignore"));
    }
}
