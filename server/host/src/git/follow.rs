//! git's answer about a context, brought up to date when files change: git is asked about these files and no others.
//!
//! What is known of a path rests on the commit, on what the index says beyond the commit, on the rules of what is ignored
//! and converted, and on the path itself. As long as the first three stay the same, the answer for all paths that did not
//! change is the one that git gave. Where one of them changed, or could have, git is to be asked about everything again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use layerwise_model::context::{Content, Context, Entry, EntryKind};

use super::before::{
    MAX_NAMES, context_before, context_before_with, ignore_file_before, is_executable, parents,
};
use super::head::{Head, head_in};
use super::repo::{self, Index, Repo, is_rules};
use super::{Before, GitError, Since, State, before_in};
use crate::context::{Limits, fingerprint, ignore_file, lexical};
use crate::fs::{ContextFs, Metadata};

/// Changed paths that git is asked about one by one, and the bytes of their names; they go into a command line.
const MAX_PATHS: usize = 1_000;
const MAX_PATH_BYTES: usize = 24 << 10;

/// Files whose old state is kept although they are as they were.
const MAX_SEEN: usize = 10_000;

/// Files in directories that the index has nothing of, of which is remembered that git ignores them.
const MAX_IGNORED: usize = 100_000;

/// What git said of a context, and what is needed to say the same of the context after a change.
pub struct Follow {
    root: PathBuf,
    dockerfile: Option<PathBuf>,
    revision: String,
    repo: Repo,
    rules: Rules,
    /// The text of the build's ignore file, which is the same on both sides.
    ignore: Option<String>,
    told: Told,
    before: Before,
    /// The context that was given last.
    given: Context,
    /// The same with the changed files hashed.
    after: Context,
    /// What the commit has at paths that were asked for; `None`: no file.
    seen: BTreeMap<String, Option<Old>>,
    /// Files that the build ignores, and git too.
    ignored: HashSet<String>,
}

/// A file or link of the commit.
struct Old {
    mode: String,
    oid: String,
    /// `None` where it has to be asked for each time: only a filter driver knows the bytes.
    state: Option<State>,
}

impl Follow {
    /// Asks git about everything, as [`super::since`] does, whose parameters and errors these are. The second is `None`
    /// where the answer cannot be followed: two repositories, another ignore file at the revision, or something changed
    /// meanwhile.
    pub fn start(
        fs: &dyn ContextFs,
        root: &Path,
        dockerfile: Option<&Path>,
        revision: &str,
        after: &Context,
        timeout: Duration,
        limits: &Limits,
    ) -> Result<(Since, Option<Follow>), GitError> {
        let (began, deadline) = (SystemTime::now(), Instant::now() + timeout);
        let repo = Repo::open(&lexical(root), deadline)?;
        let rules = Rules::of(fs, &repo, dockerfile);
        let commit = repo.commit(revision)?;
        // The index is read meanwhile: it takes a while, and so does the rest.
        let (before, told) = std::thread::scope(|scope| {
            let told = rules.is_some().then(|| scope.spawn(|| Told::by(&repo, &commit)));
            let before = before_in(&repo, commit.clone(), revision, dockerfile, deadline);
            (before, told.and_then(|told| told.join().ok()?.ok()))
        });
        let before = before?;
        let hashed = fingerprint(fs, root, after, before.changed.keys().map(String::as_str), limits);
        let since = Since {
            commit: before.commit.clone(),
            dockerfile: before.dockerfile.clone(),
            before: context_before(fs, root, dockerfile, &hashed, &before, limits),
            after: hashed.clone(),
        };
        let followed = || {
            let (mut rules, told) = (rules?, told?);
            let now = ignore_file(fs, root, dockerfile).ok()?;
            let then = ignore_file_before(fs, root, &before, now.as_ref(), dockerfile).map(|file| file.text);
            let ignore = now.map(|file| file.text);
            let untracked = before.changed.keys().filter(|path| is_rules(name(path)));
            let hidden = untracked.chain(&told.index.rules).filter(|path| after.get(path).is_none());
            (then == ignore && rules.also(fs, root, hidden, began)).then(|| Follow {
                root: root.to_path_buf(),
                dockerfile: dockerfile.map(Path::to_path_buf),
                revision: revision.to_owned(),
                repo,
                rules,
                ignore,
                told,
                before,
                given: after.clone(),
                after: hashed,
                seen: BTreeMap::new(),
                ignored: HashSet::new(),
            })
        };
        Ok((since, followed()))
    }

