//! Nothing here depends on how fast anything is: each test waits until what must come true is true.

use std::fs;

use layerwise_model::context::{Context, EntryKind};

use super::*;
use crate::context::{Limits, load};
use crate::fs::OsFs;
use crate::store::Bounds;

/// A condition that takes longer will never be true.
const PATIENCE: Duration = Duration::from_secs(60);

struct Folder {
    /// Above the context, so that the context can go and come back.
    dir: tempfile::TempDir,
    store: Arc<ContextStore>,
    /// The context as it was at each call.
    reports: Arc<Mutex<Vec<Arc<Context>>>>,
    _watch: Watch,
}

fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        Folder::with(files, Watch::start)
    }

    fn with(files: &[(&str, &str)], start: impl FnOnce(Arc<ContextStore>, Changed) -> Watch) -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let bounds = Bounds { walk: PATIENCE, ..Bounds::default() };
        let store = Arc::new(ContextStore::new(Arc::new(OsFs), bounds));
        let reports = Arc::new(Mutex::new(Vec::new()));
        let (kept, asked, root) = (Arc::clone(&reports), Arc::clone(&store), dir.path().join("w"));
        let changed = Box::new(move || kept.lock().unwrap().push(asked.get(&root, None)));
        fs::create_dir(dir.path().join("w")).unwrap();
        let watch = start(Arc::clone(&store), changed);
        let folder = Folder { dir, store, reports, _watch: watch };
        files.iter().for_each(|(path, text)| folder.write(path, text));
        folder.get();
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("w").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn get(&self) -> Arc<Context> {
        self.store.get(&self.dir.path().join("w"), None)
    }

    fn has(&self, path: &str) -> bool {
        self.get().get(path).is_some()
    }

    /// Every file is hashed, and nothing is left to do or to report.
    fn settle(&self) {
        until("all is hashed", || self.get().entries.totals("").unread == 0);
        // In one step, so that it is one change.
        fs::write(self.dir.path().join("settled"), "1").unwrap();
        fs::rename(self.dir.path().join("settled"), self.path("settled")).unwrap();
        until("a change is reported", || self.reported(|context| context.get("settled").is_some()));
    }

    fn reports(&self) -> usize {
        self.reports.lock().unwrap().len()
    }

    /// Whether the last report was of such a context.
    fn reported(&self, is: impl FnOnce(&Context) -> bool) -> bool {
        self.reports.lock().unwrap().last().is_some_and(|context| is(context))
    }

    /// What is known comes to be what is there.
    fn check(&self) {
        let shape = |context: &Context| {
            let entries = context.entries.iter();
            entries.map(|(path, e)| (path.to_owned(), e.kind, e.mode, e.size)).collect::<Vec<_>>()
        };
        let fresh = shape(&load(&OsFs, &self.path(""), None, &Limits::default()));
        until("what is known is what is there", || shape(&self.get()) == fresh);
    }
}

#[test]
fn an_edit_is_seen_and_reported() {
    let folder = Folder::new(&[("src/a", "1"), ("src/b", "1")]);
    folder.settle();
    let before = folder.get();
    folder.write("src/a", "22");
    until("the edit is reported", || folder.reported(|now| now.get("src/a").is_some_and(|e| e.size == 2)));
    assert_eq!(before.entries.changed(&folder.get().entries), ["src/a"]);
    folder.write("src/a", "1");
    until("the revert is seen", || before.entries == folder.get().entries);
}

#[test]
fn what_no_build_sees_is_silent() {
    let folder =
        Folder::new(&[(".dockerignore", "node_modules\n"), ("node_modules/a/b", "1"), ("src/a", "1")]);
    folder.settle();
    let watched: Vec<String> = folder.store.directories().into_iter().flat_map(|(_, dirs)| dirs).collect();
    assert_eq!(watched, ["", "src"]);
    let (before, reports) = (folder.get(), folder.reports());
    folder.write("node_modules/a/c", "1");
    folder.write("node_modules/d/e", "1");
    // The same bytes, in one step.
    fs::write(folder.dir.path().join("a"), "1").unwrap();
    fs::rename(folder.dir.path().join("a"), folder.path("src/a")).unwrap();
    // Comes after them.
    folder.write("src/end", "");
    until("the last one is reported", || folder.reported(|now| now.get("src/end").is_some()));
    assert_eq!(folder.reports(), reports + 1, "for the last one only");
    assert_eq!(before.entries.changed(&folder.get().entries), ["src/end"]);
}

