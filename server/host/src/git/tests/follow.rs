//! What is followed is compared with what git says when it is asked about everything.

use super::*;
use crate::store::{Bounds, Change, ContextStore, Hashing};
use layerwise_model::Context;
use std::sync::Arc;

/// A repository, its context as the server has it, and what is followed.
struct Followed {
    repo: Sandbox,
    store: ContextStore,
    revision: &'static str,
    last: Option<(Follow, Arc<Context>)>,
}

impl Followed {
    fn new(repo: Sandbox) -> Followed {
        let bounds = Bounds { walk: TIMEOUT, first_hashing: Duration::from_secs(60), ..Bounds::default() };
        let store = ContextStore::new(Arc::new(OsFs), bounds);
        store.set_watched(true);
        let mut followed = Followed { repo, store, revision: "HEAD", last: None };
        followed.start();
        followed
    }

    /// The context as it is now, all files hashed.
    fn context(&self) -> Arc<Context> {
        let root = self.repo.root();
        self.store.update(&[Change { path: root.to_path_buf(), deep: true }]);
        let get = || self.store.get(root, Some(&root.join("Dockerfile")));
        get();
        while self.store.hash_some(Duration::from_secs(60)) != Hashing::Done {}
        get()
    }

    fn start(&mut self) -> Since {
        let (root, now) = (self.repo.root(), self.context());
        let dockerfile = root.join("Dockerfile");
        let limits = Limits::default();
        let (since, follow) =
            Follow::start(&OsFs, root, Some(&dockerfile), self.revision, &now, TIMEOUT, &limits).unwrap();
        self.last = follow.map(|follow| (follow, now));
        since
    }

    /// What is followed to the present state, compared with the whole answer; `None` where it could not be followed.
    fn step(&mut self, what: &str) -> Option<Since> {
        let now = self.context();
        let (root, limits) = (self.repo.root(), Limits::default());
        let followed = self.last.as_mut().and_then(|(follow, then)| {
            let [then] = self.store.learnt([Arc::clone(then)]);
            follow.next(&OsFs, &then, &now, TIMEOUT, &limits)
        });
        let Some(followed) = followed else {
            self.start();
            return None;
        };
        self.last.as_mut().unwrap().1 = Arc::clone(&now);
        let dockerfile = root.join("Dockerfile");
        let whole = since(&OsFs, root, Some(&dockerfile), self.revision, &now, TIMEOUT, &limits).unwrap();
        same(&followed, &whole, what);
        Some(followed)
    }

    /// The same for a change that must be followed; what differs then.
    fn follows(&mut self, what: &str) -> Vec<String> {
        changes(&self.step(what).unwrap_or_else(|| panic!("{what}: not followed")))
    }
}

fn same(followed: &Since, whole: &Since, what: &str) {
    assert_eq!(followed.commit, whole.commit, "{what}");
    assert_eq!(followed.dockerfile, whole.dockerfile, "{what}");
    for (side, one, two) in
        [("before", &followed.before, &whole.before), ("after", &followed.after, &whole.after)]
    {
        let (one_entries, two_entries) = (entries(one), entries(two));
        let only = |of: &[(String, layerwise_model::Entry)], other: &[(String, layerwise_model::Entry)]| {
            of.iter().filter(|e| !other.contains(e)).cloned().collect::<Vec<_>>()
        };
        if one_entries != two_entries {
            let only = (only(&one_entries, &two_entries), only(&two_entries, &one_entries));
            panic!("{what}: {side}, only followed and only whole: {only:#?}");
        }
        assert_eq!(one.texts, two.texts, "{what}: {side}");
        assert_eq!(
            (&one.ignore_file, &one.dockerfile, &one.incomplete),
            (&two.ignore_file, &two.dockerfile, &two.incomplete),
            "{what}: {side}"
        );
    }
}

/// All entries, those that nobody can read alike.
fn entries(context: &Context) -> Vec<(String, layerwise_model::Entry)> {
    let plain = |(path, entry): (&str, &layerwise_model::Entry)| {
        let mut entry = entry.clone();
        if let Content::Unread(_) = entry.content {
            entry.content = Content::Unread(0);
        }
        (path.to_owned(), entry)
    };
    context.entries.iter().map(plain).collect()
}

/// Numbers by chance that are the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % most
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const DIRS: &[&str] = &["", "src/", "src/deep/", "new/", "new/er/", "out/", "logs/", "svc/x/"];
const NAMES: &[&str] = &["a", "b", "c.txt", "x.log", "s.md", "package.json", "dir"];
const TEXTS: &[&str] = &["1\n", "2\n", "1\r\n", "", "a longer one\n", "2"];