    /// The answer for another state of the context: `then` is the one that was given last, with what was learnt since
    /// ([`crate::store::ContextStore::learnt`]), `now` the one that it is to be given for. The same as [`super::since`]
    /// would give. `None` where only that can tell; `self` is of no use then.
    ///
    /// Runs no git where only files changed that were known to be new, and a few that look at single files otherwise.
    pub fn next(
        &mut self,
        fs: &dyn ContextFs,
        then: &Context,
        now: &Context,
        timeout: Duration,
        limits: &Limits,
    ) -> Option<Since> {
        let deadline = Instant::now() + timeout;
        let same_rules = Arc::ptr_eq(&then.ignore, &now.ignore)
            && (&then.ignore_file, &then.dockerfile) == (&now.ignore_file, &now.dockerfile)
            && self.ignore
                == ignore_file(fs, &self.root, self.dockerfile.as_deref()).ok()?.map(|file| file.text)
            && self.rules.hold(fs);
        if !same_rules {
            return None;
        }
        let head = head_in(fs, &self.rules.own);
        if (self.revision != "HEAD" || head != self.rules.head || head.is_none())
            && self.repo.until(deadline).commit(&self.revision).ok()? != self.before.commit
        {
            return None;
        }
        self.rules.head = head;
        // What is git's own belongs to no commit; it counts as unchanged.
        let own = |path: &str| self.repo.prefix().is_empty() && path.split('/').next() == Some(".git");
        let changed = now.entries.changed(&then.entries).into_iter().filter(|path| !own(path));
        let mut paths: BTreeSet<String> = changed.map(str::to_owned).collect();
        if paths.len() > MAX_PATHS {
            return None;
        }
        let index = fs.metadata(&self.rules.index.0).ok();
        if index != self.rules.index.1 {
            let told = self.repo.until(deadline).index(&self.before.commit).ok()?;
            if fs.metadata(&self.rules.index.0).ok() != index {
                return None;
            }
            paths.extend(self.reindexed(then, now, told)?);
            self.rules.index.1 = index;
        }
        self.look(fs, &paths, then, now, deadline)?;
        let before = self.context_before(fs, now, deadline, limits)?;
        self.given = now.clone();
        let Before { commit, dockerfile, .. } = &self.before;
        Some(Since {
            commit: commit.clone(),
            dockerfile: dockerfile.clone(),
            before,
            after: self.after.clone(),
        })
    }

    /// Takes in what the index says now; gives the paths that came to it beyond the commit, or left it. `None` if that
    /// changes the answer for other paths too.
    fn reindexed(&mut self, then: &Context, now: &Context, index: Index) -> Option<Vec<String>> {
        let old = &self.told.index;
        if index.odd != old.odd
            || index.repositories != old.repositories
            || index.rules.iter().any(|path| !self.knows_rules(then, path))
        {
            return None;
        }
        let moved = index.added.symmetric_difference(&old.added);
        let moved: Vec<String> =
            moved.chain(index.removed.symmetric_difference(&old.removed)).cloned().collect();
        // Which directories git knows something of depends on it.
        let of_dirs = |path: &String| {
            then.is_dir(path)
                || now.is_dir(path)
                || self.before.untracked_dirs.contains(path)
                || parents(path).any(|dir| !self.before.dirs.contains(dir))
        };
        if moved.iter().any(of_dirs) {
            return None;
        }
        for path in &moved {
            if self.before.changed.get(path) == Some(&State::Absent) {
                self.before.changed.remove(path);
            }
        }
        if !moved.is_empty() {
            self.ignored.clear();
        }
        self.told.index = index;
        Some(moved)
    }

