//! One bounded walk over a folder, `.dockerignore` applied on the way down.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use layerwise_model::context::{Content, Entry, EntryKind, Incomplete};
use layerwise_model::dockerignore::{Dockerignore, MatchInfo};
use layerwise_model::tree::Tree;

use crate::context::{Limits, is_absent};
use crate::fs::{ContextFs, Metadata};

/// The content that a file (its path relative to the root) is given, from what is known without opening it.
pub(crate) type ContentOf<'a> = dyn FnMut(&str, &Metadata) -> Content + 'a;

/// What a walk found.
pub(crate) struct Walked {
    pub(crate) entries: Tree,
    pub(crate) unreadable: Vec<String>,
    /// Excluded directories that were looked into, as something below them may be included again.
    pub(crate) excluded_dirs: Vec<String>,
    pub(crate) stopped: Option<Incomplete>,
}

/// A directory that is still to be read.
struct Pending {
    path: String,
    os_path: PathBuf,
    depth: usize,
    /// What the patterns said about the directory above; shared by its entries, so that many directories times many
    /// patterns do not add up in memory.
    above: Rc<MatchInfo>,
}

/// Walks the context and keeps what the patterns leave.
///
/// As in BuildKit's client, an excluded directory is an entry all the same if something below it is included again.
pub(crate) fn walk(
    fs: &dyn ContextFs,
    root: &Path,
    ignore: &Dockerignore,
    limits: &Limits,
    content_of: &mut ContentOf<'_>,
) -> Walked {
    walk_below(fs, root, "", ignore, limits, content_of)
}

/// [`walk`] of one directory of the context only; `start` is its path, `""` the root's. The paths found are relative to the
/// root all the same, and neither `start` itself nor what is above it is among them unless it is excluded itself and
/// something below it is not.
pub(crate) fn walk_below(
    fs: &dyn ContextFs,
    root: &Path,
    start: &str,
    ignore: &Dockerignore,
    limits: &Limits,
    content_of: &mut ContentOf<'_>,
) -> Walked {
    let mut entries = Tree::new();
    let mut excluded_dirs: HashMap<String, Entry> = HashMap::new();
    let mut looked_into = Vec::new();
    let mut unreadable = Vec::new();
    let mut stopped = None;
    let (mut seen, mut path_bytes) = (0_usize, 0_usize);
    let mut above = MatchInfo::default();
    for (slash, _) in start.match_indices('/') {
        above = ignore.step(start.get(..slash).unwrap_or_default(), &above).info;
    }
    let mut pending = vec![Pending {
        path: start.to_owned(),
        os_path: if start.is_empty() { root.to_path_buf() } else { root.join(start) },
        depth: start.split('/').filter(|name| !name.is_empty()).count(),
        above: Rc::new(above),
    }];
    'walk: while let Some(dir) = pending.pop() {
        if limits.too_late() {
            stopped = Some(Incomplete::TooSlow);
            break;
        }
        let listing = match fs.read_dir(&dir.os_path, limits.max_entries - seen) {
            Ok(listing) if dir.depth <= limits.max_depth => listing,
            _ => {
                unreadable.push(if dir.path.is_empty() { ".".to_owned() } else { dir.path });
                continue;
            }
        };
        if listing.more {
            stopped = Some(Incomplete::TooMany(limits.max_entries));
            break;
        }
        let info = match dir.path.as_str() {
            "" => Rc::default(),
            path => Rc::new(ignore.step(path, &dir.above).info),
        };
        let mut names = listing.names;
        names.sort_unstable();
        for name in names {
            seen += 1;
            if seen % 256 == 0 && limits.too_late() {
                stopped = Some(Incomplete::TooSlow);
                break 'walk;
            }
            // BuildKit cannot send a name that is not UTF-8 at all; such a file is in the index under a stand-in.
            let shown = name.to_string_lossy();
            let path = if dir.path.is_empty() { shown.into_owned() } else { format!("{}/{shown}", dir.path) };
            path_bytes += path.len();
            if path_bytes > limits.max_path_bytes {
                stopped = Some(Incomplete::TooMany(seen));
                break 'walk;
            }
            let excluded = ignore.step_excludes(&path, &info);
            if excluded && !ignore.may_reinclude_below(&path) {
                continue;
            }
            let os_path = dir.os_path.join(&name);
            let read = fs.metadata(&os_path).and_then(|found| entry(fs, &os_path, &path, found, content_of));
            let entry = match read {
                Ok(entry) => entry,
                Err(error) => {
                    // A file that went away since it was listed is simply not there.
                    if !excluded && !is_absent(&error) {
                        unreadable.push(path);
                    }
                    continue;
                }
            };
            let is_dir = entry.kind == EntryKind::Dir;
            if excluded {
                if !is_dir {
                    continue;
                }
                excluded_dirs.insert(path.clone(), entry);
                looked_into.push(path.clone());
            } else {
                include_parents(&mut entries, &mut excluded_dirs, &path);
                entries.insert(&path, entry);
            }
            if is_dir {
                pending.push(Pending { path, os_path, depth: dir.depth + 1, above: Rc::clone(&info) });
            }
        }
    }
    Walked { entries, unreadable, excluded_dirs: looked_into, stopped }
}

/// Moves the excluded directories above a path that is included to the entries.
fn include_parents(entries: &mut Tree, excluded_dirs: &mut HashMap<String, Entry>, path: &str) {
    if excluded_dirs.is_empty() {
        return;
    }
    let mut path = path;
    while let Some((parent, _)) = path.rsplit_once('/') {
        if let Some(entry) = excluded_dirs.remove(parent) {
            entries.insert(parent, entry);
        }
        path = parent;
    }
}

/// The entry of what stands at `os_path`, `path` in the context. Errors: a link that cannot be read.
pub(crate) fn entry(
    fs: &dyn ContextFs,
    os_path: &Path,
    path: &str,
    found: Metadata,
    content_of: &mut ContentOf<'_>,
) -> std::io::Result<Entry> {
    let link = match found.kind {
        EntryKind::Symlink => Some(fs.read_link(os_path)?.to_string_lossy().into()),
        _ => None,
    };
    let content = if found.kind == EntryKind::File { content_of(path, &found) } else { Content::nothing() };
    Ok(Entry { kind: found.kind, mode: found.mode, size: found.size, content, link })
}
