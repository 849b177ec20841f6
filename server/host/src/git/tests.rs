mod follow;

use super::*;
use crate::context::load;
use crate::fs::OsFs;
use layerwise_model::context::EntryKind;
use std::process::Command;

/// A repository in a folder of its own, made with the user's configuration left out.
struct Sandbox {
    dir: tempfile::TempDir,
}

const TIMEOUT: Duration = Duration::from_secs(60);

impl Sandbox {
    fn empty() -> Sandbox {
        Sandbox { dir: tempfile::tempdir().unwrap() }
    }

    /// A repository with these files in its first commit.
    fn with(files: &[(&str, &str)]) -> Sandbox {
        let sandbox = Sandbox::empty();
        sandbox.git(&["init", "--quiet", "--initial-branch=main"]);
        for (path, text) in files {
            sandbox.write(path, text);
        }
        sandbox.commit();
        sandbox
    }

    fn root(&self) -> &Path {
        self.dir.path()
    }

    fn git_in(&self, dir: &str, args: &[&str]) {
        let output = Command::new("git")
            .current_dir(self.root().join(dir))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn git(&self, args: &[&str]) {
        self.git_in(".", args);
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    #[cfg(unix)]
    fn chmod(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.root().join(path), PermissionsExt::from_mode(mode)).unwrap();
    }

    fn since_in(&self, dir: &str, rev: &str) -> Since {
        let root = self.root().join(dir);
        let dockerfile = root.join("Dockerfile");
        let limits = Limits::default();
        let after = load(&OsFs, &root, Some(&dockerfile), &limits);
        since(&OsFs, &root, Some(&dockerfile), rev, &after, TIMEOUT, &limits).unwrap()
    }

    /// What differs since HEAD, `.git` left out: `+` new, `-` gone, `~` other.
    fn changes(&self) -> Vec<String> {
        changes(&self.since_in("", "HEAD"))
    }

    fn error(&self, dir: &str, rev: &str) -> GitError {
        before(&self.root().join(dir), rev, None, TIMEOUT).unwrap_err()
    }
}

fn changes(since: &Since) -> Vec<String> {
    let (before, after) = (&since.before.entries, &since.after.entries);
    let mut all: Vec<&str> = before.keys().chain(after.keys()).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|path| !path.split('/').any(|part| part == ".git"));
    all.into_iter()
        .filter_map(|path| match (before.get(path), after.get(path)) {
            (None, _) => Some(format!("+{path}")),
            (_, None) => Some(format!("-{path}")),
            (before, after) if before == after => None,
            _ => Some(format!("~{path}")),
        })
        .collect()
}

#[test]
fn nothing_changed_is_nothing_changed() {
    let repo = Sandbox::with(&[("Dockerfile", "FROM scratch\n"), ("src/a", "1")]);
    assert_eq!(repo.changes(), Vec::<String>::new());
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.dockerfile, Some(Versioned::Text("FROM scratch\n".to_owned())));
    assert_eq!(since.commit.len(), 40);
}

#[test]
fn files_changed_added_and_removed() {
    let repo =
        Sandbox::with(&[("Dockerfile", "FROM a\n"), ("src/a", "1"), ("src/b", "1"), ("gone/deep/c", "1")]);
    repo.write("Dockerfile", "FROM b\n");
    repo.write("src/a", "2");
    repo.write("new/dir/x", "1");
    repo.write("staged", "1");
    repo.git(&["add", "staged"]);
    std::fs::remove_dir_all(repo.root().join("gone")).unwrap();
    let expected = [
        "~Dockerfile",
        "-gone",
        "-gone/deep",
        "-gone/deep/c",
        "+new",
        "+new/dir",
        "+new/dir/x",
        "~src/a",
        "+staged",
    ];
    assert_eq!(repo.changes(), expected);
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.dockerfile, Some(Versioned::Text("FROM a\n".to_owned())));
    let old = since.before.get("src/a").unwrap();
    assert_eq!(old.content, Content::Hash(*blake3::hash(b"1").as_bytes()));
    assert_eq!(old.size, 1);
}

#[test]
fn ignored_files_count_as_unchanged() {
    let repo = Sandbox::with(&[("Dockerfile", ""), (".gitignore", "out/\n*.log\n")]);
    repo.write("out/x", "1");
    repo.write("a.log", "1");
    repo.write("logs/deep/a.log", "1");
    assert_eq!(repo.changes(), Vec::<String>::new());
}

