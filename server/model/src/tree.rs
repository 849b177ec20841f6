//! The entries of a build context, as a tree that edits share.
//!
//! A directory is a sorted list of shared nodes. A change copies the lists on the way down to it and nothing else, so that
//! the contexts before and after it share the rest, and each directory keeps the digest of what is below it: what did
//! not change is neither hashed nor compared again. One changed file costs the lengths of the directories above it.

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use crate::context::{Content, Entry, EntryKind};
use crate::selection::Key;

/// Directories below one another; an entry that is deeper is not taken in.
pub const MAX_DEPTH: usize = 1024;

/// What is known of all that is below a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Names, kinds, modes of files, sizes, contents and link targets of all that BuildKit sends (no sockets, devices and
    /// pipes), in one key. The same in every process if `unread` is 0. The directory's own name is not in it.
    pub digest: Key,
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many of the files have a content that was not read ([`Content::Unread`]).
    pub unread: usize,
}

/// Entries by their paths: slash-separated, relative, without a leading `/`. Cloning costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Arc<Dir>,
    len: usize,
}

#[derive(Debug, Default)]
struct Dir {
    /// By name.
    children: Vec<Arc<Node>>,
    totals: OnceLock<Totals>,
}

#[derive(Clone, Debug)]
struct Node {
    /// The whole path: the name is what follows the directory's own path.
    path: Box<str>,
    entry: Entry,
    /// What is below a directory; `None` for others, and for directories with nothing in them.
    dir: Option<Box<Dir>>,
}

impl Clone for Dir {
    /// A directory is copied to be changed: the copy knows no totals.
    fn clone(&self) -> Dir {
        Dir { children: self.children.clone(), totals: OnceLock::new() }
    }
}

impl Node {
    fn name(&self, start: usize) -> &str {
        self.path.get(start..).unwrap_or_default()
    }

    fn children(&self) -> &[Arc<Node>] {
        self.dir.as_deref().map_or(&[], |dir| &dir.children)
    }
}

impl Dir {
    /// Where the name is among the children, or belongs. `start` is where the names begin in the children's paths.
    fn find(&self, name: &str, start: usize) -> Result<usize, usize> {
        // Walks and sorted lists come in order.
        if self.children.last().is_some_and(|last| last.name(start) < name) {
            return Err(self.children.len());
        }
        self.children.binary_search_by(|child| child.name(start).cmp(name))
    }

    fn totals(&self, start: usize) -> &Totals {
        // Not `get_or_init`: two threads may compute the same, and none waits.
        if let Some(known) = self.totals.get() {
            return known;
        }
        let mut totals = Totals { digest: [0; 32], files: 0, bytes: 0, unread: 0 };
        let mut records = Vec::with_capacity(self.children.len().saturating_mul(72));
        for child in &self.children {
            let entry = &child.entry;
            if entry.kind == EntryKind::Other {
                continue;
            }
            let name = child.name(start);
            bytes(&mut records, name.as_bytes());
            record(&mut records, entry);
            match entry.kind {
                EntryKind::File => {
                    totals.files += 1;
                    totals.bytes = totals.bytes.saturating_add(entry.size);
                    totals.unread += usize::from(matches!(entry.content, Content::Unread(_)));
                }
                EntryKind::Dir => {
                    let below = *child.dir.as_deref().map_or(&EMPTY, |dir| dir).totals(child.path.len() + 1);
                    records.extend_from_slice(&below.digest);
                    totals.files += below.files;
                    totals.bytes = totals.bytes.saturating_add(below.bytes);
                    totals.unread += below.unread;
                }
                EntryKind::Symlink | EntryKind::Other => {}
            }
        }
        totals.digest = *blake3::hash(&records).as_bytes();
        self.totals.get_or_init(|| totals)
    }
}

static EMPTY: Dir = Dir { children: Vec::new(), totals: OnceLock::new() };

fn bytes(records: &mut Vec<u8>, bytes: &[u8]) {
    records.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    records.extend_from_slice(bytes);
}

/// Appends what BuildKit looks at in an entry, so that no two entries look the same.
pub(crate) fn record(records: &mut Vec<u8>, entry: &Entry) {
    records.push(match entry.kind {
        EntryKind::File => 0,
        EntryKind::Dir => 1,
        EntryKind::Symlink => 2,
        EntryKind::Other => 3,
    });
    // The permission bits of a link mean nothing. Those of a directory are hashed when it comes to the builder, and not
    // again when nothing but they change: its receiver sets them and goes on (fsutil's DiskWriter.HandleChange).
    if entry.kind == EntryKind::File {
        records.extend_from_slice(&entry.mode.to_le_bytes());
    }
    if matches!(entry.kind, EntryKind::File | EntryKind::Symlink) {
        records.extend_from_slice(&entry.size.to_le_bytes());
        match &entry.content {
            Content::Hash(hash) => {
                records.push(0);
                records.extend_from_slice(hash);
            }
            Content::Unread(id) => {
                records.push(1);
                records.extend_from_slice(&id.to_le_bytes());
            }
        }
    }
    if entry.kind == EntryKind::Symlink {
        bytes(records, entry.link.as_deref().unwrap_or_default().as_bytes());
    }
}

