//! One context that is kept, and how it is brought up to date.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use layerwise_model::Context;
use layerwise_model::context::{Content, Entry, EntryKind, Incomplete};
use layerwise_model::dockerignore::{Dockerignore, MatchInfo};

use super::{Change, Ignore};
use crate::context::{Limits, hash_file, is_absent, load_contents, lossy, unread};
use crate::fs::{ContextFs, Links, Metadata, Stamp};
use crate::manifest::is_manifest;
use crate::walk::{entry, walk_below};

/// A file changed within this many nanoseconds before it was looked at may have been changed again since without showing:
/// the clocks of file systems tick that slowly (FAT: 2 s).
const TICK: i64 = 2_000_000_000;

/// How long one file may take to be hashed in the background.
const MAX_HASHING: Duration = Duration::from_secs(2);

/// A file as it was when it was last looked at.
#[derive(Clone, Copy, PartialEq)]
struct Seen {
    stamp: Stamp,
    /// Whether an equal stamp means equal bytes even where a change was reported.
    settled: bool,
}

/// What files looked like, by hashes of their paths; another file of the same hash is one that has to be read again.
type Stamps = HashMap<u64, Seen>;

/// A context and what is known about its files.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) context: Context,
    stamps: Arc<Stamps>,
    /// Excluded directories in which something could be included again.
    excluded_dirs: Vec<String>,
    /// What background hashing has still to do, last first; `None` before it has begun.
    to_hash: Option<Vec<(Box<str>, u64)>>,
    found: Vec<(u64, [u8; 32])>,
    hashed_bytes: u64,
    hashed: bool,
}

/// What an update came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Updated {
    /// Whether the context is another now.
    pub(super) changed: bool,
    /// Whether all of it was walked.
    pub(super) whole: bool,
}

fn key(path: &str) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(path)
}

fn seen(found: &Metadata) -> Seen {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    let last = found.stamp.written.max(found.stamp.changed);
    Seen { stamp: found.stamp, settled: last < now.saturating_sub(TICK) }
}

impl State {
    /// Walks a folder. Files that look as one of `known` has seen them have the content that they have there; others are
    /// not read.
    pub(super) fn load(
        fs: &dyn ContextFs,
        root: &Path,
        ignore: Ignore,
        limits: &Limits,
        known: &[State],
    ) -> State {
        let mut stamps = Stamps::new();
        let mut content_of = |path: &str, found: &Metadata| {
            let now = seen(found);
            stamps.insert(key(path), now);
            known.iter().find_map(|other| other.recall(path, found, false)).unwrap_or_else(unread)
        };
        let (context, excluded_dirs) = load_contents(fs, root, ignore, limits, &mut content_of);
        State { context, excluded_dirs, stamps: Arc::new(stamps), ..State::default() }
    }

    /// Takes out what an update changes; the context stays to be read.
    pub(super) fn take(&mut self) -> State {
        let context = self.context.clone();
        let hashed = self.hashed;
        let taken = std::mem::take(self);
        (self.context, self.hashed) = (context, hashed);
        taken
    }

    /// The content of a file that looks as it did. With `reported`, someone says that it changed.
    fn recall(&self, path: &str, found: &Metadata, reported: bool) -> Option<Content> {
        let last = self.stamps.get(&key(path))?;
        let same = last.stamp == found.stamp && found.stamp != Stamp::UNKNOWN && (last.settled || !reported);
        let known = self.context.get(path).filter(|_| same)?;
        (known.kind == EntryKind::File && known.size == found.size).then_some(known.content)
    }

    /// Directories in which a change could matter, relative to the root.
    pub(super) fn directories(&self) -> Vec<String> {
        let entries = self.context.entries.iter().filter(|(_, entry)| entry.kind == EntryKind::Dir);
        let mut all: BTreeSet<String> = entries.map(|(path, _)| path.to_owned()).collect();
        all.extend(self.excluded_dirs.iter().cloned());
        all.insert(String::new());
        all.into_iter().collect()
    }