/// As a checkout would have it: no directory without a file.
#[test]
fn a_directory_without_a_file_is_new() {
    let repo =
        Sandbox::with(&[("src/a", "1"), (".gitignore", "*.log\n"), (".dockerignore", "**/*.log\n**/*.md\n")]);
    std::fs::create_dir_all(repo.root().join("src/empty/er")).unwrap();
    repo.write("notes/x.md", "1");
    repo.write("logs/a.log", "1");
    assert_eq!(repo.changes(), ["+notes", "+src/empty", "+src/empty/er"], "logs holds an ignored file");
}

#[cfg(unix)]
#[test]
fn only_the_executable_bit_is_a_change_of_mode() {
    let repo = Sandbox::with(&[("a", "1"), ("b", "1")]);
    repo.chmod("a", 0o600);
    assert_eq!(repo.changes(), Vec::<String>::new());
    repo.chmod("b", 0o755);
    assert_eq!(repo.changes(), ["~b"]);
    let since = repo.since_in("", "HEAD");
    let (before, after) = (since.before.get("b").unwrap(), since.after.get("b").unwrap());
    assert_eq!((before.mode, after.mode, before.content), (0o644, 0o755, after.content));
}

#[cfg(unix)]
#[test]
fn a_moved_file_keeps_content_and_mode() {
    let repo = Sandbox::with(&[("old/a", "text"), ("old/b", "1")]);
    repo.chmod("old/a", 0o640);
    std::fs::create_dir(repo.root().join("new")).unwrap();
    std::fs::rename(repo.root().join("old/a"), repo.root().join("new/a")).unwrap();
    assert_eq!(repo.changes(), ["+new", "+new/a", "-old/a"]);
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.before.get("old/a"), since.after.get("new/a"));
}

#[cfg(unix)]
#[test]
fn odd_names_are_names() {
    let names = [
        "a b",
        "tab\there",
        "line\nfeed",
        "quo\"te",
        "ünï",
        "-dash",
        ":colon",
        "star*",
        "[x]",
        "back\\slash",
    ];
    let files: Vec<(&str, &str)> = names.iter().map(|n| (*n, "1")).collect();
    let repo = Sandbox::with(&files);
    for name in names {
        repo.write(name, "2");
    }
    let mut expected: Vec<String> = names.iter().map(|n| format!("~{n}")).collect();
    expected.sort();
    assert_eq!(repo.changes(), expected);
    let since = repo.since_in("", "HEAD");
    for name in names {
        let content = since.before.get(name).unwrap().content;
        assert_eq!(content, Content::Hash(*blake3::hash(b"1").as_bytes()), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_changes_of_kind() {
    let repo = Sandbox::with(&[("a", "1"), ("dir/x", "1"), ("file", "1")]);
    std::os::unix::fs::symlink("a", repo.root().join("link")).unwrap();
    repo.commit();
    repo.remove("link");
    std::os::unix::fs::symlink("file", repo.root().join("link")).unwrap();
    std::fs::remove_dir_all(repo.root().join("dir")).unwrap();
    repo.write("dir", "now a file");
    repo.remove("file");
    repo.write("file/y", "now a directory");
    assert_eq!(repo.changes(), ["~dir", "-dir/x", "~file", "+file/y", "~link"]);
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.before.get("link").unwrap().link.as_deref(), Some("a"));
    assert_eq!(since.before.get("dir").unwrap().kind, EntryKind::Dir);
    assert_eq!(since.before.get("file").unwrap().kind, EntryKind::File);
}

#[test]
fn the_context_may_be_below_the_top() {
    let repo = Sandbox::with(&[
        ("svc/Dockerfile", "FROM a\n"),
        ("svc/x/a", "1"),
        ("other/b", "1"),
        ("svc/.dockerignore", "n\n"),
    ]);
    repo.write("svc/x/a", "2");
    repo.write("svc/n", "2");
    repo.write("other/b", "2");
    repo.write("svc/Dockerfile", "FROM b\n");
    let since = repo.since_in("svc", "HEAD");
    assert_eq!(changes(&since), ["~Dockerfile", "~x/a"]);
    assert_eq!(since.dockerfile, Some(Versioned::Text("FROM a\n".to_owned())));
}

#[test]
fn a_context_that_the_revision_does_not_have_is_all_new() {
    let repo = Sandbox::with(&[("x", "1")]);
    repo.write("svc/Dockerfile", "FROM a\n");
    let since = repo.since_in("svc", "HEAD");
    assert_eq!(changes(&since), ["+Dockerfile"]);
    assert_eq!(since.dockerfile, Some(Versioned::Absent));
}

#[test]
fn the_revision_has_its_own_ignore_file() {
    let repo = Sandbox::with(&[(".dockerignore", "out\n"), ("out/x", "1"), ("lib/y", "1"), ("z", "1")]);
    repo.write(".dockerignore", "lib\n");
    assert_eq!(repo.changes(), ["~.dockerignore", "-lib", "-lib/y", "+out", "+out/x"]);
    repo.git(&["checkout", "--quiet", "."]);
    repo.write("Dockerfile.dockerignore", "z\n");
    let since = repo.since_in("", "HEAD");
    assert_eq!(changes(&since), ["+Dockerfile.dockerignore", "+out", "+out/x", "-z"]);
    assert_eq!(since.before.ignore_file.as_deref(), Some(".dockerignore"));
    assert_eq!(since.after.ignore_file.as_deref(), Some("Dockerfile.dockerignore"));
    repo.commit();
    repo.write("z", "2");
    assert_eq!(repo.changes(), Vec::<String>::new(), "an excluded file may change");
    repo.remove("Dockerfile.dockerignore");
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.before.ignore_file.as_deref(), Some("Dockerfile.dockerignore"));
    assert!(since.before.get("z").is_none());
}

#[test]
fn an_ignored_dockerfile_and_ignore_file_are_unversioned() {
    let repo = Sandbox::with(&[
        (".gitignore", "Dockerfile\nDockerfile.dockerignore\n"),
        ("a", "1"),
        (".dockerignore", "b\n"),
    ]);
    repo.write("Dockerfile", "FROM a\n");
    repo.write("Dockerfile.dockerignore", "a\n");
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.dockerfile, Some(Versioned::Unversioned));
    assert_eq!(changes(&since), Vec::<String>::new());
    assert!(since.before.get("a").is_none());
}