/// The path's elements, each with where it begins and ends.
fn elements(path: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    path.split('/').map(move |name| {
        let at = start;
        start += name.len() + 1;
        (at, at + name.len())
    })
}

impl Tree {
    /// No entries.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// How many entries there are, directories included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether two trees are the same object, and so equal without a look.
    pub fn is_same(&self, other: &Tree) -> bool {
        Arc::ptr_eq(&self.root, &other.root)
    }

    fn node(&self, path: &str) -> Option<&Arc<Node>> {
        let mut dir: &Dir = &self.root;
        let mut found = None;
        for (start, end) in elements(path) {
            let node = dir.children.get(dir.find(path.get(start..end)?, start).ok()?)?;
            dir = node.dir.as_deref().unwrap_or(&EMPTY);
            found = Some(node);
        }
        found
    }

    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.node(path).map(|node| &node.entry)
    }

    /// The entry at a path, to change anything but its kind; for that, [`Tree::insert`].
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Entry> {
        // Nothing is copied for a path that is not there.
        self.node(path)?;
        let mut dir = Arc::make_mut(&mut self.root);
        for (start, end) in elements(path) {
            dir.totals.take();
            let at = dir.find(path.get(start..end)?, start).ok()?;
            let node = Arc::make_mut(dir.children.get_mut(at)?);
            if end == path.len() {
                return Some(&mut node.entry);
            }
            dir = node.dir.as_deref_mut()?;
        }
        None
    }

    /// Puts an entry at a path, in the place of what was there; a directory keeps what is below one. Directories on the
    /// way come by themselves, with mode 0o755. Nothing happens for a path that is empty, has an empty element or more
    /// than [`MAX_DEPTH`] of them.
    pub fn insert(&mut self, path: &str, entry: Entry) {
        let mut names = path.split('/').take(MAX_DEPTH + 1).enumerate();
        if names.any(|(at, name)| name.is_empty() || at == MAX_DEPTH) {
            return;
        }
        let mut entry = Some(entry);
        let len = &mut self.len;
        let mut dir = Arc::make_mut(&mut self.root);
        for (start, end) in elements(path) {
            dir.totals.take();
            let (Some(name), Some(here)) = (path.get(start..end), path.get(..end)) else { return };
            let new = if end == path.len() { entry.take() } else { None };
            let at = match dir.find(name, start) {
                Ok(at) => {
                    let Some(child) = dir.children.get_mut(at) else { return };
                    let child = Arc::make_mut(child);
                    let new = match new {
                        Some(new) => Some(new),
                        None if child.entry.kind != EntryKind::Dir => Some(Entry::directory(0o755)),
                        None => None,
                    };
                    if let Some(new) = new {
                        if new.kind != EntryKind::Dir {
                            *len -= count(child.dir.take().as_deref());
                        }
                        child.entry = new;
                    }
                    at
                }
                Err(at) => {
                    *len += 1;
                    let entry = new.unwrap_or_else(|| Entry::directory(0o755));
                    dir.children.insert(at, Arc::new(Node { path: here.into(), entry, dir: None }));
                    at
                }
            };
            if end < path.len() {
                let Some(child) = dir.children.get_mut(at) else { return };
                dir = Arc::make_mut(child).dir.get_or_insert_default();
            }
        }
    }

    /// Takes away the entry at a path with all that is below it.
    pub fn remove(&mut self, path: &str) -> Option<Entry> {
        self.node(path)?;
        let mut dir = Arc::make_mut(&mut self.root);
        for (start, end) in elements(path) {
            dir.totals.take();
            let at = dir.find(path.get(start..end)?, start).ok()?;
            if end == path.len() {
                let removed = dir.children.remove(at);
                self.len -= 1 + count(removed.dir.as_deref());
                return Some(removed.entry.clone());
            }
            dir = Arc::make_mut(dir.children.get_mut(at)?).dir.as_deref_mut()?;
        }
        None
    }

    /// All entries, each directory right before what is below it, otherwise by name.
    pub fn iter(&self) -> Below<'_> {
        Below { open: vec![self.root.children.iter()] }
    }

    /// All paths, in the order of [`Tree::iter`].
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(path, _)| path)
    }

    /// The entries below a directory, without itself, in the order of [`Tree::iter`]; `""` is the root.
    pub fn below(&self, dir: &str) -> Below<'_> {
        let children = if dir.is_empty() {
            &self.root.children
        } else {
            self.node(dir).map_or(&[][..], |node| node.children())
        };
        Below { open: vec![children.iter()] }
    }

    /// The entries of a directory itself, by name, with their whole paths; `""` is the root.
    pub fn children(&self, dir: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let children = if dir.is_empty() {
            &self.root.children[..]
        } else {
            self.node(dir).map_or(&[][..], |n| n.children())
        };
        children.iter().map(|node| (node.path.as_ref(), &node.entry))
    }

    /// What is known of all below a directory; `""` is the root, and what is no directory has nothing below it. Computed
    /// when it is first asked for, and kept as long as nothing below changes.
    pub fn totals(&self, dir: &str) -> Totals {
        if dir.is_empty() {
            return *self.root.totals(0);
        }
        *self.node(dir).and_then(|node| node.dir.as_deref()).unwrap_or(&EMPTY).totals(dir.len() + 1)
    }

    /// The paths at which two trees differ, directories and all below them included, by name from the root down. What
    /// the two share is not looked at; of special files, which are never sent, and of directories that only have another
    /// mode, some may be left out.
    pub fn changed<'a>(&'a self, other: &'a Tree) -> Vec<&'a str> {
        let mut found = Vec::new();
        if !self.is_same(other) {
            differ(&self.root.children, &other.root.children, 0, &mut found);
        }
        found
    }

    /// Gives files that were not read the hash that `hash` knows for the number of their content ([`Content::Unread`]).
    /// Directories in which every file is read are not looked at. Says whether there was any.
    pub fn learn(&mut self, hash: &dyn Fn(u64) -> Option<[u8; 32]>) -> bool {
        if self.root.totals(0).unread == 0 {
            return false;
        }
        let mut learnt = Vec::new();
        let mut open = vec![self.root.children.iter()];
        while let Some(last) = open.last_mut() {
            let Some(node) = last.next() else {
                open.pop();
                continue;
            };
            if let (EntryKind::File, Content::Unread(id)) = (node.entry.kind, node.entry.content)
                && let Some(hash) = hash(id)
            {
                learnt.push((node.path.clone(), hash));
            }
            if let Some(dir) = &node.dir
                && dir.totals(node.path.len() + 1).unread > 0
            {
                open.push(dir.children.iter());
            }
        }
        for (path, hash) in &learnt {
            if let Some(entry) = self.get_mut(path) {
                entry.content = Content::Hash(*hash);
            }
        }
        !learnt.is_empty()
    }
}