    /// Looks at what changed.
    pub(super) fn update(
        &mut self,
        fs: &dyn ContextFs,
        root: &Path,
        ignore: &Ignore,
        changes: &[Change],
        most: usize,
        limits: &dyn Fn() -> (Limits, Limits),
    ) -> Updated {
        let mut whole = false;
        let mut paths: BTreeSet<(String, bool)> = BTreeSet::new();
        for change in changes {
            match change.path.strip_prefix(root) {
                Ok(below) if below.as_os_str().is_empty() => whole |= change.deep,
                Ok(below) => {
                    let names: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
                    paths.insert((names.join("/"), change.deep));
                }
                // The folder itself came, went or moved.
                Err(_) => whole |= change.deep && root.starts_with(&change.path),
            }
        }
        if paths.is_empty() && !whole {
            return Updated::default();
        }
        // What could not be read may be readable now.
        let near =
            |one: &str, two: &str| one.strip_prefix(two).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        let unreadable = match &self.context.incomplete {
            Some(Incomplete::Unreadable(dirs)) => dirs
                .iter()
                .any(|dir| dir == "." || paths.iter().any(|(path, _)| near(path, dir) || near(dir, path))),
            _ => false,
        };
        let limits = limits();
        if whole || unreadable || paths.len() > most {
            return Updated { changed: self.walk_again(fs, root, ignore, &limits), whole: true };
        }
        let mut update = Update {
            state: self,
            fs,
            root,
            limits: limits.0,
            hashing: limits.1,
            changed: Vec::new(),
            lost: false,
        };
        let mut last_deep: Option<String> = None;
        for (path, deep) in paths {
            // A directory that was walked has been looked at with all below it.
            let done = last_deep
                .as_deref()
                .is_some_and(|dir| path.strip_prefix(dir).is_some_and(|r| r.starts_with('/')));
            if done {
                continue;
            }
            update.path(&path, deep);
            if deep {
                last_deep = Some(path);
            }
        }
        let Update { changed, lost, .. } = update;
        if lost {
            return Updated { changed: self.walk_again(fs, root, ignore, &limits), whole: true };
        }
        self.read_manifests_again(fs, root, &changed, &limits.0);
        self.forget_old_stamps();
        self.hash_again(!changed.is_empty());
        Updated { changed: !changed.is_empty(), whole: false }
    }

    /// Walks the whole folder again. What stayed the same stays shared.
    fn walk_again(
        &mut self,
        fs: &dyn ContextFs,
        root: &Path,
        ignore: &Ignore,
        (limits, hashing): &(Limits, Limits),
    ) -> bool {
        let mut stamps = Stamps::with_capacity(self.stamps.len());
        let mut content_of = |path: &str, found: &Metadata| {
            let (now, content) = self.look(fs, root, path, found, false, hashing);
            stamps.insert(key(path), now);
            content
        };
        let (fresh, excluded_dirs) = load_contents(fs, root, ignore.clone(), limits, &mut content_of);
        self.stamps = Arc::new(stamps);
        self.excluded_dirs = excluded_dirs;
        let changed: Vec<String> =
            self.context.entries.changed(&fresh.entries).into_iter().map(str::to_owned).collect();
        let same = changed.is_empty()
            && self.context.incomplete == fresh.incomplete
            && self.context.texts == fresh.texts;
        for path in &changed {
            match fresh.get(path) {
                Some(entry) => self.context.entries.insert(path, entry.clone()),
                None => {
                    self.context.entries.remove(path);
                }
            }
        }
        self.context.texts = fresh.texts;
        self.context.incomplete = fresh.incomplete;
        self.hash_again(!same);
        !same
    }

    /// Among what changed there may be files that there was no time to hash.
    fn hash_again(&mut self, changed: bool) {
        if changed && self.hashed && self.context.entries.totals("").unread > 0 {
            self.hashed = false;
        }
    }

    /// How a file looks now, and its content: hashed if it may be another than it was.
    fn look(
        &self,
        fs: &dyn ContextFs,
        root: &Path,
        path: &str,
        found: &Metadata,
        reported: bool,
        limits: &Limits,
    ) -> (Seen, Content) {
        let now = seen(found);
        if let Some(content) = self.recall(path, found, reported) {
            return (now, content);
        }
        let hash = || {
            let full = root.join(path);
            if found.size > limits.max_hash_bytes || limits.too_late() {
                return None;
            }
            let (hash, _) = hash_file(fs, &full, limits)?;
            // What was written to meanwhile was not read as a whole; that it was will be reported.
            let after = fs.metadata(&full).ok()?;
            (after.stamp == found.stamp && after.size == found.size).then_some(Content::Hash(hash))
        };
        match hash() {
            Some(content) => (now, content),
            // Not now; it may be hashed later, as long as it looks like this.
            None if found.size > limits.max_hash_bytes || limits.too_late() => (now, unread()),
            None => (Seen { stamp: Stamp::UNKNOWN, settled: false }, unread()),
        }
    }

