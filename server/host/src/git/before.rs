//! The index of a context as it was, made from the one as it is and what git says has changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use layerwise_model::context::{Content, Context, Entry, EntryKind, Incomplete};
use layerwise_model::dockerignore::Dockerignore;
use layerwise_model::tree::Tree;

use super::{Before, State, Versioned};
use crate::context::{IgnoreFile, Limits, ignore_file, read_manifests, unread};
use crate::fs::ContextFs;
use crate::walk::walk;

/// The context as it was, from the one as it is (`after`) and what differs.
///
/// What did not change is shared, contents and their numbers included. A file that is gone takes its permission bits from
/// one with the same bytes that came (give `after` with the changed files hashed, see [`super::since`]). The side's own
/// ignore file decides what it held; if that changed, the folder is walked again. A directory that git has never heard of
/// counts as unchanged; one in which everything is new counts as new.
pub fn context_before(
    fs: &dyn ContextFs,
    root: &Path,
    dockerfile: Option<&Path>,
    after: &Context,
    before: &Before,
    limits: &Limits,
) -> Context {
    let holds_ignored = |dir: &str| holds_ignored(fs, root, dir, before);
    context_before_with(fs, root, dockerfile, after, before, limits, &holds_ignored)
}

/// [`context_before`], told whether a directory in which the index has nothing holds something that git ignores.
pub(super) fn context_before_with(
    fs: &dyn ContextFs,
    root: &Path,
    dockerfile: Option<&Path>,
    after: &Context,
    before: &Before,
    limits: &Limits,
    holds_ignored: &dyn Fn(&str) -> bool,
) -> Context {
    let now = ignore_file(fs, root, dockerfile).ok().flatten();
    let then = ignore_file_before(fs, root, before, now.as_ref(), dockerfile);
    let mut context = after.clone();
    if now.as_ref().map(|f| &f.text) != then.as_ref().map(|f| &f.text) {
        context.ignore = Arc::new(Dockerignore::parse(then.as_ref().map_or("", |f| f.text.as_str())));
        // What was not ignored on either side is the same on both.
        let mut content_of = |path: &str, _: &_| after.get(path).map_or_else(unread, |known| known.content);
        let walked = walk(fs, root, &context.ignore, limits, &mut content_of);
        context.texts = Arc::new(read_manifests(fs, root, &walked.entries, limits));
        context.entries = walked.entries;
        let unreadable = (!walked.unreadable.is_empty()).then_some(Incomplete::Unreadable(walked.unreadable));
        context.incomplete = walked.stopped.or(unreadable);
    }
    context.ignore_file = then.map(|f| f.name);
    if before.changed.is_empty() && before.untracked_dirs.is_empty() {
        return context;
    }
    let ignore = Arc::clone(&context.ignore);
    let moved_modes = modes_of_new_files(after, before);
    let entries = &mut context.entries;
    let texts = Arc::make_mut(&mut context.texts);
    remove_new(entries, texts, before, holds_ignored);
    for (path, state) in &before.changed {
        if *state == State::Absent || !ignore.in_context(path) {
            continue;
        }
        let entry = old_entry(path, state, after, &moved_modes);
        add_directories(entries, path);
        if *state == State::Unknown {
            // Whatever stood there, nothing below is known to be the same.
            let files = entries.below(path).filter(|(_, e)| e.kind == EntryKind::File);
            for file in files.map(|(path, _)| path.to_owned()).collect::<Vec<_>>() {
                if let Some(entry) = entries.get_mut(&file) {
                    entry.content = unread();
                }
            }
            if entries.get(path).is_none() {
                entries.insert(path, entry);
            }
            continue;
        }
        if let State::File { text: Some(text), .. } = state {
            texts.insert(path.as_str().into(), Arc::clone(text));
        }
        entries.insert(path, entry);
    }
    context
}

/// The ignore file in force then.
pub(super) fn ignore_file_before(
    fs: &dyn ContextFs,
    root: &Path,
    before: &Before,
    now: Option<&IgnoreFile>,
    dockerfile: Option<&Path>,
) -> Option<IgnoreFile> {
    let name_beside = || {
        let path = crate::context::beside(dockerfile?)?;
        Some(crate::context::below_root(root, &path).unwrap_or_else(|| path.display().to_string()))
    };
    match (&before.ignore_beside, name_beside()) {
        (Some(Versioned::Text(text)), Some(name)) => return Some(IgnoreFile { name, text: text.clone() }),
        // Outside git it is what it is now: in force if it is there.
        (Some(Versioned::Unversioned), Some(name)) if now.is_some_and(|f| f.name == name) => {
            return now.cloned();
        }
        _ => {}
    }
    match &before.ignore_at_root {
        Some(Versioned::Text(text)) => {
            Some(IgnoreFile { name: ".dockerignore".to_owned(), text: text.clone() })
        }
        Some(Versioned::Absent) => None,
        Some(Versioned::Unversioned) | None => ignore_file(fs, root, None).ok().flatten(),
    }
}

