use std::fs;

use layerwise_model::context::{Content, EntryKind, Incomplete};

use super::*;
use crate::context::{fingerprint, load};
use crate::fs::OsFs;

struct Folder {
    dir: tempfile::TempDir,
    store: ContextStore,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let bounds =
            Bounds { walk: Duration::from_secs(60), fresh: Duration::from_secs(3600), ..Bounds::default() };
        let folder = Folder { dir, store: ContextStore::new(Arc::new(OsFs), bounds) };
        files.iter().for_each(|(path, text)| folder.write(path, text));
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.dir.path().to_path_buf() } else { self.dir.path().join(path) }
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn get(&self) -> Arc<Context> {
        self.store.get(self.dir.path(), Some(&self.path("Dockerfile")))
    }

    fn update(&self, paths: &[&str]) -> bool {
        let changes = paths.iter().map(|path| Change { path: self.path(path), deep: true });
        self.store.update(&changes.collect::<Vec<_>>())
    }

    fn hash_all(&self) {
        self.get();
        while self.store.hash_some(Duration::from_millis(50)) != Hashing::Done {}
    }

    /// Every entry of a context, the contents of files read now.
    fn read(&self, context: &Context) -> Vec<(String, layerwise_model::Entry)> {
        let all: Vec<String> = context.entries.keys().map(str::to_owned).collect();
        let read =
            fingerprint(&OsFs, self.dir.path(), context, all.iter().map(String::as_str), &Limits::default());
        read.entries.iter().map(|(path, entry)| (path.to_owned(), entry.clone())).collect()
    }

    /// What the store holds is what a load from scratch finds.
    fn check(&self) {
        let kept = self.get();
        let fresh = load(&OsFs, self.dir.path(), Some(&self.path("Dockerfile")), &Limits::default());
        let paths = |context: &Context| context.entries.keys().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(paths(&kept), paths(&fresh));
        assert_eq!(self.read(&kept), self.read(&fresh));
        assert_eq!(kept.texts, fresh.texts);
        assert_eq!(kept.incomplete, fresh.incomplete);
        // Hashes that were taken earlier are right.
        for (path, entry) in &kept.entries {
            if let (EntryKind::File, Content::Hash(hash)) = (entry.kind, entry.content) {
                assert_eq!(hash, *blake3::hash(&fs::read(self.path(path)).unwrap()).as_bytes(), "{path}");
            }
        }
    }
}

#[test]
fn one_changed_file_is_one_changed_entry() {
    let folder = Folder::new(&[("a/x", "1"), ("a/y", "1"), ("b/z", "1"), ("package.json", "{}")]);
    let before = folder.get();
    assert!(Arc::ptr_eq(&before, &folder.get()), "as long as nothing changes, it is the same object");
    folder.write("a/x", "2");
    assert!(folder.update(&["a/x"]));
    let after = folder.get();
    assert_eq!(before.entries.changed(&after.entries), ["a/x"]);
    assert_eq!(before.entries.totals("b"), after.entries.totals("b"));
    folder.write("package.json", "{\"a\": 1}");
    assert!(folder.update(&["package.json"]));
    assert_eq!(folder.get().text("package.json"), Some("{\"a\": 1}"));
    folder.check();
}

#[test]
fn the_time_of_a_file_alone_is_no_change() {
    let folder = Folder::new(&[("a", "1"), ("b", "1")]);
    folder.hash_all();
    let before = folder.get();
    folder.write("a", "1");
    assert!(!folder.update(&["a"]), "the same bytes");
    assert!(!folder.update(&[""]), "the same bytes, found by a walk");
    assert!(Arc::ptr_eq(&before, &folder.get()));
    folder.write("a", "2");
    assert!(folder.update(&[""]));
    assert_eq!(before.entries.changed(&folder.get().entries), ["a"]);
    folder.write("a", "1");
    assert!(folder.update(&["a"]));
    assert_eq!(before.entries, folder.get().entries, "a revert is seen as such");
}

