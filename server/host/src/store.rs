//! Build contexts that are kept up to date: loaded once, then told what changed.
//!
//! A [`ContextStore`] holds a few contexts. Told that a path changed, it looks at that path, hashes the file if it could have
//! other bytes, and puts the new entry in the index; everything else is shared with the index before. What a file's
//! metadata was when it was last looked at is remembered, so that even a walk over the whole folder opens no file that
//! stayed the same.
//!
//! Nothing here starts a thread; [`crate::watch`] does, and calls [`ContextStore::update`] and [`ContextStore::hash_some`].

mod state;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use layerwise_model::Context;

use crate::context::{IgnoreFile, Limits, below_root, beside, ignore_file, lexical};
use crate::fs::ContextFs;
use state::State;

/// How much a store may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What one context may take; its `deadline` is not looked at.
    pub limits: Limits,
    /// How long one walk over a folder may take; what is not seen by then makes the index incomplete.
    pub walk: Duration,
    /// How many contexts are kept; those asked for least recently go first.
    pub contexts: usize,
    /// How many entries are kept in all contexts together; one context may have more.
    pub entries: usize,
    /// How many changed paths are looked at one by one; if there are more, the folder is walked again.
    pub paths: usize,
    /// How long a context that nobody watches is taken to be right.
    pub fresh: Duration,
    /// How long whoever asks first for a context that is watched waits for its files to be hashed. What is hashed by then
    /// needs no [`ContextStore::learnt`].
    pub first_hashing: Duration,
    /// Bytes of a file that is hashed without being asked for.
    pub background_file: u64,
    /// Bytes of all files of one context that are hashed without being asked for.
    pub background_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            limits: Limits::default(),
            walk: Duration::from_millis(1500),
            contexts: 8,
            entries: 400_000,
            paths: 2_000,
            fresh: Duration::from_secs(10),
            first_hashing: Duration::from_millis(250),
            background_file: 64 << 20,
            background_bytes: 4 << 30,
        }
    }
}

/// Something changed on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    /// The absolute path.
    pub path: PathBuf,
    /// Whether all below it may have changed too. If not, a directory is taken to hold what it held.
    pub deep: bool,
}

/// Contexts by folder and ignore file. All methods may be called from any thread; only [`ContextStore::get`],
/// [`ContextStore::update`] and [`ContextStore::hash_some`] read the disk.
pub struct ContextStore {
    fs: Arc<dyn ContextFs>,
    bounds: Bounds,
    /// Held by whoever changes a context, through all its reading; never while `kept` is held.
    work: Mutex<()>,
    /// Held for moments only.
    kept: Mutex<Kept>,
    on_news: Mutex<Option<News>>,
}

/// See [`ContextStore::on_news`].
pub type News = Box<dyn Fn() + Send + Sync>;

type Ignore = Result<Option<IgnoreFile>, String>;

#[derive(Default)]
struct Kept {
    /// The one asked for most recently comes last.
    contexts: Vec<One>,
    noted: Vec<Change>,
    /// Hashes of contents that had been handed out unread.
    learnt: HashMap<u64, [u8; 32]>,
    learnt_times: u64,
    also: HashSet<PathBuf>,
    watched: bool,
    asked: bool,
    /// A context changed, and [`ContextStore::update`] has not said so yet.
    unreported: bool,
}

/// A context that is kept.
struct One {
    root: PathBuf,
    ignore: Ignore,
    state: State,
    /// What was handed out, by Dockerfile; forgotten when it changes.
    handed_out: HashMap<Option<PathBuf>, Arc<Context>>,
    dockerfiles: Vec<Option<PathBuf>>,
    checked: Instant,
    /// Nobody has looked since it was loaded.
    unchecked: bool,
}

impl One {
    fn is(&self, root: &Path, ignore: &Ignore) -> bool {
        self.root == root && self.ignore == *ignore
    }

    fn hand_out(&mut self, dockerfile: Option<&Path>) -> Arc<Context> {
        let key = dockerfile.map(Path::to_path_buf);
        if let Some(context) = self.handed_out.get(&key) {
            return Arc::clone(context);
        }
        let mut context = self.state.context.clone();
        context.dockerfile = dockerfile.and_then(|path| below_root(&self.root, path));
        let context = Arc::new(context);
        self.handed_out.insert(key.clone(), Arc::clone(&context));
        if !self.dockerfiles.contains(&key) {
            self.dockerfiles.push(key);
        }
        context
    }
}

/// How many numbers of unread contents are kept with what they turned out to be.
const MAX_LEARNT: usize = 1 << 20;

