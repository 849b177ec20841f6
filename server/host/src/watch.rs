//! Watching build contexts, so that a change made anywhere shows without anybody reporting it.
//!
//! One thread waits for the file system's events, lets a burst come to rest, tells the [`ContextStore`], and calls back if a
//! context is another now. In between it hashes what nobody has read yet.
//!
//! Where the system watches single directories (Linux), only those are watched in which a change could matter: nothing
//! below what the ignore file excludes. The folders above a context are watched too, since it may go and come back. Where
//! there are more directories than the system lets one watch, the folders are walked now and then instead.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _, WatcherKind};

use crate::store::{Change, ContextStore, Hashing};

/// How long it must be quiet before changes are looked at.
const QUIET: Duration = Duration::from_millis(100);

/// How long changes wait at most while more come in.
const MOST: Duration = Duration::from_secs(1);

/// Changed paths that are remembered one by one; if there are more, everything is walked again.
const MAX_CHANGES: usize = 10_000;

/// How often changes are looked for where the system does not report them, and someone asks for the context.
const POLL: Duration = Duration::from_secs(10);

/// Hashing in the background works this long, then rests as long.
const SLICE: Duration = Duration::from_millis(20);

/// How often directories that appeared while others were being looked at are looked at in one go.
const MAX_ROUNDS: usize = 8;

/// Watches the contexts of a store, on a thread of its own, until it is dropped.
pub struct Watch {
    inbox: Arc<Inbox>,
}

impl Watch {
    /// Watches the contexts that the store holds, now and later. `changed` is called on the watching thread, each time that
    /// a context is another one by content, mode, names or ignore file, and when one is hashed throughout.
    pub fn start(store: Arc<ContextStore>, changed: Changed) -> Watch {
        Watch::start_with(store, changed, POLL, |inbox| match RecommendedWatcher::kind() {
            // Without a word about the files in a directory it is no better than polling.
            WatcherKind::Kqueue | WatcherKind::PollWatcher | WatcherKind::NullWatcher => None,
            kind => System::new(inbox, kind == WatcherKind::Inotify)
                .inspect_err(|error| tracing::warn!("files cannot be watched: {error}"))
                .ok()
                .map(|system| Box::new(system) as Box<dyn Backend>),
        })
    }

    fn start_with(
        store: Arc<ContextStore>,
        changed: Changed,
        poll: Duration,
        backend: impl FnOnce(&Arc<Inbox>) -> Option<Box<dyn Backend>> + Send + 'static,
    ) -> Watch {
        let inbox = Arc::new(Inbox::default());
        store.set_watched(true);
        store.on_news(Some(Box::new({
            let inbox = Arc::downgrade(&inbox);
            move || {
                if let Some(inbox) = inbox.upgrade() {
                    inbox.add(|mail| mail.news = true);
                }
            }
        })));
        let (of_worker, of_thread) = (Arc::clone(&inbox), Arc::clone(&store));
        let thread = std::thread::Builder::new().name("layerwise-watch".to_owned()).spawn(move || {
            let backend = backend(&of_worker);
            let watched = BTreeSet::new();
            let (store, inbox) = (of_thread, of_worker);
            let worker = Worker { store, changed, inbox, backend, watched, poll, polled: Instant::now() };
            worker.say_if_it_polls();
            worker.run();
        });
        if let Err(error) = thread {
            tracing::warn!("files are not watched: {error}");
            store.set_watched(false);
            store.on_news(None);
        }
        Watch { inbox }
    }
}

/// What is called when a context changed.
pub type Changed = Box<dyn Fn() + Send + Sync>;

impl Drop for Watch {
    /// The thread ends when it has done what it is at; `changed` is not called any more.
    fn drop(&mut self) {
        self.inbox.add(|mail| mail.stop = true);
    }
}

/// What the worker has to do.
#[derive(Default)]
struct Mail {
    /// Changed paths, and whether all below them may have changed.
    changes: BTreeMap<PathBuf, bool>,
    /// Events were lost, or there were too many: anything may have changed.
    lost: bool,
    /// The system watches no more directories.
    exhausted: bool,
    /// The store has something new: a context, or changes that somebody reported to it.
    news: bool,
    stop: bool,
    first: Option<Instant>,
    last: Option<Instant>,
    /// What matters: paths at, below and above these folders, and these files.
    roots: Vec<PathBuf>,
    files: HashSet<PathBuf>,
}

impl Mail {
    fn matters(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root) || root.starts_with(path))
            || self.files.contains(path)
    }

    fn change(&mut self, path: PathBuf, deep: bool) {
        if self.lost || !self.matters(&path) {
            return;
        }
        if self.changes.len() >= MAX_CHANGES {
            self.lose();
            return;
        }
        *self.changes.entry(path).or_default() |= deep;
        self.moment();
    }

    fn lose(&mut self) {
        self.changes.clear();
        self.lost = true;
        self.moment();
    }

    fn moment(&mut self) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
    }
}