#[test]
fn manifests_have_their_old_text() {
    let repo = Sandbox::with(&[("package.json", "{\"a\":1}"), ("go.mod", "module x"), ("main.go", "x")]);
    repo.write("package.json", "{\"a\":2}");
    repo.write("Cargo.toml", "[package]");
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.before.text("package.json"), Some("{\"a\":1}"));
    assert_eq!(since.before.text("go.mod"), Some("module x"));
    assert_eq!(since.before.text("Cargo.toml"), None);
    assert_eq!(since.after.text("package.json"), Some("{\"a\":2}"));
}

#[test]
fn other_revisions_can_be_named() {
    let repo = Sandbox::with(&[("a", "1")]);
    repo.git(&["tag", "-a", "v1", "-m", "v1"]);
    repo.write("a", "2");
    repo.commit();
    repo.write("b", "1");
    assert_eq!(changes(&repo.since_in("", "HEAD")), ["+b"]);
    assert_eq!(changes(&repo.since_in("", "HEAD~1")), ["~a", "+b"]);
    assert_eq!(changes(&repo.since_in("", "v1")), ["~a", "+b"]);
}

#[test]
fn what_left_the_index_but_not_the_folder_is_compared() {
    let repo = Sandbox::with(&[("a", "1"), ("b", "1")]);
    repo.git(&["rm", "--quiet", "--cached", "a", "b"]);
    repo.write("b", "2");
    assert_eq!(repo.changes(), ["~b"]);
}

#[test]
fn a_file_in_conflict_has_the_state_of_the_revision() {
    let repo = Sandbox::with(&[("a", "1\n"), ("b", "1\n")]);
    repo.git(&["checkout", "--quiet", "-b", "side"]);
    repo.write("a", "2\n");
    repo.commit();
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("a", "3\n");
    repo.commit();
    let merge = Command::new("git")
        .current_dir(repo.root())
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "merge", "--quiet", "side"])
        .output()
        .unwrap();
    assert!(!merge.status.success());
    assert_eq!(repo.changes(), ["~a"]);
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.before.get("a").unwrap().content, Content::Hash(*blake3::hash(b"3\n").as_bytes()));
}