    /// Reads the manifests among the changed paths.
    fn read_manifests_again(&mut self, fs: &dyn ContextFs, root: &Path, changed: &[String], limits: &Limits) {
        let manifests: Vec<&String> = changed.iter().filter(|path| is_manifest(path)).collect();
        if manifests.is_empty() {
            return;
        }
        let texts = Arc::make_mut(&mut self.context.texts);
        for path in &manifests {
            texts.remove(path.as_str());
        }
        let mut left = limits.max_manifests_bytes;
        for text in texts.values() {
            left = left.saturating_sub(text.len() as u64 + 1024);
        }
        for path in manifests {
            let is_file = |e: &&Entry| e.kind == EntryKind::File && e.size <= limits.max_manifest_bytes;
            if left == 0 || self.context.entries.get(path).filter(is_file).is_none() {
                continue;
            }
            let most = limits.max_manifest_bytes.min(left);
            if let Ok(bytes) = fs.read(&root.join(path), most, Links::Refuse) {
                left = left.saturating_sub(bytes.len() as u64 + 1024);
                texts.insert(path.as_str().into(), lossy(bytes).into());
            }
        }
    }

    /// Files that are gone leave their stamps behind.
    fn forget_old_stamps(&mut self) {
        if self.stamps.len() > 2 * self.context.entries.len() + 1000 {
            let stamps = &self.stamps;
            let kept = self.context.entries.keys().filter_map(|path| {
                let key = key(path);
                Some((key, *stamps.get(&key)?))
            });
            self.stamps = Arc::new(kept.collect());
        }
    }

    /// Whether nothing is left to hash.
    pub(super) fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// Hashes files until the deadline. When all are through: what their contents turned out to be, by number; the index
    /// does not know it yet.
    pub(super) fn hash_some(
        &mut self,
        fs: &dyn ContextFs,
        root: &Path,
        limits: &Limits,
        most: u64,
    ) -> Option<Vec<(u64, [u8; 32])>> {
        let entries = &self.context.entries;
        let to_hash = self.to_hash.get_or_insert_with(|| {
            let unread = entries.iter().filter_map(|(path, entry)| match entry.content {
                Content::Unread(id)
                    if entry.kind == EntryKind::File && entry.size <= limits.max_hash_bytes =>
                {
                    Some((path.into(), id))
                }
                _ => None,
            });
            let mut all: Vec<(Box<str>, u64)> = unread.collect();
            all.reverse();
            all
        });
        while let Some((path, id)) = to_hash.pop() {
            let full = root.join(&*path);
            // Not a file that changed since it was looked at.
            let looks_the_same = |stamps: &Stamps| {
                let last = stamps.get(&key(&path));
                fs.metadata(&full).is_ok_and(|now| last.is_some_and(|last| last.stamp == now.stamp))
            };
            let current = entries.get(&path).is_some_and(|entry| entry.content == Content::Unread(id));
            if !current || !looks_the_same(&self.stamps) {
                continue;
            }
            // A file that was begun is read to its end, but not for ever.
            let one = Limits { deadline: Some(Instant::now() + MAX_HASHING), ..*limits };
            if let Some((hash, bytes)) = hash_file(fs, &full, &one) {
                self.hashed_bytes = self.hashed_bytes.saturating_add(bytes);
                if looks_the_same(&self.stamps) {
                    self.found.push((id, hash));
                }
                if self.hashed_bytes > most {
                    to_hash.clear();
                }
            }
            if limits.too_late() {
                break;
            }
        }
        if !to_hash.is_empty() {
            return None;
        }
        self.to_hash = None;
        self.hashed = true;
        Some(std::mem::take(&mut self.found))
    }
}

/// One pass over changed paths.
struct Update<'a> {
    state: &'a mut State,
    fs: &'a dyn ContextFs,
    root: &'a Path,
    limits: Limits,
    hashing: Limits,
    /// Paths whose entries are others now.
    changed: Vec<String>,
    /// Something could not be read: the whole folder is to be walked.
    lost: bool,
}