#[derive(Default)]
struct Inbox {
    mail: Mutex<Mail>,
    came: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        // A panic elsewhere leaves it whole.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, add: impl FnOnce(&mut Mail)) {
        add(&mut self.lock());
        self.came.notify_one();
    }

    /// An event of the system. `name` gives a path as the store knows it.
    fn event(&self, event: notify::Result<notify::Event>, name: impl Fn(PathBuf) -> PathBuf) {
        match event {
            Ok(event) if event.need_rescan() => self.add(Mail::lose),
            Ok(event) => {
                let deep = match event.kind {
                    EventKind::Access(_) => return,
                    EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => false,
                    _ => true,
                };
                self.add(|mail| event.paths.into_iter().for_each(|path| mail.change(name(path), deep)));
            }
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                self.add(|mail| mail.exhausted = true);
            }
            Err(error) => {
                tracing::debug!("watching files: {error}");
                self.add(Mail::lose);
            }
        }
    }

    /// Waits until there is something to do and changes have come to rest; no longer than `most` if nothing comes.
    fn wait(&self, most: Option<Duration>) -> Mail {
        let begun = Instant::now();
        let mut mail = self.lock();
        loop {
            let now = Instant::now();
            let rest = match (mail.first, mail.last) {
                (Some(first), Some(last)) => {
                    Some((last + QUIET).min(first + MOST).saturating_duration_since(now))
                }
                _ => most.map(|most| most.saturating_sub(now - begun)),
            };
            let asked = mail.stop || (mail.news || mail.exhausted) && mail.first.is_none();
            if asked || rest == Some(Duration::ZERO) {
                let kept = Mail { roots: mail.roots.clone(), files: mail.files.clone(), ..Mail::default() };
                return std::mem::replace(&mut mail, kept);
            }
            mail = match rest {
                Some(rest) => self.came.wait_timeout(mail, rest).unwrap_or_else(PoisonError::into_inner).0,
                None => self.came.wait(mail).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// Whoever reports events to the inbox.
trait Backend {
    /// Whether each directory is watched by itself, not all below it.
    fn single(&self) -> bool;
    /// Watches a directory.
    fn watch(&mut self, dir: &Path) -> notify::Result<()>;
    /// No longer watches a directory; one that is gone is no error.
    fn unwatch(&mut self, dir: &Path);
}

/// The operating system.
struct System {
    watcher: RecommendedWatcher,
    single: bool,
    /// Folders by the names that the system reports them under, links followed.
    names: Arc<Mutex<BTreeMap<PathBuf, PathBuf>>>,
}

impl System {
    fn new(inbox: &Arc<Inbox>, single: bool) -> notify::Result<System> {
        let names: Arc<Mutex<BTreeMap<PathBuf, PathBuf>>> = Arc::default();
        let (inbox, known) = (Arc::downgrade(inbox), Arc::clone(&names));
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Some(inbox) = inbox.upgrade() else { return };
            inbox.event(event, |path| {
                let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                let found =
                    known.iter().find_map(|(real, name)| Some(name.join(path.strip_prefix(real).ok()?)));
                found.unwrap_or(path)
            });
        })?;
        Ok(System { watcher, single, names })
    }
}

impl Backend for System {
    fn single(&self) -> bool {
        self.single
    }

    fn watch(&mut self, dir: &Path) -> notify::Result<()> {
        if self.single {
            return self.watcher.watch(dir, RecursiveMode::NonRecursive);
        }
        if let Some(real) = std::fs::canonicalize(dir).ok().filter(|real| real != dir) {
            self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(real, dir.to_path_buf());
        }
        self.watcher.watch(dir, RecursiveMode::Recursive)
    }

    fn unwatch(&mut self, dir: &Path) {
        // What is gone is no longer watched anyway.
        let _ = self.watcher.unwatch(dir);
    }
}

struct Worker {
    store: Arc<ContextStore>,
    changed: Changed,
    inbox: Arc<Inbox>,
    /// `None`: nobody reports anything.
    backend: Option<Box<dyn Backend>>,
    watched: BTreeSet<PathBuf>,
    /// How often to look where nobody reports anything.
    poll: Duration,
    polled: Instant,
}

impl Worker {
    fn run(mut self) {
        let mut hashing = true;
        loop {
            let most = match (hashing, &self.backend) {
                (true, _) => Some(SLICE),
                (false, None) => Some(self.poll),
                (false, Some(_)) => None,
            };
            let mail = self.inbox.wait(most);
            if mail.stop {
                break;
            }
            if mail.exhausted {
                self.give_up();
            }
            let poll = self.backend.is_none() && self.polled.elapsed() >= self.poll && self.store.was_asked();
            if mail.news || mail.lost || poll || !mail.changes.is_empty() {
                // More is found to hash in what comes.
                hashing = true;
                if self.look(mail, poll) {
                    self.call_back();
                }
            } else if hashing {
                match self.store.hash_some(SLICE) {
                    Hashing::More => {}
                    Hashing::Learnt => self.call_back(),
                    Hashing::Done => hashing = false,
                }
            }
        }
        self.store.on_news(None);
        self.store.set_watched(false);
    }

    fn call_back(&self) {
        if !self.inbox.lock().stop {
            (self.changed)();
        }
    }

    /// Looks at what changed; says whether a context did.
    fn look(&mut self, mail: Mail, poll: bool) -> bool {
        let mut changes: Vec<Change> =
            mail.changes.into_iter().map(|(path, deep)| Change { path, deep }).collect();
        if mail.lost || poll {
            changes = mail.roots.into_iter().map(|path| Change { path, deep: true }).collect();
        }
        if mail.lost {
            // Which directories are still the ones that are watched is not known either.
            self.forget(Path::new("/"));
            self.watched.clear();
        }
        for change in changes.iter().filter(|change| change.deep) {
            self.forget(&change.path);
        }
        let begun = Instant::now();
        let mut changed = changes.iter().any(|change| self.store.watches_also(&change.path));
        changed |= self.store.update(&changes);
        if self.backend.is_none() {
            // A folder that takes long to walk is walked less often.
            self.polled = Instant::now() + begun.elapsed().saturating_mul(20).min(self.poll * 30);
        }
        for _ in 0..MAX_ROUNDS {
            let new = self.watch_what_matters();
            if new.is_empty() {
                return changed;
            }
            // What came before the directory was watched was not reported.
            let new: Vec<Change> = new.into_iter().map(|path| Change { path, deep: true }).collect();
            changed |= self.store.update(&new);
        }
        // It goes on changing: its events will be looked at next.
        self.inbox.add(|mail| mail.news = true);
        changed
    }

    /// Watches the directories that matter, and no others; gives those that were not watched before, without those below
    /// them.
    fn watch_what_matters(&mut self) -> Vec<PathBuf> {
        let directories = self.store.directories();
        let files: HashSet<PathBuf> = self.store.files().into_iter().collect();
        let roots: Vec<PathBuf> =
            directories.iter().map(|(root, _)| root.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        self.inbox.add(|mail| (mail.roots, mail.files) = (roots.clone(), files.clone()));
        let Some(backend) = &mut self.backend else { return Vec::new() };
        let mut wanted: BTreeSet<PathBuf> = BTreeSet::new();
        for (root, below) in directories {
            if backend.single() {
                wanted.extend(root.ancestors().skip(1).map(Path::to_path_buf));
                wanted.extend(
                    below.iter().map(|dir| if dir.is_empty() { root.clone() } else { root.join(dir) }),
                );
            } else {
                wanted.insert(root);
            }
        }
        wanted.extend(files.iter().filter_map(|file| file.parent()).map(Path::to_path_buf));
        for dir in self.watched.difference(&wanted) {
            backend.unwatch(dir);
        }
        self.watched.retain(|dir| wanted.contains(dir));
        let mut new: Vec<PathBuf> = Vec::new();
        for dir in wanted {
            if self.watched.contains(&dir) {
                continue;
            }
            match backend.watch(&dir) {
                Ok(()) => {}
                Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                    self.give_up();
                    return Vec::new();
                }
                // It is gone, or may not be read: what is in it is not in the context either.
                Err(_) => continue,
            }
            // Folders above a context are looked at through it.
            let inside = roots.iter().any(|root| dir.starts_with(root));
            if inside && new.last().is_none_or(|last| !dir.starts_with(last)) {
                new.push(dir.clone());
            }
            self.watched.insert(dir);
        }
        new
    }

    /// What stands at and below this path now may be other directories than those that are watched.
    fn forget(&mut self, path: &Path) {
        let gone: Vec<PathBuf> = self
            .watched
            .range::<Path, _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded))
            .take_while(|dir| dir.starts_with(path))
            .cloned()
            .collect();
        for dir in gone {
            self.watched.remove(&dir);
            if let Some(backend) = &mut self.backend {
                backend.unwatch(&dir);
            }
        }
    }

    fn give_up(&mut self) {
        if self.backend.take().is_some() {
            self.watched.clear();
            self.say_if_it_polls();
        }
    }

    fn say_if_it_polls(&self) {
        if self.backend.is_none() {
            tracing::warn!(
                "the system watches no more folders; changes of the build context are looked for every {} seconds",
                self.poll.as_secs()
            );
        }
    }
}

#[cfg(test)]
mod tests;