    /// Whether a change of a file of rules would have been noticed.
    fn knows_rules(&self, then: &Context, path: &str) -> bool {
        then.get(path).is_some() || self.rules.files.contains_key(&self.root.join(path))
    }

    /// Brings what is known up to date for these paths. `None` if git has to be asked about everything.
    fn look(
        &mut self,
        fs: &dyn ContextFs,
        paths: &BTreeSet<String>,
        then: &Context,
        now: &Context,
        deadline: Instant,
    ) -> Option<()> {
        let mut folders = BTreeSet::new();
        let mut wanted: Vec<&str> = Vec::new();
        let mut new_dirs: Vec<&str> = Vec::new();
        for path in paths {
            if path.contains([char::REPLACEMENT_CHARACTER, '\n', '"'])
                || path.split('/').any(|name| name == ".git" || is_rules(name))
                || self.told.index.odd.contains(path)
                || self
                    .before
                    .repositories
                    .iter()
                    .chain(&self.told.index.repositories)
                    .any(|repo| near(repo, path))
            {
                return None;
            }
            folders.extend(path.match_indices('/').filter_map(|(slash, _)| path.get(..slash)));
            let is_dir = |context: &Context| context.get(path).is_some_and(|e| e.kind == EntryKind::Dir);
            if is_dir(now) {
                folders.insert(path);
                if is_dir(then) {
                    continue;
                }
                new_dirs.push(path);
            }
            wanted.push(path);
        }
        for folder in folders {
            for name in [".gitignore", ".gitattributes", ".git"] {
                let path = format!("{folder}/{name}");
                if !self.knows_rules(then, &path) && fs.metadata(&self.root.join(&path)).is_ok() {
                    return None;
                }
            }
        }
        let repo = self.see(&wanted, then, deadline)?;
        let mut maybe_same: Vec<&str> = Vec::new();
        let mut maybe_new: Vec<&str> = Vec::new();
        let mut filtered: Vec<(String, String, String)> = Vec::new();
        for path in wanted {
            let entry = now.get(path);
            let Some(Some(old)) = self.seen.get(path) else {
                // No file of the commit.
                let is_file = entry.is_some_and(|e| matches!(e.kind, EntryKind::File | EntryKind::Symlink));
                let known = self.before.changed.get(path) == Some(&State::Absent);
                if !is_file {
                    if known {
                        self.before.changed.remove(path);
                    }
                } else if self.told.index.added.contains(path) {
                    self.before.changed.insert(path.to_owned(), State::Absent);
                } else if !known {
                    if self.told.ignores_case && then.get(path).is_none() {
                        return None;
                    }
                    maybe_new.push(path);
                }
                continue;
            };
            if old.mode == "120000" && !self.told.links {
                return None;
            }
            let Some(state) = &old.state else {
                filtered.push((path.to_owned(), old.mode.clone(), old.oid.clone()));
                continue;
            };
            let compared = match self.told.index.removed.contains(path) {
                // What left the index counts as changed, whatever it is now.
                true => Compared::Other,
                false => self.compare(state, entry),
            };
            match compared {
                Compared::Same => {
                    self.before.changed.remove(path);
                }
                Compared::Other => {
                    self.before.changed.insert(path.to_owned(), state.clone());
                }
                Compared::Bytes => maybe_same.push(path),
            }
        }
        // What git stores of other bytes may be the same: line ends are converted.
        if !maybe_same.is_empty() || !filtered.is_empty() {
            let repo = match repo {
                Some(repo) => repo,
                None => self.repo.again(deadline).ok()?,
            };
            let names: Vec<&str> =
                maybe_same.iter().copied().chain(filtered.iter().map(|(path, _, _)| path.as_str())).collect();
            let objects = repo.objects_of(&names).ok()?;
            for path in maybe_same {
                let Some(Some(old)) = self.seen.get(path) else { continue };
                match &old.state {
                    Some(state) if objects.get(path) != Some(&old.oid) => {
                        self.before.changed.insert(path.to_owned(), state.clone());
                    }
                    _ => {
                        self.before.changed.remove(path);
                    }
                }
            }
            let mut others = Vec::new();
            for (path, mode, oid) in &filtered {
                self.before.changed.remove(path);
                let same_mode = !self.told.modes
                    || now.get(path).is_some_and(|e| is_executable(e.mode) == (mode == "100755"));
                let removed = self.told.index.removed.contains(path);
                if objects.get(path.as_str()) != Some(oid) || !same_mode || removed {
                    others.push((path.clone(), mode.clone(), oid.clone()));
                }
            }
            if !others.is_empty() {
                self.before.changed.extend(repo::states(&repo, others).ok()?);
            }
        }
        let untracked_above = |dirs: &BTreeSet<String>, dir: &str| {
            dirs.contains(dir) || parents(dir).any(|parent| dirs.contains(parent))
        };
        new_dirs.retain(|dir| {
            let below = format!("{dir}/");
            let mut in_index = self.told.index.added.range(below.clone()..);
            !self.before.dirs.contains(*dir)
                && !untracked_above(&self.before.untracked_dirs, dir)
                && in_index.next().is_none_or(|path| !path.starts_with(&below))
                // Where the index has a file, git does not speak of a directory.
                && !untracked_above(&self.told.index.added, dir)
        });
        let asked: Vec<&str> = maybe_new.iter().chain(&new_dirs).copied().collect();
        // Asking what is ignored looks at no file's bytes, and so at no filter.
        let ignored = self.repo.until(deadline).ignored(&asked).ok()?;
        for path in maybe_new {
            if ignored.contains(path) {
                self.before.changed.remove(path);
            } else {
                self.before.changed.insert(path.to_owned(), State::Absent);
            }
        }
        for dir in new_dirs {
            if !ignored.contains(dir) && !untracked_above(&self.before.untracked_dirs, dir) {
                self.before.untracked_dirs.insert(dir.to_owned());
            }
        }
        Some(())
    }

