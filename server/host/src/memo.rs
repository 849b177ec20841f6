//! A file system that remembers what it was told: one run looks at each folder once.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::fs::{ContextFs, Links, Listing, Metadata};

/// Remembers listings and metadata, failures excepted; contents are read again each time. For a program that answers
/// once and ends: what changes on the disk meanwhile is not seen.
#[derive(Debug, Default)]
pub struct MemoFs<F> {
    fs: F,
    listings: Mutex<HashMap<PathBuf, Listing>>,
    metadata: Mutex<HashMap<PathBuf, Metadata>>,
}

impl<F: ContextFs> MemoFs<F> {
    /// Wraps a file system.
    pub fn new(fs: F) -> MemoFs<F> {
        MemoFs { fs, listings: Mutex::default(), metadata: Mutex::default() }
    }
}

fn remember<T: Clone>(
    kept: &Mutex<HashMap<PathBuf, T>>,
    path: &Path,
    keep: impl FnOnce(&T) -> bool,
    ask: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    // A panic elsewhere leaves the map whole.
    if let Some(known) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
        return Ok(known.clone());
    }
    let found = ask()?;
    if keep(&found) {
        kept.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf(), found.clone());
    }
    Ok(found)
}

impl<F: ContextFs> ContextFs for MemoFs<F> {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        remember(&self.metadata, path, |_| true, || self.fs.metadata(path))
    }

    fn read_dir(&self, path: &Path, limit: usize) -> io::Result<Listing> {
        let found = remember(&self.listings, path, |l| !l.more, || self.fs.read_dir(path, limit))?;
        let more = found.more || found.names.len() > limit;
        let mut names = found.names;
        names.truncate(limit);
        Ok(Listing { names, more })
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.fs.read_link(path)
    }

    fn open(&self, path: &Path, links: Links) -> io::Result<Box<dyn Read + Send>> {
        self.fs.open(path, links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Limits, load};
    use crate::memfs::MemFs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts what reaches it.
    #[derive(Debug, Default)]
    struct Counting {
        fs: MemFs,
        listed: AtomicUsize,
        looked: AtomicUsize,
    }

    impl ContextFs for Counting {
        fn metadata(&self, path: &Path) -> io::Result<Metadata> {
            self.looked.fetch_add(1, Ordering::Relaxed);
            self.fs.metadata(path)
        }
        fn read_dir(&self, path: &Path, limit: usize) -> io::Result<Listing> {
            self.listed.fetch_add(1, Ordering::Relaxed);
            self.fs.read_dir(path, limit)
        }
        fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
            self.fs.read_link(path)
        }
        fn open(&self, path: &Path, links: Links) -> io::Result<Box<dyn Read + Send>> {
            self.fs.open(path, links)
        }
    }

    #[test]
    fn each_folder_is_walked_once_whatever_the_root_and_the_ignore_file() {
        let mut mem = MemFs::new();
        mem.file("/w/a/x", "")
            .file("/w/a/y", "")
            .file("/w/b/z", "")
            .file("/w/x.Dockerfile.dockerignore", "*\n!a\n");
        let fs = MemoFs::new(Counting { fs: mem, ..Counting::default() });
        let limits = Limits::default();
        for dockerfile in ["/w/Dockerfile", "/w/x.Dockerfile", "/w/a/Dockerfile"] {
            load(&fs, Path::new("/w"), Some(Path::new(dockerfile)), &limits);
            load(&fs, Path::new("/w/a"), Some(Path::new(dockerfile)), &limits);
        }
        assert_eq!(fs.fs.listed.load(Ordering::Relaxed), 3, "/w, /w/a and /w/b");
        let looked = fs.fs.looked.load(Ordering::Relaxed);
        load(&fs, Path::new("/w"), None, &limits);
        // Only the search for an ignore file, whose absence is not remembered.
        assert!(fs.fs.looked.load(Ordering::Relaxed) <= looked + 2);
    }

    #[test]
    fn a_listing_is_cut_to_what_is_asked_for() {
        let mut mem = MemFs::new();
        mem.file("/w/a", "").file("/w/b", "").file("/w/c", "");
        let fs = MemoFs::new(mem);
        let at = Path::new("/w");
        assert!(fs.read_dir(at, 2).unwrap().more);
        assert_eq!(fs.read_dir(at, 3).unwrap().names.len(), 3);
        let cut = fs.read_dir(at, 1).unwrap();
        assert_eq!((cut.names.len(), cut.more), (1, true));
    }
}