#[test]
fn contexts_that_were_handed_out_learn_what_was_hashed_since() {
    let folder = Folder::new(&[("a/x", "1"), ("a/y", "1")]);
    let before = folder.get();
    assert_eq!(before.entries.totals("").unread, 2);
    folder.write("a/y", "2");
    folder.update(&["a/y"]);
    folder.hash_all();
    let after = folder.get();
    assert_eq!(after.entries.totals("").unread, 0);
    let [before, after] = folder.store.learnt([before, after]);
    assert_eq!(before.entries.changed(&after.entries), ["a/y"]);
    assert_eq!(before.entries.totals("").unread, 1, "the old bytes of a/y are gone");
}

#[test]
fn folders_come_go_and_move() {
    let folder = Folder::new(&[("a/b/x", "1"), ("c", "1"), ("d/go.mod", "module d")]);
    folder.get();
    fs::rename(folder.path("a"), folder.path("e")).unwrap();
    assert!(folder.update(&["a", "e"]));
    folder.check();
    // Another folder under the same name, without a word about what is in it.
    fs::rename(folder.path("d"), folder.path("a")).unwrap();
    fs::rename(folder.path("e"), folder.path("d")).unwrap();
    assert!(folder.update(&["a", "d", "e"]));
    folder.check();
    assert_eq!(folder.get().text("a/go.mod"), Some("module d"));
    fs::remove_file(folder.path("c")).unwrap();
    folder.write("c/new/deep", "1");
    assert!(folder.update(&["c/new/deep"]), "the folders above it are new too");
    folder.check();
    fs::remove_dir_all(folder.path("c")).unwrap();
    folder.write("c", "1");
    assert!(folder.update(&["c/new/deep"]), "a file stands where its folder was");
    folder.check();
    folder.write("late/1", "1");
    folder.store.note([Change { path: folder.path("late/1"), deep: false }]);
    folder.check();
    fs::remove_dir_all(folder.dir.path()).unwrap();
    assert!(folder.update(&[""]));
    assert_eq!(folder.get().incomplete, Some(Incomplete::Unreadable(vec![".".to_owned()])));
    folder.write("a/back", "1");
    assert!(folder.update(&["a/back"]));
    folder.check();
}

#[test]
fn ignored_files_change_nothing_and_another_ignore_file_does() {
    let folder = Folder::new(&[(".dockerignore", "log\n"), ("log/1", ""), ("src/1", ""), ("tmp/1", "")]);
    folder.hash_all();
    let before = folder.get();
    folder.write("log/2", "");
    assert!(!folder.update(&["log/2", "log"]));
    folder.write(".dockerignore", "log\ntmp\n");
    assert!(folder.update(&[".dockerignore"]));
    let after = folder.get();
    assert_eq!(before.entries.changed(&after.entries), [".dockerignore", "tmp", "tmp/1"]);
    folder.check();
    folder.write("Dockerfile.dockerignore", "src\n");
    assert!(folder.update(&["Dockerfile.dockerignore"]));
    folder.check();
    assert!(folder.get().get("log/2").is_some());
    // What an ignore file that is no longer in force has left does not stay.
    assert_eq!(locked(&folder.store.kept).contexts.len(), 1);
}

#[test]
fn excluded_directories_are_there_for_what_is_included_below_them() {
    let folder = Folder::new(&[(".dockerignore", "a\n!a/b/keep*\n"), ("a/x", ""), ("c", "")]);
    folder.get();
    folder.write("a/b/keep1", "");
    assert!(folder.update(&["a/b"]));
    folder.check();
    assert!(folder.get().get("a").is_some() && folder.get().get("a/x").is_none());
    folder.write("a/b/other", "");
    assert!(!folder.update(&["a/b/other", "a/x", "a"]));
    fs::remove_file(folder.path("a/b/keep1")).unwrap();
    assert!(folder.update(&["a/b/keep1"]));
    folder.check();
    assert!(folder.get().get("a").is_none());
}