    /// Asks what the commit has at paths of which that is not known. Gives the repository as it can be asked about the bytes
    /// of files, if it was opened for that.
    fn see(&mut self, paths: &[&str], then: &Context, deadline: Instant) -> Option<Option<Repo>> {
        if self.seen.len() > MAX_SEEN {
            self.seen.clear();
        }
        let unknown: Vec<&str> = paths
            .iter()
            .copied()
            .filter(|path| {
                // A file that was new before is new.
                let new = self.before.changed.get(*path) == Some(&State::Absent) && then.get(path).is_some();
                !new && !self.seen.contains_key(*path)
            })
            .collect();
        if unknown.is_empty() {
            return Some(None);
        }
        if unknown.iter().map(|path| path.len() + self.repo.prefix().len() + 3).sum::<usize>()
            > MAX_PATH_BYTES
        {
            return None;
        }
        let commit = &self.before.commit;
        let plain = self.repo.until(deadline);
        let (repo, found) = std::thread::scope(|scope| {
            let found = scope.spawn(|| plain.look_up_all(commit, &unknown));
            (self.repo.again(deadline).ok(), found.join().ok())
        });
        let (repo, mut found) = (repo?, found?.ok()?);
        let mut blobs = Vec::new();
        for path in &unknown {
            let Some((mode, oid)) = found.get(*path) else { continue };
            if mode == "160000" {
                return None;
            }
            if mode != "040000" {
                blobs.push(((*path).to_owned(), mode.clone(), oid.clone()));
            }
        }
        let mut states: HashMap<String, State> = if blobs.is_empty() {
            HashMap::new()
        } else {
            repo::states(&repo, blobs).ok()?.into_iter().collect()
        };
        for path in unknown {
            let old = found.remove(path).filter(|(mode, _)| mode != "040000").map(|(mode, oid)| {
                let state = states.remove(path);
                let known = |state: &State| {
                    !matches!(state, State::File { content: Content::Unread(_), .. } | State::Unknown)
                };
                Old { mode, oid, state: state.filter(known) }
            });
            self.seen.insert(path.to_owned(), old);
        }
        Some(Some(repo))
    }

