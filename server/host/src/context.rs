//! Loading a build context into an index: one bounded walk, `.dockerignore` applied on the way down.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use layerwise_model::context::{Content, Context, Entry, EntryKind, Incomplete};
use layerwise_model::dockerignore::Dockerignore;
use layerwise_model::tree::Tree;

use crate::fs::{ContextFs, Links, resolve_in_root};
use crate::manifest::is_manifest;
use crate::walk::{ContentOf, walk};

/// How far loading goes. What is beyond shows as [`Context::incomplete`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Names looked at, excluded ones included.
    pub max_entries: usize,
    /// Directories below one another; deeper ones count as unreadable.
    pub max_depth: usize,
    /// Bytes of all paths together, so that long names cannot make many entries huge.
    pub max_path_bytes: usize,
    /// Bytes of one manifest; bigger ones have no text.
    pub max_manifest_bytes: u64,
    /// Bytes of all manifests together; those nearest to the root come first.
    pub max_manifests_bytes: u64,
    /// Bytes of a file that is hashed; bigger ones stay [`Content::Unread`].
    pub max_hash_bytes: u64,
    /// When to stop.
    pub deadline: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_entries: 300_000,
            max_depth: 200,
            max_path_bytes: 64 << 20,
            max_manifest_bytes: 512 << 10,
            max_manifests_bytes: 16 << 20,
            max_hash_bytes: 256 << 20,
            deadline: None,
        }
    }
}

impl Limits {
    /// Whether the time is over.
    pub(crate) fn too_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// BuildKit reads the ignore file in one piece; nobody writes a megabyte of patterns.
const MAX_IGNORE_BYTES: u64 = 1 << 20;

/// A content that equals no other: that of a file of which nothing but its place is known. The numbers begin anywhere, so
/// that a key with one in it that was kept on the disk does not by chance equal one of another process.
pub(crate) fn unread() -> Content {
    static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("unread"));
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Content::Unread(FIRST.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// An ignore file: its name as [`Context::ignore_file`] has it, and its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IgnoreFile {
    /// Relative to the context if it stands there, else the path as it was given.
    pub name: String,
    /// The text; bytes that are not UTF-8 replaced.
    pub text: String,
}

/// Loads the context at `root`.
///
/// `dockerfile` is the path of the Dockerfile, from which the ignore file follows: `<Dockerfile name>.dockerignore`
/// beside it, else `.dockerignore` at the root (BuildKit's dockerui, `ReadEntrypoint` and `MainContext`). Never follows
/// a link, never leaves the root, opens regular files only, and of these only the ignore file and what [`is_manifest`] names. Every
/// file's content is a new [`Content::Unread`]; see [`fingerprint`]. A root that cannot be read gives an index without
/// entries that says so.
pub fn load(fs: &dyn ContextFs, root: &Path, dockerfile: Option<&Path>, limits: &Limits) -> Context {
    let mut context = load_with(fs, root, ignore_file(fs, root, dockerfile), limits);
    context.dockerfile = dockerfile.and_then(|path| below_root(root, path));
    context
}

/// [`load`] with an ignore file that is already known (see [`ignore_file`]), and without a Dockerfile.
pub fn load_with(
    fs: &dyn ContextFs,
    root: &Path,
    ignore_file: Result<Option<IgnoreFile>, String>,
    limits: &Limits,
) -> Context {
    load_contents(fs, root, ignore_file, limits, &mut |_, _| unread()).0
}

/// [`load_with`], with what each file's content is, and the excluded directories that were looked into, as something below
/// them may be included again.
pub(crate) fn load_contents(
    fs: &dyn ContextFs,
    root: &Path,
    ignore_file: Result<Option<IgnoreFile>, String>,
    limits: &Limits,
    content_of: &mut ContentOf<'_>,
) -> (Context, Vec<String>) {
    let (ignore_file, mut unreadable) = match ignore_file {
        Ok(found) => (found, Vec::new()),
        Err(name) => (None, vec![name]),
    };
    let ignore = Dockerignore::parse(ignore_file.as_ref().map_or("", |f| f.text.as_str()));
    let walked = walk(fs, root, &ignore, limits, content_of);
    unreadable.extend(walked.unreadable);
    let texts = read_manifests(fs, root, &walked.entries, limits);
    let context = Context {
        name: root.display().to_string(),
        entries: walked.entries,
        texts: Arc::new(texts),
        ignore: Arc::new(ignore),
        ignore_file: ignore_file.map(|f| f.name),
        dockerfile: None,
        incomplete: walked.stopped.or((!unreadable.is_empty()).then_some(Incomplete::Unreadable(unreadable))),
    };
    (context, walked.excluded_dirs)
}

/// The context with the contents of the given files known: their bytes hashed. Extended attributes play no part: a change
/// of them alone does not reach the builder (the client compares type, mode, size, time and link target). Paths that are no files in the index, and files that cannot be read or are too big, stay as
/// they are. The contents of all other files stay shared with the context given.
pub fn fingerprint<'a>(
    fs: &dyn ContextFs,
    root: &Path,
    context: &Context,
    paths: impl IntoIterator<Item = &'a str>,
    limits: &Limits,
) -> Context {
    let mut context = context.clone();
    let mut hashed = Vec::new();
    for path in paths {
        if limits.too_late() {
            break;
        }
        let readable = |entry: &&Entry| entry.kind == EntryKind::File && entry.size <= limits.max_hash_bytes;
        if context.get(path).filter(readable).is_none() {
            continue;
        }
        if let Some((hash, size)) = hash_file(fs, &root.join(path), limits) {
            hashed.push((path, hash, size));
        }
    }
    for (path, hash, size) in hashed {
        if let Some(entry) = context.entries.get_mut(path) {
            (entry.content, entry.size) = (Content::Hash(hash), size);
        }
    }
    context
}