#[test]
fn folders_move_in_and_out() {
    let folder = Folder::new(&[("src/a", "1")]);
    let outside = folder.dir.path().join("outside");
    fs::create_dir_all(outside.join("deep/er")).unwrap();
    fs::write(outside.join("deep/er/x"), "1").unwrap();
    folder.settle();
    fs::rename(&outside, folder.path("in")).unwrap();
    until("it moved in", || folder.has("in/deep/er/x"));
    folder.write("in/deep/er/y", "1");
    until("what moved in is watched", || folder.has("in/deep/er/y"));
    fs::rename(folder.path("in"), folder.path("src/in")).unwrap();
    until("it moved within", || folder.has("src/in/deep/er/y") && !folder.has("in"));
    folder.write("src/in/deep/z", "1");
    until("it is watched there", || folder.has("src/in/deep/z"));
    fs::rename(folder.path("src"), folder.dir.path().join("out")).unwrap();
    until("it moved out", || !folder.has("src"));
    folder.write("src/in/new", "1");
    fs::write(folder.dir.path().join("out/a"), "2").unwrap();
    until("another one is there", || folder.has("src/in/new"));
    folder.check();
}

#[test]
fn folders_that_trade_places_are_told_apart() {
    let folder = Folder::new(&[("a/x", "1"), ("b/y", "1")]);
    folder.settle();
    fs::rename(folder.path("a"), folder.path("c")).unwrap();
    fs::rename(folder.path("b"), folder.path("a")).unwrap();
    fs::rename(folder.path("c"), folder.path("b")).unwrap();
    until("they have traded places", || folder.has("a/y") && folder.has("b/x") && !folder.has("a/x"));
    folder.write("a/new", "1");
    folder.write("b/new", "1");
    until("both are watched", || folder.has("a/new") && folder.has("b/new"));
    folder.check();
}

#[test]
fn the_whole_context_goes_and_comes_back() {
    let folder = Folder::new(&[("src/a", "1")]);
    folder.settle();
    fs::remove_dir_all(folder.path("")).unwrap();
    until("it is gone", || folder.get().entries.is_empty());
    folder.write("src/b", "1");
    until("it is back", || folder.has("src/b"));
    folder.write("src/c", "1");
    until("it is watched again", || folder.has("src/c"));
    fs::rename(folder.path(""), folder.dir.path().join("elsewhere")).unwrap();
    until("it moved away", || folder.get().entries.is_empty());
    fs::rename(folder.dir.path().join("elsewhere"), folder.path("")).unwrap();
    until("it moved back", || folder.has("src/c"));
    folder.write("src/d", "1");
    until("it is watched still", || folder.has("src/d"));
    folder.check();
}

#[test]
fn a_burst_is_seen_as_a_whole() {
    let folder = Folder::new(&[("src/a", "1")]);
    folder.settle();
    let reports = folder.reports();
    for number in 0..5_000 {
        folder.write(&format!("burst/{}/{number}", number % 50), &number.to_string());
    }
    until("all are there", || folder.get().entries.totals("burst").files == 5_000);
    folder.check();
    folder.write("burst/7/new", "1");
    until("the new folders are watched", || folder.has("burst/7/new"));
    fs::remove_dir_all(folder.path("burst")).unwrap();
    until("all are gone", || !folder.has("burst"));
    folder.check();
    assert!(folder.reports() - reports < 1_000, "not once per file");
}