    fn compare(&self, then: &State, now: Option<&Entry>) -> Compared {
        match (then, now) {
            (State::File { executable, content, .. }, Some(now)) if now.kind == EntryKind::File => {
                match self.told.modes && is_executable(now.mode) != *executable {
                    true => Compared::Other,
                    false if matches!(content, Content::Hash(_)) && *content == now.content => Compared::Same,
                    false => Compared::Bytes,
                }
            }
            (State::Symlink { target }, Some(now)) if now.link.as_ref() == Some(target) => Compared::Same,
            _ => Compared::Other,
        }
    }

    /// The context as it was, and `self.after` as the one it is compared with.
    fn context_before(
        &mut self,
        fs: &dyn ContextFs,
        now: &Context,
        deadline: Instant,
        limits: &Limits,
    ) -> Option<Context> {
        // Files that the build ignores are not in the index; in directories that are new but for them they decide.
        for _ in 0..3 {
            let unknown = RefCell::new(Vec::new());
            let dockerfile = self.dockerfile.as_deref();
            let mut after = now.clone();
            self.hash(fs, &mut after, limits);
            let holds_ignored = |dir: &str| self.holds_ignored(fs, dir, &unknown);
            let before =
                context_before_with(fs, &self.root, dockerfile, &after, &self.before, limits, &holds_ignored);
            let unknown = unknown.into_inner();
            if unknown.is_empty() {
                self.after = after;
                return Some(before);
            }
            let odd = |path: &String| {
                path.contains(char::REPLACEMENT_CHARACTER)
                    || path.split('/').any(|name| name == ".git")
                    || self.told.index.odd.contains(path)
            };
            if unknown.len() > MAX_NAMES || unknown.iter().any(odd) {
                return None;
            }
            let names: Vec<&str> = unknown.iter().map(String::as_str).collect();
            let ignored = self.repo.until(deadline).ignored(&names).ok()?;
            if self.ignored.len() > MAX_IGNORED {
                self.ignored.clear();
            }
            for path in unknown {
                if ignored.contains(&path) && !self.told.index.added.contains(&path) {
                    self.ignored.insert(path);
                } else {
                    self.before.changed.insert(path, State::Absent);
                }
            }
        }
        None
    }

    /// Hashes the changed files, as far as they are not: see [`super::since`].
    fn hash(&self, fs: &dyn ContextFs, after: &mut Context, limits: &Limits) {
        let (mut unread, mut known) = (Vec::new(), Vec::new());
        for path in self.before.changed.keys() {
            let entry = after.get(path).filter(|entry| entry.kind == EntryKind::File);
            let Some(content @ Content::Unread(_)) = entry.map(|entry| entry.content) else { continue };
            match (self.given.get(path), self.after.get(path)) {
                (Some(given), Some(hashed)) if given.content == content => known.push((path, hashed)),
                _ => unread.push(path.as_str()),
            }
        }
        for (path, hashed) in known {
            if let Some(entry) = after.entries.get_mut(path) {
                (entry.content, entry.size) = (hashed.content, hashed.size);
            }
        }
        *after = fingerprint(fs, &self.root, after, unread, limits);
    }

    /// Whether a directory holds a file that git ignores; `unknown` gets those of which that is not known.
    fn holds_ignored(&self, fs: &dyn ContextFs, dir: &str, unknown: &RefCell<Vec<String>>) -> bool {
        let mut left = MAX_NAMES;
        let mut pending = vec![dir.to_owned()];
        let mut holds = false;
        while let Some(dir) = pending.pop() {
            let Ok(listing) = fs.read_dir(&self.root.join(&dir), left) else { continue };
            if listing.more {
                return true;
            }
            left -= listing.names.len();
            for name in listing.names {
                let path = format!("{dir}/{}", name.to_string_lossy());
                if self.before.changed.get(&path) == Some(&State::Absent) {
                    continue;
                }
                if self.ignored.contains(&path) {
                    return true;
                }
                match fs.metadata(&self.root.join(&dir).join(&name)).map(|found| found.kind) {
                    Ok(EntryKind::Dir) => pending.push(path),
                    Ok(EntryKind::Other) => return true,
                    Ok(_) => {
                        unknown.borrow_mut().push(path);
                        holds = true;
                    }
                    Err(_) => {}
                }
            }
        }
        holds
    }
}