#[test]
fn an_untracked_repository_is_new_as_a_whole() {
    let repo = Sandbox::with(&[("a", "1")]);
    repo.write("inner/x", "1");
    repo.git_in("inner", &["init", "--quiet"]);
    assert_eq!(repo.changes(), ["+inner", "+inner/x"]);
}

/// Files as a checkout writes them, not as they are stored.
#[test]
fn line_ends_are_those_of_a_checkout() {
    let repo = Sandbox::with(&[
        (".gitattributes", "*.bat eol=crlf\n"),
        ("old/a.bat", "1\r\n2\r\n"),
        ("b.bat", "x\r\n"),
    ]);
    std::fs::create_dir(repo.root().join("new")).unwrap();
    std::fs::rename(repo.root().join("old/a.bat"), repo.root().join("new/a.bat")).unwrap();
    repo.write("b.bat", "y\r\n");
    let since = repo.since_in("", "HEAD");
    assert_eq!(since.before.get("old/a.bat"), since.after.get("new/a.bat"));
    let old = since.before.get("b.bat").unwrap();
    assert_eq!((old.content, old.size), (Content::Hash(*blake3::hash(b"x\r\n").as_bytes()), 3));
}

#[test]
fn a_file_that_was_only_written_to_is_unchanged_and_the_index_is_left_alone() {
    let repo =
        Sandbox::with(&[(".gitattributes", "*.txt text eol=lf\n"), ("a", "1"), ("b", "1"), ("c.txt", "1\n")]);
    repo.write("a", "1");
    repo.write("b", "2");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(repo.root().join("a")).unwrap().set_modified(long_ago).unwrap();
    // Git would store it as it is stored.
    repo.write("c.txt", "1\r\n");
    let index = repo.root().join(".git/index");
    let before = std::fs::read(&index).unwrap();
    assert_eq!(repo.changes(), ["~b"]);
    assert!(std::fs::read(&index).unwrap() == before);
    repo.git(&["diff", "--raw", "HEAD"]);
    assert!(std::fs::read(&index).unwrap() != before, "git diff writes it");
}

/// A script in the repository that says that it ran, and fails: it must not wait for anybody.
#[cfg(unix)]
fn script(repo: &Sandbox) -> (String, std::path::PathBuf) {
    let ran = repo.root().join(".git/ran");
    let script = repo.root().join(".git/script");
    std::fs::write(&script, format!("#!/bin/sh\necho x >> '{}'\nexit 1\n", ran.display())).unwrap();
    repo.chmod(".git/script", 0o755);
    (script.to_str().unwrap().to_owned(), ran)
}

/// Every setting that names a command, as far as anything that is asked could come across it.
#[cfg(unix)]
fn configure_all(repo: &Sandbox, dir: &str, script: &str) {
    for key in [
        "filter.f.clean",
        "filter.f.smudge",
        "filter.f.process",
        "filter.a b.c.clean",
        "filter.a b.c.smudge",
        "diff.external",
        "diff.d.textconv",
        "diff.d.command",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.askPass",
        "core.editor",
        "core.gitProxy",
        "credential.helper",
        "gpg.program",
        "merge.f.driver",
        "alias.diff",
        "pager.diff",
        "interactive.diffFilter",
        "uploadpack.packObjectsHook",
    ] {
        repo.git_in(dir, &["config", key, script]);
    }
    repo.git_in(dir, &["config", "filter.f.required", "true"]);
    // Missing objects would be fetched from here.
    repo.git_in(dir, &["config", "remote.origin.url", &format!("ext::{script}")]);
    repo.git_in(dir, &["config", "remote.origin.promisor", "true"]);
    repo.git_in(dir, &["config", "protocol.ext.allow", "always"]);
}