/// Changes that someone who asks for a context waits for.
const MAX_AT_ONCE: usize = 64;

/// How many times longer than for someone who waits a walk may take in the background.
const BACKGROUND: u32 = 10;

/// What background hashing has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashing {
    /// There is more to hash.
    More,
    /// The files of a context are hashed now: [`ContextStore::get`] gives it so.
    Learnt,
    /// Nothing is left to hash.
    Done,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves each of them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ContextStore {
    /// A store without contexts.
    pub fn new(fs: Arc<dyn ContextFs>, bounds: Bounds) -> ContextStore {
        ContextStore { fs, bounds, work: Mutex::default(), kept: Mutex::default(), on_news: Mutex::default() }
    }

    /// The file system that it reads.
    pub fn fs(&self) -> &dyn ContextFs {
        self.fs.as_ref()
    }

    /// How far a walk goes, and how far hashing during it.
    fn limits(&self, times: u32) -> (Limits, Limits) {
        let now = Instant::now();
        let within = |time: Duration| Limits { deadline: Some(now + time), ..self.bounds.limits };
        (within(self.bounds.walk * times), within(self.bounds.walk * times / 2))
    }

    /// The context at `root` as the Dockerfile sees it (see [`crate::context::load`]). Loaded if it is not kept; brought up
    /// to date with what was noted, or walked again where nobody watches, unless another thread is just doing that: then
    /// what is known is given at once. As long as nothing changes, the same object is given.
    pub fn get(&self, root: &Path, dockerfile: Option<&Path>) -> Arc<Context> {
        let root = lexical(root);
        let ignore = ignore_file(self.fs(), &root, dockerfile);
        let (known, due, stale) = {
            let mut kept = locked(&self.kept);
            kept.asked = true;
            let (watched, noted) = (kept.watched, kept.noted.len());
            let due = noted > 0 && (!watched || noted <= MAX_AT_ONCE);
            match kept.contexts.iter().position(|one| one.is(&root, &ignore)) {
                Some(at) => {
                    let mut one = kept.contexts.remove(at);
                    let stale = !watched && one.checked.elapsed() >= self.bounds.fresh;
                    let context = one.hand_out(dockerfile);
                    kept.contexts.push(one);
                    (Some(context), due, stale)
                }
                None => (None, due, false),
            }
        };
        match known {
            Some(context) if !due && !stale => context,
            Some(context) => match self.work.try_lock() {
                Err(std::sync::TryLockError::WouldBlock) => context,
                guard => {
                    let guard = guard.unwrap_or_else(|_| locked(&self.work));
                    let mut changes = std::mem::take(&mut locked(&self.kept).noted);
                    if stale {
                        changes.push(Change { path: root.clone(), deep: true });
                    }
                    self.update_locked(&guard, &changes, 1);
                    drop(guard);
                    self.hand_out_or_load(&root, ignore, dockerfile)
                }
            },
            None => self.hand_out_or_load(&root, ignore, dockerfile),
        }
    }

    fn hand_out_or_load(&self, root: &Path, ignore: Ignore, dockerfile: Option<&Path>) -> Arc<Context> {
        let known: Vec<State> = {
            let mut kept = locked(&self.kept);
            if let Some(one) = kept.contexts.iter_mut().find(|one| one.is(root, &ignore)) {
                return one.hand_out(dockerfile);
            }
            // What another ignore file left of the same folder need not be hashed again.
            kept.contexts.iter().filter(|one| one.root == root).map(|one| one.state.clone()).collect()
        };
        let mut state = State::load(self.fs(), root, ignore.clone(), &self.limits(1).0, &known);
        if locked(&self.kept).watched
            && let Some(found) = self.hash_within(&mut state, root, self.bounds.first_hashing)
        {
            // Nobody has seen the numbers.
            let found: HashMap<u64, [u8; 32]> = found.into_iter().collect();
            state.context.entries.learn(&|id| found.get(&id).copied());
        }
        let mut kept = locked(&self.kept);
        // The Dockerfile's ignore file was another one before.
        let key = dockerfile.map(Path::to_path_buf);
        kept.contexts.retain_mut(|other| {
            if other.root == root && other.ignore != ignore {
                other.dockerfiles.retain(|path| *path != key);
                other.handed_out.remove(&key);
            }
            !other.dockerfiles.is_empty()
        });
        let at = kept.contexts.iter().position(|one| one.is(root, &ignore));
        let mut one = match at {
            // Another thread was faster.
            Some(at) => kept.contexts.remove(at),
            None => One {
                root: root.to_path_buf(),
                ignore,
                state,
                handed_out: HashMap::new(),
                dockerfiles: Vec::new(),
                checked: Instant::now(),
                unchecked: true,
            },
        };
        let context = one.hand_out(dockerfile);
        kept.contexts.push(one);
        let entries =
            |kept: &Kept| kept.contexts.iter().map(|one| one.state.context.entries.len()).sum::<usize>();
        while kept.contexts.len() > self.bounds.contexts.max(1)
            || kept.contexts.len() > 1 && entries(&kept) > self.bounds.entries
        {
            kept.contexts.remove(0);
        }
        drop(kept);
        self.news();
        context
    }

    fn news(&self) {
        if let Some(news) = &*locked(&self.on_news) {
            news();
        }
    }

    /// Sets what is called when there is a context that was not there before, or a change was noted. It must not call the
    /// store.
    pub fn on_news(&self, news: Option<News>) {
        *locked(&self.on_news) = news;
    }

    /// Whether anybody asked for a context since this was last asked.
    pub fn was_asked(&self) -> bool {
        std::mem::take(&mut locked(&self.kept).asked)
    }

    /// Remembers changes until the next [`ContextStore::get`] or [`ContextStore::update`]. Reads nothing.
    pub fn note(&self, changes: impl IntoIterator<Item = Change>) {
        {
            let mut kept = locked(&self.kept);
            for change in changes {
                if kept.noted.len() > self.bounds.paths {
                    // Too many to look at one by one, so which they are no longer matters.
                    let whole = |one: &One| Change { path: one.root.clone(), deep: true };
                    kept.noted = kept.contexts.iter().map(whole).collect();
                    break;
                }
                kept.noted.push(change);
            }
        }
        self.news();
    }

    /// Looks at what changed, and at what was noted, and says whether any context has become another since this was last
    /// called: by content, mode, names or ignore file, not by time.
    pub fn update(&self, changes: &[Change]) -> bool {
        let guard = locked(&self.work);
        let mut all = std::mem::take(&mut locked(&self.kept).noted);
        all.extend_from_slice(changes);
        self.update_locked(&guard, &all, BACKGROUND);
        std::mem::take(&mut locked(&self.kept).unreported)
    }

    fn update_locked(&self, _: &MutexGuard<'_, ()>, changes: &[Change], times: u32) {
        let roots: Vec<(PathBuf, Ignore)> =
            locked(&self.kept).contexts.iter().map(|one| (one.root.clone(), one.ignore.clone())).collect();
        for (root, ignore) in roots {
            let (mut state, dockerfiles, again) = {
                let mut kept = locked(&self.kept);
                let watched = kept.watched;
                let Some(one) = kept.contexts.iter_mut().find(|one| one.is(&root, &ignore)) else { continue };
                // What changed while it was loaded may have been reported to the others only.
                let again = watched && std::mem::take(&mut one.unchecked);
                (one.state.take(), one.dockerfiles.clone(), again)
            };
            let mut changed = self.ignore_changed(&root, &ignore, &dockerfiles, changes);
            let whole = [Change { path: root.clone(), deep: true }];
            let changes = if again { &whole } else { changes };
            let limits = || self.limits(times);
            let updated = state.update(self.fs(), &root, &ignore, changes, self.bounds.paths, &limits);
            changed |= updated.changed;
            let mut kept = locked(&self.kept);
            kept.unreported |= changed;
            let Some(one) = kept.contexts.iter_mut().find(|one| one.is(&root, &ignore)) else { continue };
            if updated.changed {
                one.handed_out.clear();
            }
            if updated.whole {
                one.checked = Instant::now();
            }
            one.state = state;
        }
    }

    /// Whether a Dockerfile of this context has another ignore file now.
    fn ignore_changed(
        &self,
        root: &Path,
        ignore: &Ignore,
        dockerfiles: &[Option<PathBuf>],
        changes: &[Change],
    ) -> bool {
        let at_root = root.join(".dockerignore");
        dockerfiles.iter().any(|dockerfile| {
            let own = dockerfile.as_deref().and_then(beside).map(|path| lexical(&path));
            let touched = changes.iter().any(|c| {
                at_root.starts_with(&c.path) || own.as_ref().is_some_and(|own| own.starts_with(&c.path))
            });
            touched && ignore_file(self.fs(), root, dockerfile.as_deref()) != *ignore
        })
    }

    /// Contexts that were handed out, with what has been hashed since, so that they can be compared with each other: all of
    /// one comparison must go through one call. Costs nothing where every file is hashed.
    pub fn learnt<const N: usize>(&self, contexts: [Arc<Context>; N]) -> [Arc<Context>; N] {
        let kept = locked(&self.kept);
        contexts.map(|context| {
            let mut entries = context.entries.clone();
            if !kept.learnt.is_empty() && entries.learn(&|id| kept.learnt.get(&id).copied()) {
                Arc::new(Context { entries, ..Context::clone(&context) })
            } else {
                context
            }
        })
    }

    /// How many times something was hashed that had been handed out unread: as long as this stays the same,
    /// [`ContextStore::learnt`] has nothing new to say.
    pub fn learnt_times(&self) -> u64 {
        locked(&self.kept).learnt_times
    }

    /// Hashes files that nobody has hashed yet, for about the given time. Their hashes show all at once, when a context is
    /// through: until then equal contexts stay equal.
    pub fn hash_some(&self, time: Duration) -> Hashing {
        let _guard = locked(&self.work);
        let wanted = |one: &One| !one.state.is_hashed();
        let Some((root, ignore, mut state)) = ({
            let mut kept = locked(&self.kept);
            let one = kept.contexts.iter_mut().rev().find(|one| wanted(one));
            one.map(|one| (one.root.clone(), one.ignore.clone(), one.state.take()))
        }) else {
            return Hashing::Done;
        };
        let found = self.hash_within(&mut state, &root, time);
        let mut kept = locked(&self.kept);
        let mut answer = Hashing::More;
        let done = found.is_some();
        if let Some(found) = found.filter(|found| !found.is_empty()) {
            answer = Hashing::Learnt;
            if kept.learnt.len() + found.len() > MAX_LEARNT {
                kept.learnt.clear();
            }
            kept.learnt.extend(found);
            kept.learnt_times += 1;
        }
        let Kept { contexts, learnt, .. } = &mut *kept;
        if let Some(one) = contexts.iter_mut().find(|one| one.is(&root, &ignore)) {
            one.state = state;
        }
        if answer == Hashing::Learnt {
            // Contexts of one folder share what they have not read.
            for one in contexts.iter_mut().filter(|one| one.root == root) {
                if one.state.context.entries.learn(&|id| learnt.get(&id).copied()) {
                    one.handed_out.clear();
                }
            }
        } else if done && contexts.iter().all(|one| !wanted(one)) {
            answer = Hashing::Done;
        }
        answer
    }

    fn hash_within(&self, state: &mut State, root: &Path, time: Duration) -> Option<Vec<(u64, [u8; 32])>> {
        let Bounds { limits, background_file, background_bytes, .. } = self.bounds;
        let limits = Limits {
            deadline: Some(Instant::now() + time),
            max_hash_bytes: background_file.min(limits.max_hash_bytes),
            ..limits
        };
        state.hash_some(self.fs(), root, &limits, background_bytes)
    }

    /// Says whether changes are reported as they happen ([`ContextStore::note`] or [`ContextStore::update`]), so that no
    /// context need be walked again just because time went by.
    pub fn set_watched(&self, watched: bool) {
        locked(&self.kept).watched = watched;
    }

    /// The folders that are to be watched: per context its root, and the directories in it (relative, `""` the root) that a
    /// change could matter in.
    pub fn directories(&self) -> Vec<(PathBuf, Vec<String>)> {
        let _guard = locked(&self.work);
        let kept = locked(&self.kept);
        kept.contexts.iter().map(|one| (one.root.clone(), one.state.directories())).collect()
    }

    /// Watches these files too, instead of those that were named last; whoever watches says when one of them changes.
    pub fn watch_also(&self, files: impl IntoIterator<Item = PathBuf>) {
        {
            let mut kept = locked(&self.kept);
            let files: HashSet<PathBuf> = files.into_iter().collect();
            if kept.also == files {
                return;
            }
            kept.also = files;
        }
        self.news();
    }

    /// Whether a path is one of [`ContextStore::watch_also`].
    pub(crate) fn watches_also(&self, path: &Path) -> bool {
        locked(&self.kept).also.contains(path)
    }

    /// Files that matter wherever they stand: `<Dockerfile name>.dockerignore` beside each Dockerfile, and those of
    /// [`ContextStore::watch_also`].
    pub fn files(&self) -> Vec<PathBuf> {
        let kept = locked(&self.kept);
        let dockerfiles = kept.contexts.iter().flat_map(|one| one.dockerfiles.iter().flatten());
        dockerfiles.filter_map(|path| beside(&lexical(path))).chain(kept.also.iter().cloned()).collect()
    }

    /// Forgets every context, for other settings.
    pub fn clear(&self) {
        let _guard = locked(&self.work);
        let mut kept = locked(&self.kept);
        kept.contexts.clear();
        kept.noted.clear();
    }
}

#[cfg(test)]
mod tests;