fn path(chance: &mut Chance) -> String {
    format!("{}{}", chance.one(DIRS), chance.one(NAMES))
}

/// Makes room for a file at a path: what is on the way, or there, goes.
#[cfg(unix)]
fn clear(root: &Path, path: &str) {
    let mut dir = root.to_path_buf();
    for part in path.split('/') {
        dir.push(part);
        let found = std::fs::symlink_metadata(&dir);
        let is_last = dir == root.join(path);
        match found {
            Ok(found) if found.is_dir() && is_last => std::fs::remove_dir_all(&dir).unwrap(),
            Ok(found) if !found.is_dir() => std::fs::remove_file(&dir).unwrap(),
            _ => {}
        }
    }
    std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
}

/// Changes something; says what, and whether all of it can be followed for certain.
#[cfg(unix)]
fn change(repo: &Sandbox, chance: &mut Chance) -> (String, bool) {
    use std::os::unix::fs::PermissionsExt;
    let root = repo.root();
    let at = path(chance);
    let full = root.join(&at);
    let git = |args: &[&str]| {
        // It may have nothing to do, or refuse.
        let mut git = Command::new("git");
        git.current_dir(root).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        git.args(["-c", "user.name=T", "-c", "user.email=t@example.org"]).args(args).output().unwrap();
        format!("git {}", args.join(" "))
    };
    match chance.below(40) {
        0..8 => {
            let text = chance.one(TEXTS);
            clear(root, &at);
            std::fs::write(&full, text).unwrap();
            (format!("write {at} {text:?}"), true)
        }
        8..14 => {
            // Of those that are there.
            let mut files = Vec::new();
            let mut open = vec![root.to_path_buf()];
            while let Some(dir) = open.pop() {
                for entry in std::fs::read_dir(dir).unwrap().flatten() {
                    let name = entry.file_name();
                    if name.to_string_lossy().starts_with(".git") || name == ".dockerignore" {
                        continue;
                    }
                    match entry.file_type().unwrap() {
                        kind if kind.is_dir() => open.push(entry.path()),
                        kind if kind.is_file() => files.push(entry.path()),
                        _ => {}
                    }
                }
            }
            files.sort();
            if files.is_empty() {
                return ("nothing".to_owned(), true);
            }
            let file = &files[chance.below(files.len())];
            let shown = file.strip_prefix(root).unwrap().display().to_string();
            match chance.below(5) {
                0 => {
                    std::fs::remove_file(file).unwrap();
                    (format!("remove {shown}"), true)
                }
                1 => {
                    clear(root, &at);
                    // It may have been in the way itself.
                    let _ = std::fs::rename(file, &full);
                    (format!("rename {shown} {at}"), true)
                }
                2 => {
                    let mode = [0o644, 0o755, 0o600, 0o700][chance.below(4)];
                    std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
                    (format!("chmod {mode:o} {shown}"), true)
                }
                3 => {
                    let bytes = std::fs::read(file).unwrap();
                    std::fs::remove_file(file).unwrap();
                    std::fs::write(file, bytes).unwrap();
                    (format!("write {shown} again"), true)
                }
                _ => {
                    let text = chance.one(TEXTS);
                    std::fs::write(file, text).unwrap();
                    (format!("edit {shown} {text:?}"), true)
                }
            }
        }
        14..16 => {
            clear(root, &at);
            let target = chance.one(&["a", "b", "../src"]);
            std::os::unix::fs::symlink(target, &full).unwrap();
            (format!("link {at} {target}"), true)
        }
        16..19 => {
            clear(root, &at);
            std::fs::create_dir_all(&full).unwrap();
            (format!("mkdir {at}"), true)
        }
        19..21 => {
            let dir = chance.one(&DIRS[1..]).trim_end_matches('/');
            let _ = std::fs::remove_dir_all(root.join(dir));
            (format!("remove all of {dir}"), true)
        }
        21..23 => (git(&["add", "--all", "--", "src"]), false),
        23..25 => (git(&["add", "--force", "--", &at]), false),
        25 => (git(&["add", "--intent-to-add", "--", &at]), false),
        26 => (git(&["rm", "--quiet", "--cached", "-r", "--", &at]), false),
        27 => (git(&["reset", "--quiet", "--", &at]), false),
        28..30 => (git(&["checkout", "--quiet", "HEAD", "--", &at]), false),
        30 => (git(&["status", "--short"]), false),
        31 => (git(&["stash", "--quiet", "--include-untracked"]), false),
        32 => {
            git(&["add", "--all"]);
            (git(&["commit", "--quiet", "--message=x"]), false)
        }
        33 => (git(&["checkout", "--quiet", "-B", "other"]), false),
        34 => {
            let file = format!("{}.gitignore", chance.one(&["", "", "src/", "new/"]));
            let text = chance.one(&["*.log\nout/\n", "*.log\nout/\nb\n", "new\n", "dir/\n!x.log\n", ""]);
            clear(root, &file);
            repo.write(&file, text);
            (format!("{file} {text:?}"), false)
        }
        35 => {
            let text = chance.one(&["*.txt text eol=crlf\n", "*.txt text=auto\na -text\n", ""]);
            repo.write(".gitattributes", text);
            (format!(".gitattributes {text:?}"), false)
        }
        36 => {
            let text = chance.one(&["logs\n", "s.md\n", ""]);
            repo.write(".git/info/exclude", text);
            (format!("exclude {text:?}"), false)
        }
        37 => {
            let text = chance.one(&[".git\n**/*.md\n", "**/*.md\n", ".git*\n", ""]);
            repo.write(".dockerignore", text);
            (format!(".dockerignore {text:?}"), false)
        }
        38 => (git(&["update-index", chance.one(&["--assume-unchanged", "--skip-worktree"]), &at]), false),
        _ => {
            if chance.below(3) > 0 {
                return (git(&["reset", "--quiet", "--hard"]), false);
            }
            let dir = chance.one(&["new/er", "svc"]);
            clear(root, dir);
            std::fs::create_dir_all(root.join(dir)).unwrap();
            repo.git_in(dir, &["init", "--quiet"]);
            (format!("git init {dir}"), false)
        }
    }
}