#[cfg(unix)]
#[test]
fn nothing_that_the_configuration_names_is_run() {
    let attributes = "*.bin filter=f diff=d\n*.txt diff=d merge=f\n*.odd filter=a\\ b.c\n";
    let files = [(".gitattributes", attributes), ("a.bin", "1"), ("b", "1"), ("c.txt", "1"), ("d.bin", "1")];
    let lib = Sandbox::with(&files);
    lib.write(".gitattributes", "*.bin filter=only-here diff=d\n");
    lib.commit();
    let repo = Sandbox::with(&files);
    repo.write("lost", "nothing else is like this");
    repo.git(&["submodule", "--quiet", "add", lib.root().to_str().unwrap(), "sub"]);
    repo.commit();
    let (script, ran) = script(&repo);
    configure_all(&repo, ".", &script);
    configure_all(&repo, "sub", &script);
    // A command that the outer repository's configuration says nothing of.
    repo.git_in("sub", &["config", "filter.only-here.clean", &script]);
    repo.git_in("sub", &["config", "filter.only-here.process", &script]);
    for hooks in [".git/hooks", ".git/modules/sub/hooks"] {
        let hooks = repo.root().join(hooks);
        std::fs::create_dir_all(&hooks).unwrap();
        for hook in ["post-index-change", "fsmonitor-watchman", "post-checkout", "reference-transaction"] {
            std::fs::copy(&script, hooks.join(hook)).unwrap();
        }
    }
    for dir in ["", "sub/"] {
        for file in ["a.bin", "b", "c.txt"] {
            repo.write(&format!("{dir}{file}"), "2");
        }
        // Written to, and not changed: only its content tells.
        repo.write(&format!("{dir}d.bin"), "1");
        repo.write(&format!("{dir}new.bin"), "1");
    }
    // Its old bytes are missing: a partial clone would fetch them.
    let lost =
        Command::new("git").current_dir(repo.root()).args(["rev-parse", "HEAD:lost"]).output().unwrap();
    let lost = String::from_utf8(lost.stdout).unwrap();
    let (folder, name) = lost.trim().split_at(2);
    std::fs::remove_file(repo.root().join(".git/objects").join(folder).join(name)).unwrap();
    repo.remove("lost");
    // The repository's own git would run some of them.
    let _ = std::fs::remove_file(&ran);
    let since = repo.since_in("", "HEAD");
    let expected =
        ["~a.bin", "~b", "~c.txt", "-lost", "+new.bin", "~sub/a.bin", "~sub/b", "~sub/c.txt", "+sub/new.bin"];
    assert_eq!(changes(&since), expected);
    assert!(
        matches!(since.before.get("a.bin").unwrap().content, Content::Unread(_)),
        "only the filter knows"
    );
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap_or_default());
    let _ = Command::new("git").current_dir(repo.root()).args(["--paginate", "diff", "HEAD"]).output();
    assert!(ran.exists(), "the script runs where git runs what is configured");
}

#[cfg(unix)]
#[test]
fn a_filter_that_cannot_be_switched_off_is_not_run_either() {
    let repo = Sandbox::with(&[(".gitattributes", "*.bin filter=a=b\n"), ("a.bin", "1")]);
    let (script, ran) = script(&repo);
    repo.git(&["config", "filter.a=b.clean", &script]);
    repo.write("a.bin", "2");
    assert!(matches!(repo.error("", "HEAD"), GitError::Failed(_)));
    assert!(!ran.exists());
    let _ = Command::new("git").current_dir(repo.root()).args(["diff", "HEAD"]).output();
    assert!(ran.exists(), "it is a filter");
}

#[test]
fn what_git_lfs_keeps_is_compared_by_its_pointer() {
    use sha2::Digest;
    let pointer = |bytes: &str| {
        let hash: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hash}\nsize {}\n", bytes.len())
    };
    let same = pointer("the model");
    let other = pointer("the other");
    let attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
    let repo = Sandbox::with(&[
        (".gitattributes", attributes),
        ("same.bin", &same),
        ("other.bin", &other),
        ("pointer.bin", &same),
    ]);
    for (key, command) in
        [("clean", "false"), ("smudge", "false"), ("process", "false"), ("required", "true")]
    {
        repo.git(&["config", &format!("filter.lfs.{key}"), command]);
    }
    // As Git LFS checks them out; its files in the index are those of the pointers here.
    repo.write("same.bin", "the model");
    repo.write("other.bin", "another11");
    repo.write("pointer.bin", &same);
    let since = repo.since_in("", "HEAD");
    assert_eq!(changes(&since), ["~other.bin"]);
    let old = since.before.get("other.bin").unwrap();
    assert_eq!((old.size, matches!(old.content, Content::Unread(_))), (9, true));
}

