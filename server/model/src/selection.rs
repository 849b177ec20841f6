//! Which files of a build context a source names, and what their content's key is.
//!
//! A file input is keyed by type, mode, size, link target, extended attributes and bytes, with names relative to what is
//! copied; not by time, owner, or the modes of directories (see [`tree`]). Source: cache/contenthash/checksum.go.

use blake3::Hasher;

use crate::context::{Content, Context, Entry, EntryKind};
use crate::dockerignore::Dockerignore;
use crate::gopath::{go_match, path_base, path_clean};
use crate::tree::{self, Totals};

/// A key: equal keys mean equal content as far as BuildKit looks.
pub type Key = [u8; 32];

/// How many symbolic links are followed before a path counts as missing, as Linux does.
const MAX_LINKS: usize = 40;

/// What a source selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The key of the content.
    pub key: Key,
    /// The matched paths, relative to the context, links followed; empty if nothing matches.
    pub paths: Vec<String>,
    /// Whether the build would fail because nothing is there.
    pub missing: bool,
    /// How many files, at which size, those below matched directories included and excluded ones not.
    pub files: Files,
}

/// The size of a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// How many files.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them were not read ([`Content::Unread`]). The key is the same in every process if this is 0.
    pub unread: usize,
}

impl Files {
    fn add(&mut self, totals: &Totals) {
        self.count += totals.files;
        self.bytes = self.bytes.saturating_add(totals.bytes);
        self.unread += totals.unread;
    }

    fn count(&mut self, entry: &Entry) {
        if entry.kind == EntryKind::File {
            self.count += 1;
            self.bytes = self.bytes.saturating_add(entry.size);
            self.unread += usize::from(matches!(entry.content, Content::Unread(_)));
        }
    }
}

/// How a source is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// `--exclude` patterns.
    pub excludes: &'a [String],
    /// `--parents`: names are kept relative to the pivot.
    pub parents: bool,
}

/// A source as a clean path relative to the context: no leading `/`, no `.` and `..`, `""` for the context itself.
pub fn source_path(source: &str) -> String {
    let mut clean = path_clean(&["/", source].concat());
    clean.drain(..clean.len() - clean.trim_start_matches('/').len());
    clean
}