fn count(dir: Option<&Dir>) -> usize {
    dir.map_or(0, |dir| Below { open: vec![dir.children.iter()] }.count())
}

fn differ<'a>(one: &'a [Arc<Node>], two: &'a [Arc<Node>], start: usize, found: &mut Vec<&'a str>) {
    let all = |node: &'a Arc<Node>, found: &mut Vec<&'a str>| {
        found.push(&node.path);
        found.extend(Below { open: vec![node.children().iter()] }.map(|(path, _)| path));
    };
    let (mut one, mut two) = (one.iter().peekable(), two.iter().peekable());
    loop {
        let order = match (one.peek(), two.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.name(start).cmp(b.name(start)),
        };
        match order {
            Ordering::Less => one.next().into_iter().for_each(|node| all(node, found)),
            Ordering::Greater => two.next().into_iter().for_each(|node| all(node, found)),
            Ordering::Equal => {
                let (Some(a), Some(b)) = (one.next(), two.next()) else { return };
                if Arc::ptr_eq(a, b) {
                    continue;
                }
                if a.entry != b.entry {
                    found.push(&b.path);
                }
                let known = |node: &'a Node| node.dir.as_deref().and_then(|dir| dir.totals.get());
                if known(a).zip(known(b)).is_none_or(|(a, b)| a.digest != b.digest) {
                    differ(a.children(), b.children(), a.path.len() + 1, found);
                }
            }
        }
    }
}

/// Entries with their paths; see [`Tree::below`].
#[derive(Debug)]
pub struct Below<'a> {
    open: Vec<std::slice::Iter<'a, Arc<Node>>>,
}

impl<'a> Iterator for Below<'a> {
    type Item = (&'a str, &'a Entry);

    fn next(&mut self) -> Option<(&'a str, &'a Entry)> {
        loop {
            let Some(node) = self.open.last_mut()?.next() else {
                self.open.pop();
                continue;
            };
            if !node.children().is_empty() {
                self.open.push(node.children().iter());
            }
            return Some((&node.path, &node.entry));
        }
    }
}

impl<'a> IntoIterator for &'a Tree {
    type Item = (&'a str, &'a Entry);
    type IntoIter = Below<'a>;

    fn into_iter(self) -> Below<'a> {
        self.iter()
    }
}

impl<P: AsRef<str>> FromIterator<(P, Entry)> for Tree {
    fn from_iter<I: IntoIterator<Item = (P, Entry)>>(entries: I) -> Tree {
        let mut tree = Tree::new();
        tree.extend(entries);
        tree
    }
}

impl<P: AsRef<str>> Extend<(P, Entry)> for Tree {
    fn extend<I: IntoIterator<Item = (P, Entry)>>(&mut self, entries: I) {
        for (path, entry) in entries {
            self.insert(path.as_ref(), entry);
        }
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.is_same(other) || self.len == other.len && self.iter().eq(other.iter())
    }
}

impl Eq for Tree {}

#[cfg(test)]
mod tests;
