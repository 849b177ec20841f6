//! Which files of a repository changed since a revision, and what they were.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::repo::Repo;
use super::{GitError, Versioned};

/// The working tree of a repository beside one of its commits.
pub struct Revision {
    repo: Repo,
    commit: String,
    changed: HashSet<String>,
    tracked: HashSet<String>,
}

impl std::fmt::Debug for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {} changed files", self.commit, self.changed.len())
    }
}

impl Revision {
    /// Compares the working tree whose top is `top` with a revision. Paths count from `top`, slash-separated.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn open(top: &Path, rev: &str, timeout: Duration) -> Result<Revision, GitError> {
        let repo = Repo::open(top, Instant::now() + timeout)?;
        let commit = repo.commit(rev)?;
        let changed = repo.changed_files(&commit)?.into_iter().collect();
        let tracked = repo.tracked_files()?.into_iter().collect();
        Ok(Revision { repo, commit, changed, tracked })
    }

    /// Whether a file differs from what it was, or is one that git does not keep.
    pub fn changed(&self, path: &str) -> bool {
        self.changed.contains(path) || !self.tracked.contains(path)
    }

    /// The text that a file had.
    ///
    /// # Errors
    /// See [`GitError`].
    pub fn text(&self, path: &str, timeout: Duration) -> Result<Versioned, GitError> {
        self.repo.until(Instant::now() + timeout).versioned(&self.commit, path)
    }
}