#[test]
fn another_ignore_file_changes_what_is_watched() {
    let folder = Folder::new(&[("a/x", "1"), ("b/y", "1")]);
    folder.settle();
    folder.write(".dockerignore", "a\n");
    until("it is in force and reported", || folder.reported(|now| now.get("a").is_none()));
    let dirs = || folder.store.directories().into_iter().flat_map(|(_, dirs)| dirs).collect::<Vec<_>>();
    assert_eq!(dirs(), ["", "b"]);
    fs::remove_file(folder.path(".dockerignore")).unwrap();
    until("all is back", || folder.has("a/x"));
    folder.write("a/z", "1");
    until("and watched", || folder.has("a/z"));
    folder.check();
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_and_folders_that_cannot_be_read_do_no_harm() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new(&[("src/a", "1"), ("closed/x", "1")]);
    folder.settle();
    symlink("..", folder.path("src/up")).unwrap();
    symlink("self", folder.path("self")).unwrap();
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    until("the links are there", || folder.has("src/up") && folder.has("self"));
    assert_eq!(folder.get().get("src/up").unwrap().kind, EntryKind::Symlink);
    folder.write("src/b", "1");
    until("the rest is watched", || folder.has("src/b"));
    until("the mode is seen", || folder.get().get("closed").is_some_and(|e| e.mode == 0));
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    until("it is open again", || folder.get().get("closed").is_some_and(|e| e.mode == 0o755));
    until("with all in it", || folder.has("closed/x"));
    folder.check();
}

#[test]
fn files_elsewhere_are_watched_for_whoever_asks() {
    let folder = Folder::new(&[("src/a", "1")]);
    folder.settle();
    let elsewhere = tempfile::tempdir().unwrap();
    let head = elsewhere.path().join("HEAD");
    folder.store.watch_also([head.clone(), elsewhere.path().join("none/x")]);
    let reports = folder.reports();
    let mut written = 0;
    until("a change is reported", || {
        // It may not be watched yet when it is first written.
        written += 1;
        fs::write(&head, written.to_string()).unwrap();
        std::thread::sleep(Duration::from_millis(150));
        folder.reports() > reports
    });
    assert!(folder.reported(|now| now.get("src/a").is_some()));
}

/// Watches up to so many directories, and never says a word.
struct Fake(usize);

impl Backend for Fake {
    fn single(&self) -> bool {
        true
    }

    fn watch(&mut self, _: &Path) -> notify::Result<()> {
        self.0 = self.0.checked_sub(1).ok_or(notify::Error::new(notify::ErrorKind::MaxFilesWatch))?;
        Ok(())
    }

    fn unwatch(&mut self, _: &Path) {}
}

#[test]
fn with_too_many_folders_to_watch_it_looks_now_and_then() {
    let folder = Folder::with(&[("a/b/x", "1")], |store, changed| {
        Watch::start_with(store, changed, Duration::from_millis(20), |_| Some(Box::new(Fake(3))))
    });
    folder.write("a/b/y", "1");
    until("it is found", || folder.has("a/b/y"));
    fs::remove_dir_all(folder.path("a")).unwrap();
    until("it is missed", || !folder.has("a"));
}

#[test]
fn after_lost_events_all_is_looked_at() {
    let folder = Folder::with(&[("a/b/x", "1")], |store, changed| {
        Watch::start_with(store, changed, POLL, |_| Some(Box::new(Fake(usize::MAX))))
    });
    until("all is hashed", || folder.get().entries.totals("").unread == 0);
    folder.write("a/b/y", "1");
    let lost = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    folder._watch.inbox.event(Ok(lost), |path| path);
    until("it is found", || folder.has("a/b/y"));
}

#[test]
fn so_many_changes_are_not_remembered_one_by_one() {
    let mut mail = Mail { roots: vec!["/w".into()], ..Mail::default() };
    for number in 0..=MAX_CHANGES {
        mail.change(format!("/w/{number}").into(), false);
        mail.change(format!("/elsewhere/{number}").into(), true);
    }
    assert!(mail.lost && mail.changes.is_empty());
}