#[cfg(unix)]
#[test]
fn links_are_never_followed() {
    let folder = Folder::new(&[("real/x", "1")]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "1").unwrap();
    let link = |target: &Path, at: &str| std::os::unix::fs::symlink(target, folder.path(at)).unwrap();
    folder.get();
    link(Path::new("."), "loop");
    link(outside.path(), "out");
    assert!(folder.update(&["loop", "out"]));
    assert!(!folder.update(&["loop/loop/real/x", "out/secret", "loop", "out"]));
    folder.check();
    fs::remove_dir_all(folder.path("real")).unwrap();
    link(outside.path(), "real");
    assert!(folder.update(&["real/secret"]));
    folder.check();
    assert_eq!(folder.get().get("real").map(|e| e.kind), Some(EntryKind::Symlink));
}

#[test]
fn a_store_keeps_a_bounded_number_of_contexts() {
    let dir = tempfile::tempdir().unwrap();
    let bounds = Bounds { contexts: 3, ..Bounds::default() };
    let store = ContextStore::new(Arc::new(OsFs), bounds);
    for name in ["a", "b", "c", "d", "b", "e"] {
        fs::create_dir_all(dir.path().join(name)).unwrap();
        store.get(&dir.path().join(name), None);
    }
    let roots: Vec<_> = store.directories().into_iter().map(|(root, _)| root).collect();
    assert_eq!(roots, ["d", "b", "e"].map(|name| dir.path().join(name)));
}

#[test]
fn whatever_happens_it_ends_as_a_load_from_scratch() {
    let mut seed = 0x2545_f491_u64;
    let mut next = move |end: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % end as u64) as usize
    };
    for ignore in ["", "a\n!a/b\n*.log\n!**/keep.log\n", "*\n!b/a\n!c\nc/a\n"] {
        let folder = Folder::new(&[(".dockerignore", ignore), ("a/b/c", "1"), ("b/a", "1")]);
        folder.get();
        for _ in 0..120 {
            let mut changes = Vec::new();
            for _ in 0..1 + next(4) {
                let names = ["a", "b", "c", "x.log", "keep.log", "package.json"];
                let path = (0..1 + next(3)).map(|_| names[next(names.len())]).collect::<Vec<_>>().join("/");
                let at = folder.path(&path);
                let gone = |at: &Path| {
                    let _ = fs::remove_dir_all(at);
                    let _ = fs::remove_file(at);
                };
                // What does not work (a folder below a file) is no change; it is reported all the same.
                let deep = match next(6) {
                    0 | 1 => {
                        let _ = fs::write(&at, format!("{}", next(3)));
                        false
                    }
                    2 => {
                        gone(&at);
                        true
                    }
                    3 => {
                        let _ = fs::create_dir_all(&at);
                        let _ = fs::write(at.join("c"), "1");
                        // Only the topmost new folder need be reported.
                        changes
                            .push(Change { path: folder.path(path.split('/').next().unwrap()), deep: true });
                        true
                    }
                    4 => {
                        let to = folder.path(["a", "b/c", "c/a/b", "b"][next(4)]);
                        if !to.starts_with(&at) && to.parent().is_some_and(Path::is_dir) {
                            gone(&to);
                            let _ = fs::rename(&at, &to);
                        }
                        changes.push(Change { path: to, deep: true });
                        true
                    }
                    _ => {
                        #[cfg(unix)]
                        {
                            // To nowhere: what is done through a link is reported where it leads.
                            let _ = std::os::unix::fs::symlink("/nonexistent/x", &at);
                        }
                        true
                    }
                };
                changes.push(Change { path: at, deep });
            }
            if next(3) == 0 {
                folder.hash_all();
            }
            folder.store.update(&changes);
            folder.check();
        }
    }
}