/// Whether a path has wildcards for [`go_match`].
pub fn has_wildcard(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// What `source` selects in `context`.
pub fn select(context: &Context, source: &str, reading: Reading<'_>) -> Selected {
    let excludes = (!reading.excludes.is_empty())
        .then(|| Dockerignore::from_patterns(reading.excludes).unwrap_or_default());
    let (pivot, pattern) = match source.split_once("/./").filter(|_| reading.parents) {
        Some((pivot, pattern)) => (source_path(pivot), source_path(pattern)),
        None => (String::new(), source_path(source)),
    };
    let full = join(&pivot, &pattern);
    let paths = matches(context, &full);
    let mut hasher = Hasher::new();
    let mut files = Files::default();
    for path in &paths {
        let real = resolve(context, path);
        let Some(real) = real else { continue };
        let name = if reading.parents {
            path.strip_prefix(pivot.as_str()).unwrap_or(path).trim_start_matches('/')
        } else {
            path_base(path)
        };
        // One match by its own name is keyed by its content alone.
        if paths.len() > 1 || reading.parents || path_base(&full) != path_base(path) {
            field(&mut hasher, name.as_bytes());
        }
        match context.get(&real) {
            Some(entry) if entry.kind != EntryKind::Dir => {
                // `--exclude` counts from what is matched, so a file that is matched itself stays in the key, even where it
                // is not copied.
                let out = reading.parents && excludes.as_ref().is_some_and(|e| e.is_excluded(name));
                if !out {
                    record(&mut hasher, entry);
                    files.count(entry);
                }
            }
            // A directory, or the context itself: names are relative to it, so without exclusions its digest says it all.
            _ if excludes.is_none() => {
                field(&mut hasher, b"dir");
                let totals = context.entries.totals(&real);
                hasher.update(&totals.digest);
                files.add(&totals);
            }
            _ => {
                field(&mut hasher, b"some of a dir");
                for (below, entry) in context.below(&real) {
                    let relative = below[real.len()..].trim_start_matches('/');
                    let shown = if reading.parents { join(name, relative) } else { relative.to_owned() };
                    if entry.kind == EntryKind::Other
                        || excludes.as_ref().is_some_and(|e| e.is_excluded(&shown))
                    {
                        continue;
                    }
                    field(&mut hasher, relative.as_bytes());
                    record(&mut hasher, entry);
                    files.count(entry);
                }
            }
        }
    }
    let missing = paths.is_empty() && !has_wildcard(&full);
    if paths.is_empty() {
        field(&mut hasher, b"nothing");
    }
    Selected { key: *hasher.finalize().as_bytes(), paths, missing, files }
}

/// Whether a changed path can change what `source` selects. Cheap, and never says no wrongly: links may be involved.
pub fn may_select(source: &str, path: &str) -> bool {
    let source = source_path(&source.replace("/./", "/"));
    if source.is_empty() {
        return true;
    }
    let mut parts = path.split('/');
    source.split('/').all(|pattern| {
        parts.next().is_some_and(|part| part == pattern || go_match(pattern, part).unwrap_or(true))
    })
}

/// The paths that a clean source names; several for a wildcard, in order.
fn matches(context: &Context, source: &str) -> Vec<String> {
    if !has_wildcard(source) {
        let found = source.is_empty() || resolve(context, source).is_some();
        return if found { vec![source.to_owned()] } else { Vec::new() };
    }
    // The part before the first wildcard is a plain path; below it, matches are not searched further.
    let split = source.find(['*', '?', '[']).unwrap_or(0);
    let dir = source[..split].rfind('/').map_or("", |at| &source[..at]);
    let pattern = source[dir.len()..].trim_start_matches('/');
    let Some(real) = (if dir.is_empty() { Some(String::new()) } else { resolve(context, dir) }) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // A class of Go's may match a slash, and an escape may stand before one: only a plain pattern is taken apart at its
    // slashes, to leave out directories in which nothing can match.
    let parts: Vec<&str> = pattern.split('/').collect();
    let plain = !pattern.contains(['[', '\\']);
    let mut open = vec![(real.clone(), 0)];
    while let Some((below, depth)) = open.pop() {
        for (path, entry) in context.entries.children(&below) {
            let name = path.get(below.len()..).unwrap_or_default().trim_start_matches('/');
            let relative = path.get(real.len()..).unwrap_or_default().trim_start_matches('/');
            let last = depth + 1 == parts.len();
            if entry.kind == EntryKind::Other {
                continue;
            }
            if last {
                if go_match(pattern, relative).unwrap_or(false) {
                    found.push(join(dir, relative));
                }
            } else if entry.kind == EntryKind::Dir
                && (!plain || parts.get(depth).is_some_and(|part| go_match(part, name).unwrap_or(true)))
            {
                open.push((path.to_owned(), depth + 1));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The path with all symbolic links followed, never above the context; `None` if nothing is there.
pub fn resolve(context: &Context, path: &str) -> Option<String> {
    let mut rest: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let mut done = String::new();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let next = join(&done, &part);
        let entry = context.get(&next)?;
        match (&entry.kind, &entry.link) {
            (EntryKind::Symlink, Some(link)) => {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                if link.starts_with('/') {
                    done.clear();
                }
                rest.extend(link.split('/').rev().map(str::to_owned));
            }
            (EntryKind::Other, _) => return None,
            _ => done = next,
        }
    }
    Some(done)
}

fn join(dir: &str, name: &str) -> String {
    match (dir.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => dir.to_owned(),
        _ => format!("{dir}/{name}"),
    }
}

/// Adds a field so that no two sequences of fields look the same.
pub(crate) fn field(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn record(hasher: &mut Hasher, entry: &Entry) {
    let mut record = Vec::new();
    tree::record(&mut record, entry);
    hasher.update(&record);
}

#[cfg(test)]
mod tests;