impl Update<'_> {
    /// Looks at one path, and with `deep` at all below it.
    fn path(&mut self, path: &str, deep: bool) {
        let ignore = Arc::clone(&self.state.context.ignore);
        let mut info = MatchInfo::default();
        for (slash, _) in path.match_indices('/') {
            let Some(dir) = path.get(..slash) else { return };
            let step = ignore.step(dir, &info);
            if step.excluded && !ignore.may_reinclude_below(dir) {
                return;
            }
            let is_dir = |fs: &dyn ContextFs| {
                fs.metadata(&self.root.join(dir)).is_ok_and(|found| found.kind == EntryKind::Dir)
            };
            // What stands below something else than a directory of the index came or went with that.
            if !is_dir(self.fs) || !step.excluded && !self.state.context.is_dir(dir) {
                return self.entry(dir, &ignore, &info, true);
            }
            info = step.info;
        }
        self.entry(path, &ignore, &info, deep);
    }

    /// Looks at a path of which every directory is in order. `above` is what the patterns say about its directory.
    fn entry(&mut self, path: &str, ignore: &Dockerignore, above: &MatchInfo, deep: bool) {
        let excluded = ignore.step_excludes(path, above);
        if excluded && !ignore.may_reinclude_below(path) {
            return;
        }
        let full = self.root.join(path);
        let found = match self.fs.metadata(&full) {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return self.remove(path, ignore),
            Err(_) => {
                self.lost = true;
                return;
            }
        };
        let was_dir = self.state.context.entries.get(path).is_some_and(|e| e.kind == EntryKind::Dir);
        if found.kind == EntryKind::Dir {
            let known = was_dir || self.state.excluded_dirs.iter().any(|dir| dir == path);
            if deep || !known {
                self.walk(path, ignore, excluded);
            }
            let holds_some = self.state.context.entries.children(path).next().is_some();
            if !excluded || holds_some {
                let entry = Entry::directory(found.mode);
                self.put(path, entry);
            } else if was_dir {
                self.remove(path, ignore);
            }
            return;
        }
        if excluded {
            return self.remove(path, ignore);
        }
        let mut now = None;
        let mut content_of = |path: &str, found: &Metadata| {
            let (seen, content) = self.state.look(self.fs, self.root, path, found, true, &self.hashing);
            now = Some(seen);
            content
        };
        match entry(self.fs, &full, path, found, &mut content_of) {
            Ok(entry) => {
                if let Some(now) = now {
                    Arc::make_mut(&mut self.state.stamps).insert(key(path), now);
                }
                self.put(path, entry);
            }
            Err(error) if is_absent(&error) => self.remove(path, ignore),
            Err(_) => self.lost = true,
        }
    }

    /// Puts an entry in the index, and the directories above it that are not there: excluded ones that are only there for
    /// it, and the one that is being walked.
    fn put(&mut self, path: &str, entry: Entry) {
        let entries = &mut self.state.context.entries;
        if entries.get(path) == Some(&entry) {
            return;
        }
        let missing: Vec<&str> = path
            .match_indices('/')
            .filter_map(|(slash, _)| path.get(..slash))
            .filter(|dir| entries.get(dir).is_none())
            .collect();
        for dir in missing {
            let mode = self.fs.metadata(&self.root.join(dir)).map_or(0o755, |found| found.mode);
            entries.insert(dir, Entry::directory(mode));
            self.changed.push(dir.to_owned());
        }
        // A file in the place of a directory takes away what was in that.
        if entry.kind != EntryKind::Dir {
            self.changed.extend(entries.below(path).map(|(path, _)| path.to_owned()));
        }
        entries.insert(path, entry);
        self.changed.push(path.to_owned());
    }

    /// Takes a path away, with the excluded directories above it that were only there for it.
    fn remove(&mut self, path: &str, ignore: &Dockerignore) {
        let entries = &mut self.state.context.entries;
        if entries.get(path).is_none() {
            return;
        }
        self.changed.extend(entries.below(path).map(|(path, _)| path.to_owned()));
        self.changed.push(path.to_owned());
        entries.remove(path);
        let mut child = path;
        while let Some((dir, _)) = child.rsplit_once('/') {
            if ignore.in_context(dir) || entries.children(dir).next().is_some() {
                break;
            }
            entries.remove(dir);
            self.changed.push(dir.to_owned());
            child = dir;
        }
    }

    /// Looks at all below a directory. What stayed the same stays shared.
    fn walk(&mut self, dir: &str, ignore: &Dockerignore, excluded: bool) {
        let mut stamps = Vec::new();
        let mut content_of = |path: &str, found: &Metadata| {
            let (now, content) = self.state.look(self.fs, self.root, path, found, true, &self.hashing);
            stamps.push((key(path), now));
            content
        };
        let walked = walk_below(self.fs, self.root, dir, ignore, &self.limits, &mut content_of);
        if walked.stopped.is_some() || !walked.unreadable.is_empty() {
            self.lost = true;
            return;
        }
        Arc::make_mut(&mut self.state.stamps).extend(stamps);
        let old = &mut self.state.excluded_dirs;
        old.retain(|path| path.strip_prefix(dir).is_none_or(|rest| !rest.starts_with('/')));
        if excluded && !old.iter().any(|path| path == dir) {
            old.push(dir.to_owned());
        }
        old.extend(walked.excluded_dirs);
        let gone: Vec<String> = {
            let entries = &self.state.context.entries;
            let gone = entries.below(dir).filter(|(path, _)| walked.entries.get(path).is_none());
            gone.map(|(path, _)| path.to_owned()).collect()
        };
        for path in &gone {
            self.state.context.entries.remove(path);
        }
        self.changed.extend(gone);
        for (path, entry) in walked.entries.below(dir) {
            if self.state.context.entries.get(path) != Some(entry) {
                self.put(path, entry.clone());
            }
        }
    }
}