/// Random edits, one or a few at a time. `LAYERWISE_FOLLOW_SEEDS=FIRST..END` runs others, or more of them.
#[cfg(unix)]
#[test]
fn what_is_followed_is_what_git_says() {
    let seeds = std::env::var("LAYERWISE_FOLLOW_SEEDS").unwrap_or_else(|_| "0..8".to_owned());
    let (first, end) = seeds.split_once("..").expect("FIRST..END");
    let (mut steps, mut followed, mut certain) = (0, 0, 0);
    for seed in first.parse().unwrap()..end.parse().unwrap() {
        let mut chance = Chance(seed);
        let repo = Sandbox::with(&[
            ("Dockerfile", "FROM a\nCOPY . .\n"),
            (".gitignore", chance.one(&["*.log\nout/\n", "*.log\nout/\n", "b\n"])),
            (
                ".dockerignore",
                chance.one(&[".git\n**/*.md\n", ".git\n**/*.md\n", ".git*\n**/*.log\n", "*.md\n"]),
            ),
            ("a", "1\n"),
            ("src/a", "1\n"),
            ("src/b", "2\n"),
            ("src/c.txt", "1\n2\n"),
            ("src/deep/package.json", "{}"),
            ("src/deep/s.md", "1\n"),
            ("svc/x/a", "1\n"),
            ("dir/a", "1\n"),
        ]);
        if seed % 3 == 1 {
            repo.write(".gitattributes", "*.txt text eol=crlf\n");
            repo.commit();
        }
        let mut state = Followed::new(repo);
        let mut done = Vec::new();
        for _ in 0..30 {
            let mut sure = state.last.is_some();
            for _ in 0..=chance.below(3) {
                let (what, can) = change(&state.repo, &mut chance);
                sure &= can;
                done.push(what);
            }
            let what = format!("seed {seed}: {}", done.join("; "));
            let could = state.step(&what).is_some();
            steps += 1;
            followed += usize::from(could);
            certain += usize::from(sure && could);
            done.push(if could { "|" } else { "||" }.to_owned());
        }
    }
    println!("{followed} of {steps} states followed, {certain} of them after nothing but files changed");
    assert!(followed * 3 > steps, "{followed} of {steps}");
}