/// How a path of the commit compares with what stands there now.
enum Compared {
    Same,
    Other,
    /// The bytes are others.
    Bytes,
}

/// What the answer rests on beside the files, as it was before git was asked.
struct Rules {
    /// The folder with what is the working tree's own.
    own: PathBuf,
    head: Option<Head>,
    /// git's index.
    index: (PathBuf, Option<Metadata>),
    /// Files of rules and settings; those in the context are left out, since a change of them shows there.
    files: HashMap<PathBuf, Option<Metadata>>,
}

impl Rules {
    /// `None` if the Dockerfile is in another repository than the context.
    fn of(fs: &dyn ContextFs, repo: &Repo, dockerfile: Option<&Path>) -> Option<Rules> {
        let [top, own, common] = repo.places().ok()?;
        if let Some(dir) = dockerfile.and_then(|path| lexical(path).parent().map(Path::to_path_buf)) {
            let same =
                dir == repo.dir() || repo.places_of(&dir).ok()? == [top.clone(), own.clone(), common.clone()];
            if !same {
                return None;
            }
        }
        let stamp = |path: PathBuf| {
            let found = fs.metadata(&path).ok();
            (path, found)
        };
        let mut paths =
            vec![own.join("config.worktree"), own.join("info/sparse-checkout"), top.join(".gitmodules")];
        paths.extend(["config", "info/exclude", "info/attributes"].map(|name| common.join(name)));
        let mut dir = top.clone();
        for name in [""].into_iter().chain(repo.prefix().split_terminator('/')) {
            dir.push(name);
            paths.extend([".gitignore", ".gitattributes"].map(|rules| dir.join(rules)));
        }
        let index = stamp(own.join("index"));
        Some(Rules { head: head_in(fs, &own), index, files: paths.into_iter().map(stamp).collect(), own })
    }

    /// Files below the root that do not show in the context. `false` if one of them may have changed since `began`.
    fn also<'a>(
        &mut self,
        fs: &dyn ContextFs,
        root: &Path,
        paths: impl Iterator<Item = &'a String>,
        began: SystemTime,
    ) -> bool {
        // The clocks of file systems tick.
        let began =
            began.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(Duration::from_millis(20));
        let began = i64::try_from(began.as_nanos()).unwrap_or(i64::MAX);
        for path in paths {
            let path = root.join(path);
            let found = fs.metadata(&path).ok();
            if found.is_some_and(|found| found.stamp.changed.max(found.stamp.written) >= began) {
                return false;
            }
            self.files.insert(path, found);
        }
        true
    }

    /// Whether none of the files changed.
    fn hold(&self, fs: &dyn ContextFs) -> bool {
        self.files.iter().all(|(path, known)| fs.metadata(path).ok() == *known)
    }
}

/// What git told of its index and of how it looks at files.
struct Told {
    index: Index,
    /// Whether it looks at the executable bit.
    modes: bool,
    /// Whether it makes links.
    links: bool,
    /// Whether it takes `a` and `A` for one name.
    ignores_case: bool,
}

impl Told {
    fn by(repo: &Repo, commit: &str) -> Result<Told, GitError> {
        Ok(Told {
            index: repo.index(commit)?,
            modes: repo.is_on("core.fileMode", true)?,
            links: repo.is_on("core.symlinks", true)?,
            ignores_case: repo.is_on("core.ignoreCase", false)?,
        })
    }
}

/// Whether one path is the other, or below it.
fn near(one: &str, two: &str) -> bool {
    let below =
        |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below(one, two) || below(two, one)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
