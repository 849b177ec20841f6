//! The index of a build context: what there is to copy.
//!
//! The index is made by `host` (this room does no IO) and never changes; an edit of the working tree makes a new one that
//! shares what stayed the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dockerignore::Dockerignore;
use crate::tree::{Below, Tree};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A socket, device or named pipe: BuildKit does not send it.
    Other,
}

/// What is known of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Content {
    /// A hash of the bytes: equal hashes mean equal bytes, wherever the files are.
    Hash([u8; 32]),
    /// Not read. Equal numbers mean the same file in the same state (indexes made from one another share it); unequal
    /// ones mean nothing is known, and count as different.
    Unread(u64),
}

/// One file, directory or link of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits (`0o7777`); part of the cache key.
    pub mode: u32,
    /// Bytes of a file; 0 for others.
    pub size: u64,
    /// The content of a file (extended attributes included); for others `Content::Hash` of nothing.
    pub content: Content,
    /// The target of a symbolic link, as stored.
    pub link: Option<Box<str>>,
}

impl Entry {
    /// A directory with these permission bits.
    pub fn directory(mode: u32) -> Entry {
        Entry { kind: EntryKind::Dir, mode, size: 0, content: Content::nothing(), link: None }
    }
}

impl Content {
    /// The content of what has none: directories, links and special files.
    pub fn nothing() -> Content {
        Content::Hash(*blake3::hash(b"").as_bytes())
    }
}

/// Why an index does not hold the whole context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// There are more entries than the limit.
    TooMany(usize),
    /// Walking took longer than allowed.
    TooSlow,
    /// These directories (relative paths) could not be read.
    Unreadable(Vec<String>),
}

/// The index of one build context.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// How messages name the context: the folder as the user gave it.
    pub name: String,
    /// Every entry that the ignore file leaves, by slash-separated path relative to the context, without a leading `/`.
    /// Cloning costs nothing, and a changed clone shares what it did not change.
    pub entries: Tree,
    /// The text of manifests (package.json, go.mod, requirements.txt ...) that are not too big, by path.
    pub texts: Arc<BTreeMap<Box<str>, Arc<str>>>,
    /// The patterns in force; empty without an ignore file.
    pub ignore: Arc<Dockerignore>,
    /// The ignore file in force, relative to the context (`.dockerignore`, `Dockerfile.dockerignore`).
    pub ignore_file: Option<String>,
    /// Where the Dockerfile stands in the context, if it does.
    pub dockerfile: Option<String>,
    /// Why entries may be missing. Anything that would be said because a file is absent must not be said then.
    pub incomplete: Option<Incomplete>,
}

impl Context {
    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Whether a directory stands at the path; the context's root (`""`) is one.
    pub fn is_dir(&self, path: &str) -> bool {
        path.is_empty() || self.get(path).is_some_and(|e| e.kind == EntryKind::Dir)
    }

    /// The entries below a directory, each directory right before what is below it, otherwise by name; the directory
    /// itself not included. `""` is the root.
    pub fn below(&self, dir: &str) -> Below<'_> {
        self.entries.below(dir)
    }

    /// The text of a manifest.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(AsRef::as_ref)
    }
}