/// The hash of a file and how many bytes it had; `None` if it cannot be read within the limits.
pub(crate) fn hash_file(fs: &dyn ContextFs, path: &Path, limits: &Limits) -> Option<([u8; 32], u64)> {
    let mut reader = fs.open(path, Links::Refuse).ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        hasher.update(buffer.get(..read)?);
        if hasher.count() > limits.max_hash_bytes || limits.too_late() {
            return None;
        }
    }
    Some((*hasher.finalize().as_bytes(), hasher.count()))
}

/// The ignore file in force, if there is one. `Err` is the name of one that is there and cannot be read.
///
/// An empty `<Dockerfile name>.dockerignore` still hides the `.dockerignore`.
pub fn ignore_file(
    fs: &dyn ContextFs,
    root: &Path,
    dockerfile: Option<&Path>,
) -> Result<Option<IgnoreFile>, String> {
    if let Some(path) = dockerfile.and_then(beside) {
        let name = below_root(root, &path).unwrap_or_else(|| path.display().to_string());
        // A link is followed: the file stands beside a Dockerfile that the user named.
        match fs.read(&path, MAX_IGNORE_BYTES, Links::Follow) {
            Ok(bytes) => return Ok(Some(IgnoreFile { name, text: lossy(bytes) })),
            Err(error) if is_absent(&error) => {}
            Err(_) => return Err(name),
        }
    }
    let name = ".dockerignore".to_owned();
    let read = resolve_in_root(fs, root, &name)
        .and_then(|(path, _)| fs.read(&root.join(path), MAX_IGNORE_BYTES, Links::Refuse));
    match read {
        Ok(bytes) => Ok(Some(IgnoreFile { name, text: lossy(bytes) })),
        Err(error) if is_absent(&error) => Ok(None),
        Err(_) => Err(name),
    }
}

/// `<Dockerfile name>.dockerignore` beside a Dockerfile.
pub(crate) fn beside(dockerfile: &Path) -> Option<PathBuf> {
    let mut name = dockerfile.file_name()?.to_owned();
    name.push(".dockerignore");
    Some(dockerfile.with_file_name(name))
}

/// Whether the error means that there is no such file; a directory of that name is none either.
pub(crate) fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

pub(crate) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The path relative to the root, slash-separated, if it is below the root; by their text alone, links not followed.
pub fn below_root(root: &Path, path: &Path) -> Option<String> {
    let (root, path) = (lexical(root), lexical(path));
    let below = path.strip_prefix(root).ok()?;
    let parts: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The absolute path without `.` and `..`, as text: `a/../b` is `b` even if `a` is a link.
pub fn lexical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut clean = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// The texts of manifests, those nearest to the root first, until the budget is used up.
pub(crate) fn read_manifests(
    fs: &dyn ContextFs,
    root: &Path,
    entries: &Tree,
    limits: &Limits,
) -> BTreeMap<Box<str>, Arc<str>> {
    let mut wanted: Vec<(usize, &str)> = entries
        .iter()
        .filter(|(path, entry)| {
            entry.kind == EntryKind::File && entry.size <= limits.max_manifest_bytes && is_manifest(path)
        })
        .map(|(path, _)| (path.bytes().filter(|b| *b == b'/').count(), path))
        .collect();
    wanted.sort_unstable();
    let mut texts = BTreeMap::new();
    let mut left = limits.max_manifests_bytes;
    for (_, path) in wanted {
        if limits.too_late() {
            break;
        }
        let Ok(bytes) = fs.read(&root.join(path), limits.max_manifest_bytes.min(left), Links::Refuse) else {
            continue;
        };
        // An opened file costs more than its bytes.
        left = left.saturating_sub(bytes.len() as u64 + 1024);
        texts.insert(path.into(), lossy(bytes).into());
        if left == 0 {
            break;
        }
    }
    texts
}

#[cfg(test)]
mod tests;
