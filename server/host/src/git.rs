//! What git knows of a build context: the state before an edit.
//!
//! The `git` command is asked, never its files, so that worktrees, partial clones and whatever comes next just work. It
//! is only asked what it can answer from the disk, within a time limit, and without running what the repository's
//! configuration could name: hooks, external diffs, text conversions, file system monitors, pagers, credential helpers and
//! filters. Git is trusted to convert line ends; what only a filter knows is compared by what Git LFS says of it, and
//! otherwise counts as changed once git's index no longer knows the file.

mod before;
mod follow;
mod head;
mod lfs;
mod repo;
mod revision;
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use layerwise_model::context::{Content, Context};

use crate::context::{Limits, beside, fingerprint, lexical};
use crate::fs::ContextFs;
use repo::Repo;

/// Why git could not answer. Its message says what to do where something can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitError {
    /// There is no `git` command.
    NotInstalled,
    /// The folder does not exist.
    NoFolder(PathBuf),
    /// The folder is in no repository.
    NotARepository(PathBuf),
    /// The repository has no working tree, or the folder is inside `.git`.
    NoWorkTree(PathBuf),
    /// The repository has no commit yet.
    NoCommits(PathBuf),
    /// The revision names no commit.
    UnknownRevision(String),
    /// git took too long.
    TooSlow,
    /// git answered with more than could be taken in.
    TooMuch,
    /// git failed in another way: its own words.
    Failed(String),
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GitError::NotInstalled => f.write_str("the git command was not found; install git"),
            GitError::NoFolder(path) => write!(f, "{}: no such folder", path.display()),
            GitError::NotARepository(path) => write!(f, "{} is not in a git repository", path.display()),
            GitError::NoWorkTree(path) => {
                write!(f, "{} is not in the working tree of a git repository", path.display())
            }
            GitError::NoCommits(path) => {
                write!(f, "the git repository of {} has no commit yet", path.display())
            }
            GitError::UnknownRevision(rev) => {
                write!(f, "git knows no commit `{rev}`; name a commit, branch or tag")
            }
            GitError::TooSlow => f.write_str("git took too long to answer"),
            GitError::TooMuch => f.write_str("git's answer is too large"),
            GitError::Failed(message) => write!(f, "git failed: {message}"),
        }
    }
}

impl std::error::Error for GitError {}

/// A file's text at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versioned {
    /// It was there. Bytes that are not UTF-8 are replaced.
    Text(String),
    /// It was not there.
    Absent,
    /// git does not keep it: it is ignored, or in no repository. It counts as unchanged.
    Unversioned,
}

/// What stood at a path at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// A file, as a checkout would write it.
    File {
        /// Whether it was executable, the only permission that git keeps.
        executable: bool,
        /// Its bytes.
        size: u64,
        /// Their hash, as [`fingerprint`] makes it; unread where only a filter driver knows them (Git LFS).
        content: Content,
        /// Its text, if it is a manifest.
        text: Option<Arc<str>>,
    },
    /// A symbolic link.
    Symlink {
        /// Its target.
        target: Box<str>,
    },
    /// A submodule whose old commit is not on this machine: nothing below it is known.
    Unknown,
}

/// The files below a context that differ between a revision and the working tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// The commit's full name.
    pub commit: String,
    /// The old state of each path that differs, relative to the context, slash-separated. Untracked files are
    /// [`State::Absent`], and so are untracked repositories, which stand for all below them.
    pub changed: BTreeMap<String, State>,
    /// The directories that the revision has below the context.
    pub dirs: BTreeSet<String>,
    /// Directories of which git knows no file; what is below one of them need not be listed.
    pub untracked_dirs: BTreeSet<String>,
    /// Where a repository of its own stands, or is said to stand by the revision: submodules and untracked repositories.
    pub repositories: BTreeSet<String>,
    /// The Dockerfile.
    pub dockerfile: Option<Versioned>,
    /// `<Dockerfile name>.dockerignore` beside it.
    pub ignore_beside: Option<Versioned>,
    /// `.dockerignore` at the context's root.
    pub ignore_at_root: Option<Versioned>,
}

/// The two sides of an edit that git knows.
#[derive(Clone, Debug)]
pub struct Since {
    /// The commit's full name.
    pub commit: String,
    /// The Dockerfile at the commit; `None` if no Dockerfile was asked for.
    pub dockerfile: Option<Versioned>,
    /// The context at the commit: entries that did not change are those of `after`.
    pub before: Context,
    /// The context given, with the contents of the changed files hashed, so that a file that moved is recognized.
    pub after: Context,
}

/// The context as it was at a revision, given the one that was loaded from the working tree.
///
/// Ignored files, and permission bits that git does not keep, count as unchanged; untracked files as added. The
/// revision's own ignore file decides what its context held. `timeout` bounds all of git's work together.
pub fn since(
    fs: &dyn ContextFs,
    root: &Path,
    dockerfile: Option<&Path>,
    rev: &str,
    after: &Context,
    timeout: Duration,
    limits: &Limits,
) -> Result<Since, GitError> {
    let before = before(root, rev, dockerfile, timeout)?;
    let after = fingerprint(fs, root, after, before.changed.keys().map(String::as_str), limits);
    let context = context_before(fs, root, dockerfile, &after, &before, limits);
    Ok(Since { commit: before.commit, dockerfile: before.dockerfile, before: context, after })
}

/// Which files below `root` differ between the revision and the working tree, and what they were.
///
/// Errors: see [`GitError`]. A Dockerfile in another repository than the context (a submodule, say) is looked up there,
/// under the same revision if that repository knows it.
pub fn before(
    root: &Path,
    rev: &str,
    dockerfile: Option<&Path>,
    timeout: Duration,
) -> Result<Before, GitError> {
    let deadline = Instant::now() + timeout;
    let repo = Repo::open(&lexical(root), deadline)?;
    let commit = repo.commit(rev)?;
    before_in(&repo, commit, rev, dockerfile, deadline)
}

fn before_in(
    repo: &Repo,
    commit: String,
    rev: &str,
    dockerfile: Option<&Path>,
    deadline: Instant,
) -> Result<Before, GitError> {
    let mut before = repo::before(repo, &commit)?;
    before.ignore_at_root = Some(repo.versioned(&commit, ".dockerignore")?);
    if let Some(path) = dockerfile {
        let path = lexical(path);
        let own = Repo::open(path.parent().unwrap_or(&path), deadline).and_then(|repo| {
            let commit = repo.commit(rev)?;
            Ok((repo, commit))
        });
        let text_of = |path: Option<&Path>| -> Result<Versioned, GitError> {
            let name = path.and_then(Path::file_name).and_then(|name| name.to_str());
            match (&own, name) {
                (Ok((repo, commit)), Some(name)) => repo.versioned(commit, name),
                (Err(GitError::TooSlow), _) => Err(GitError::TooSlow),
                _ => Ok(Versioned::Unversioned),
            }
        };
        before.dockerfile = Some(text_of(Some(&path))?);
        before.ignore_beside = Some(text_of(beside(&path).as_deref())?);
    }
    before.commit = commit;
    Ok(before)
}

pub use before::context_before;
pub use follow::Follow;
pub use head::{Head, head};
pub use repo::is_rules;
pub use revision::Revision;

#[cfg(test)]
mod tests;