#[test]
fn a_changed_file_is_followed() {
    let mut state = Followed::new(Sandbox::with(&[
        ("Dockerfile", "FROM a\n"),
        ("src/a", "1"),
        ("src/package.json", "{}"),
        (".gitignore", "*.log\n"),
    ]));
    state.repo.write("src/a", "2");
    assert_eq!(state.follows("changed"), ["~src/a"]);
    state.repo.write("src/a", "3");
    assert_eq!(state.follows("changed again"), ["~src/a"]);
    state.repo.write("src/a", "1");
    assert_eq!(state.follows("as it was"), [""; 0]);
    state.repo.write("src/package.json", "{\"a\":1}");
    let since = state.step("a manifest").unwrap();
    assert_eq!(since.before.text("src/package.json"), Some("{}"));
    state.repo.write("src/new", "1");
    state.repo.write("src/new.log", "1");
    assert_eq!(state.follows("new ones"), ["+src/new", "~src/package.json"]);
    state.repo.remove("src/new");
    state.repo.remove("src/a");
    assert_eq!(state.follows("gone"), ["-src/a", "~src/package.json"]);
    state.repo.git(&["add", "--all"]);
    assert_eq!(state.follows("the index changed"), ["-src/a", "~src/package.json"]);
    state.repo.commit();
    assert!(state.step("a commit").is_none());
    state.repo.write("Dockerfile", "FROM b\n");
    let since = state.step("the Dockerfile").unwrap();
    assert_eq!(since.dockerfile, Some(Versioned::Text("FROM a\n".to_owned())));
}

#[test]
fn what_changes_the_rules_is_not_followed() {
    let files = [("Dockerfile", ""), ("a", "1"), (".gitignore", "*.log\n"), (".dockerignore", ".git\n")];
    let mut state = Followed::new(Sandbox::with(&files));
    for (path, text) in [
        (".gitignore", "b\n"),
        ("src/.gitignore", "b\n"),
        (".gitattributes", "* text\n"),
        (".dockerignore", ".git*\n"),
        // Now the build ignores it, and its change shows nowhere else.
        (".gitignore", "c\n"),
        ("src/.gitignore", "c\n"),
        (".git/info/exclude", "d\n"),
    ] {
        // The revision's ignore file is to be the same.
        state.repo.commit();
        // Older than the clock of the file system can tell.
        std::thread::sleep(Duration::from_millis(50));
        state.start();
        assert_eq!(state.step("nothing").map(|_| ()), Some(()), "{path}");
        state.repo.write(path, text);
        assert!(state.step(path).is_none(), "{path}");
    }
    state.repo.git(&["config", "core.autocrlf", "true"]);
    assert!(state.step("a setting").is_none());
}

#[test]
fn another_revision_is_followed_until_it_moves() {
    let repo = Sandbox::with(&[("Dockerfile", ""), ("a", "1"), (".dockerignore", ".git\n")]);
    repo.git(&["tag", "v1"]);
    let mut state = Followed::new(repo);
    state.revision = "v1";
    state.start();
    state.repo.write("a", "2");
    assert_eq!(state.follows("a change"), ["~a"]);
    state.repo.commit();
    assert_eq!(state.follows("HEAD moved"), ["~a"]);
    state.repo.git(&["tag", "--force", "v1"]);
    assert!(state.step("the tag moved").is_none());
    assert_eq!(state.follows("nothing"), [""; 0]);
}

#[test]
fn submodules_and_other_repositories_are_not_followed() {
    let lib = Sandbox::with(&[("x", "1")]);
    let repo = Sandbox::with(&[("Dockerfile", ""), ("a", "1"), (".dockerignore", "**/.git\n")]);
    repo.git(&["submodule", "--quiet", "add", lib.root().to_str().unwrap(), "sub"]);
    repo.commit();
    let mut state = Followed::new(repo);
    state.repo.write("a", "2");
    assert_eq!(state.follows("beside it"), ["~a"]);
    state.repo.write("sub/x", "2");
    assert!(state.step("in a submodule").is_none());
    state.repo.write("inner/x", "1");
    state.repo.git_in("inner", &["init", "--quiet"]);
    assert!(state.step("a repository").is_none());
    state.repo.write("inner/y", "1");
    assert!(state.step("in a repository").is_none());
}

#[cfg(unix)]
#[test]
fn following_runs_nothing_that_the_configuration_names() {
    let files =
        [(".gitattributes", "*.bin filter=f\n"), ("a.bin", "1"), ("b", "1"), (".dockerignore", ".git\n")];
    let mut state = Followed::new(Sandbox::with(&files));
    let (script, ran) = script(&state.repo);
    configure_all(&state.repo, ".", &script);
    state.start();
    let _ = std::fs::remove_file(&ran);
    for (path, text) in [("a.bin", "2"), ("b", "2"), ("new.bin", "2"), ("a.bin", "3"), ("a.bin", "1")] {
        state.repo.write(path, text);
        assert!(state.step(path).is_some(), "{path}");
        assert!(!ran.exists(), "{path}: {}", std::fs::read_to_string(&ran).unwrap_or_default());
    }
    let _ = Command::new("git").current_dir(state.repo.root()).args(["diff", "HEAD"]).output();
    assert!(ran.exists(), "the script runs where git runs what is configured");
}