#[test]
fn submodules_are_looked_into() {
    let lib = Sandbox::with(&[("x", "1"), ("y", "1")]);
    let repo = Sandbox::with(&[("Dockerfile", "")]);
    let url = lib.root().to_str().unwrap();
    repo.git(&["submodule", "--quiet", "add", url, "sub"]);
    repo.commit();
    assert_eq!(repo.changes(), Vec::<String>::new());
    repo.write("sub/x", "2");
    repo.write("sub/new", "1");
    assert_eq!(repo.changes(), ["+sub/new", "~sub/x"]);
    repo.git_in("sub", &["add", "--all"]);
    repo.git_in("sub", &["commit", "--quiet", "-m", "y"]);
    assert_eq!(repo.changes(), ["+sub/new", "~sub/x"], "a commit inside changes nothing");
    let old = repo.since_in("", "HEAD");
    assert_eq!(old.before.get("sub/x").unwrap().content, Content::Hash(*blake3::hash(b"1").as_bytes()));
    assert_eq!(
        changes(&repo.since_in("", "HEAD~1")),
        ["+.gitmodules", "+sub", "+sub/new", "+sub/x", "+sub/y"]
    );
}

#[test]
fn a_submodule_without_its_old_commit_is_unknown() {
    let lib = Sandbox::with(&[("x", "1")]);
    let repo = Sandbox::with(&[("Dockerfile", "")]);
    repo.git(&["submodule", "--quiet", "add", lib.root().to_str().unwrap(), "sub"]);
    repo.git(&["update-index", "--cacheinfo", "160000,0123456789012345678901234567890123456789,sub"]);
    repo.git(&["commit", "--quiet", "-m", "points to nowhere"]);
    assert_eq!(repo.changes(), ["~sub/x"]);
}

#[test]
fn errors_say_what_is_wrong() {
    let none = Sandbox::empty();
    assert_eq!(none.error("", "HEAD"), GitError::NotARepository(none.root().to_path_buf()));
    assert!(matches!(none.error("missing", "HEAD"), GitError::NoFolder(_)));
    let bare = Sandbox::empty();
    bare.git(&["init", "--quiet", "--bare"]);
    assert!(matches!(bare.error("", "HEAD"), GitError::NoWorkTree(_)));
    let unborn = Sandbox::empty();
    unborn.git(&["init", "--quiet"]);
    assert!(matches!(unborn.error("", "HEAD"), GitError::NoCommits(_)));
    let repo = Sandbox::with(&[("a", "1")]);
    for rev in ["nope", "", "--all", "HEAD:a", "HEAD..HEAD", "a\0b"] {
        assert_eq!(repo.error("", rev), GitError::UnknownRevision(rev.to_owned()), "{rev}");
    }
    assert!(matches!(repo.error(".git", "HEAD"), GitError::NoWorkTree(_)));
    let late = before(repo.root(), "HEAD", None, Duration::ZERO).unwrap_err();
    assert_eq!(late, GitError::TooSlow);
}

#[test]
fn a_dockerfile_outside_git_counts_as_unchanged() {
    let outside = Sandbox::empty();
    outside.write("Dockerfile", "FROM a\n");
    let repo = Sandbox::with(&[("a", "1"), (".dockerignore", "a\n")]);
    let found = before(repo.root(), "HEAD", Some(&outside.root().join("Dockerfile")), TIMEOUT).unwrap();
    assert_eq!(found.dockerfile, Some(Versioned::Unversioned));
    assert_eq!(found.ignore_at_root, Some(Versioned::Text("a\n".to_owned())));
}

#[test]
fn where_head_stands_is_read_without_git() {
    let repo = Sandbox::with(&[("a/x", "1")]);
    let at = |dir: &str| head(&OsFs, &repo.root().join(dir));
    let mut before = at("a");
    assert!(before.is_some() && before == at("a"));
    let mut moved = |what: &str| {
        let now = at("a");
        assert_ne!(now, before, "{what}");
        before = now;
    };
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "y"]);
    moved("a commit");
    repo.git(&["checkout", "--quiet", "-b", "feature/other"]);
    moved("another branch");
    repo.git(&["pack-refs", "--all"]);
    moved("packed: it may be another");
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "z"]);
    moved("a commit on a packed branch");
    repo.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    moved("no branch");
    repo.git(&["worktree", "add", "--quiet", "tree", "main"]);
    let in_tree = at("tree");
    assert!(in_tree.is_some() && in_tree != at("a"));
    repo.git_in("tree", &["commit", "--quiet", "--allow-empty", "-m", "t"]);
    assert_ne!(at("tree"), in_tree);
    assert_eq!(head(&OsFs, Sandbox::empty().root()), None);
}