/// Takes away what was not there, or was something else, and the directories that nothing else held (`holds_ignored`
/// tells whether git ignores something in one).
fn remove_new(
    entries: &mut Tree,
    texts: &mut BTreeMap<Box<str>, Arc<str>>,
    before: &Before,
    holds_ignored: &dyn Fn(&str) -> bool,
) {
    let mut emptied: BTreeSet<String> = BTreeSet::new();
    for (path, state) in &before.changed {
        if *state == State::Unknown {
            continue;
        }
        texts.remove(path.as_str());
        for (path, _) in entries.below(path) {
            texts.remove(path);
        }
        let removed = entries.remove(path).is_some();
        if removed && *state == State::Absent {
            emptied.extend(parents(path).map(str::to_owned));
        }
    }
    for dir in &before.untracked_dirs {
        emptied.insert(dir.clone());
        let dirs = entries.below(dir).filter(|(_, e)| e.kind == EntryKind::Dir);
        emptied.extend(dirs.map(|(path, _)| path.to_owned()));
    }
    // In reverse order of their paths, a directory comes after all below it.
    for dir in emptied.iter().rev().filter(|dir| !before.dirs.contains(*dir)) {
        let is_dir = entries.get(dir).is_some_and(|e| e.kind == EntryKind::Dir);
        if is_dir && entries.children(dir).next().is_none() && !holds_ignored(dir) {
            entries.remove(dir);
        }
    }
}

/// Names that are looked at in one directory to tell whether git ignores any of them.
pub(super) const MAX_NAMES: usize = 10_000;

/// Whether a directory, or one below it, holds a file that is not new: one that both git and the build ignore. True if
/// that would take too long to find out.
fn holds_ignored(fs: &dyn ContextFs, root: &Path, dir: &str, before: &Before) -> bool {
    let mut left = MAX_NAMES;
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        let Ok(listing) = fs.read_dir(&root.join(&dir), left) else { continue };
        if listing.more {
            return true;
        }
        left -= listing.names.len();
        for name in listing.names {
            let path = format!("{dir}/{}", name.to_string_lossy());
            if before.changed.get(&path) == Some(&State::Absent) {
                continue;
            }
            match fs.metadata(&root.join(&dir).join(&name)) {
                Ok(found) if found.kind == EntryKind::Dir => pending.push(path),
                Ok(_) => return true,
                Err(_) => {}
            }
        }
    }
    false
}

/// The directories above a path, the nearest first, without the root.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').filter_map(|(slash, _)| path.get(..slash))
}

/// Adds the directories above a path that are not there. Their bits are those of the nearest directory that is: git keeps
/// none.
fn add_directories(entries: &mut Tree, path: &str) {
    let is_dir = |dir: &str| entries.get(dir).filter(|e| e.kind == EntryKind::Dir);
    let missing: Vec<&str> = parents(path).take_while(|dir| is_dir(dir).is_none()).collect();
    let mode = parents(path).find_map(is_dir).map_or(0o755, |e| e.mode);
    for dir in missing {
        entries.insert(dir, Entry::directory(mode));
    }
}

/// The permission bits of files that came since, by their bytes and whether they are executable.
fn modes_of_new_files(after: &Context, before: &Before) -> HashMap<([u8; 32], bool), u32> {
    let new = before.changed.iter().filter(|(_, state)| **state == State::Absent);
    new.filter_map(|(path, _)| match after.get(path)? {
        Entry { kind: EntryKind::File, mode, content: Content::Hash(hash), .. } => {
            Some(((*hash, is_executable(*mode)), *mode))
        }
        _ => None,
    })
    .collect()
}

/// git's rule: the owner's bit.
pub(super) fn is_executable(mode: u32) -> bool {
    mode & 0o100 != 0
}

fn old_entry(
    path: &str,
    state: &State,
    after: &Context,
    moved_modes: &HashMap<([u8; 32], bool), u32>,
) -> Entry {
    match state {
        State::File { executable, size, content, .. } => {
            let now = after.get(path).filter(|e| e.kind == EntryKind::File);
            let moved = || match content {
                Content::Hash(hash) => moved_modes.get(&(*hash, *executable)).copied(),
                Content::Unread(_) => None,
            };
            let mode = match now {
                Some(now) if is_executable(now.mode) == *executable => now.mode,
                Some(now) if *executable => now.mode | ((now.mode & 0o444) >> 2),
                Some(now) => now.mode & !0o111,
                None => moved().unwrap_or(if *executable { 0o755 } else { 0o644 }),
            };
            Entry { kind: EntryKind::File, mode, size: *size, content: *content, link: None }
        }
        State::Symlink { target } => Entry {
            kind: EntryKind::Symlink,
            mode: 0o777,
            size: 0,
            content: Content::nothing(),
            link: Some(target.clone()),
        },
        State::Absent | State::Unknown => Entry::directory(0o755),
    }
}
