use super::*;
use crate::fs::OsFs;
use crate::memfs::MemFs;

fn paths(context: &Context) -> Vec<&str> {
    context.entries.keys().collect()
}

fn load_mem(fs: &MemFs) -> Context {
    load(fs, Path::new("/w"), Some(Path::new("/w/Dockerfile")), &Limits::default())
}

#[test]
fn entries_have_kind_mode_size_and_link() {
    let mut fs = MemFs::new();
    fs.file_with_mode("/w/run.sh", "#!/bin/sh\n", 0o755)
        .dir("/w/empty")
        .symlink("/w/link", "../outside")
        .special("/w/socket");
    let context = load_mem(&fs);
    assert_eq!(paths(&context), ["empty", "link", "run.sh", "socket"]);
    let file = context.get("run.sh").unwrap();
    assert_eq!((file.kind, file.mode, file.size), (EntryKind::File, 0o755, 10));
    assert!(matches!(file.content, Content::Unread(_)));
    let link = context.get("link").unwrap();
    assert_eq!((link.kind, link.link.as_deref()), (EntryKind::Symlink, Some("../outside")));
    assert_eq!(context.get("socket").unwrap().kind, EntryKind::Other);
    assert!(context.is_dir("empty"));
    assert_eq!(context.incomplete, None);
    assert_eq!(
        fs.opened(),
        2,
        "the search for Dockerfile.dockerignore, and the script that rules read; neither the socket nor the link's target"
    );
}

#[test]
fn the_ignore_file_beside_the_dockerfile_wins_even_if_empty() {
    let mut fs = MemFs::new();
    fs.file("/w/a", "").file("/w/b", "").file("/w/.dockerignore", "a\n.dockerignore\n");
    let context = load_mem(&fs);
    assert_eq!((paths(&context), context.ignore_file.as_deref()), (vec!["b"], Some(".dockerignore")));

    fs.file("/w/Dockerfile.dockerignore", "b\n");
    let context = load_mem(&fs);
    assert_eq!(context.ignore_file.as_deref(), Some("Dockerfile.dockerignore"));
    assert_eq!(paths(&context), [".dockerignore", "Dockerfile.dockerignore", "a"]);

    fs.file("/w/Dockerfile.dockerignore", "");
    assert_eq!(paths(&load_mem(&fs)).len(), 4);
}

#[test]
fn an_ignore_file_beside_a_dockerfile_elsewhere_is_found_there() {
    let mut fs = MemFs::new();
    fs.file("/w/a", "").file("/w/.dockerignore", "a\n").file("/d/x.Dockerfile.dockerignore", "b\n");
    let context = load(&fs, Path::new("/w"), Some(Path::new("/d/x.Dockerfile")), &Limits::default());
    assert_eq!(context.ignore_file.as_deref(), Some("/d/x.Dockerfile.dockerignore"));
    assert!(context.get("a").is_some());
    assert_eq!(context.dockerfile, None);
    let inside = load(&fs, Path::new("/w"), Some(Path::new("/w/sub/../Dockerfile")), &Limits::default());
    assert_eq!(inside.dockerfile.as_deref(), Some("Dockerfile"));
}

#[test]
fn an_ignore_file_may_be_a_link_inside_the_root_only() {
    let mut fs = MemFs::new();
    fs.file("/w/a", "").file("/w/docker/ignore", "a\n").symlink("/w/.dockerignore", "/docker/ignore");
    assert_eq!(load_mem(&fs).get("a"), None, "an absolute link starts at the context's root");
    fs.file("/secret", "a\n").symlink("/w/.dockerignore", "../secret");
    let context = load_mem(&fs);
    assert!(context.get("a").is_some());
    assert_eq!(context.ignore_file, None);
}

#[test]
fn an_excluded_directory_is_walked_only_for_a_negated_pattern() {
    let mut fs = MemFs::new();
    fs.file("/w/.dockerignore", "*\n!src/keep\n")
        .file("/w/src/keep/x", "")
        .file("/w/src/y", "")
        .forbid("/w/big");
    let context = load_mem(&fs);
    assert_eq!(paths(&context), ["src", "src/keep", "src/keep/x"], "with the directories above");
    assert_eq!(context.incomplete, None, "big was never listed");
}

#[test]
fn links_are_never_followed() {
    let mut fs = MemFs::new();
    fs.file("/w/a/x", "").symlink("/w/a/up", "..").symlink("/w/out", "/etc").file("/etc/passwd", "root");
    let context = load_mem(&fs);
    assert_eq!(paths(&context), ["a", "a/up", "a/x", "out"]);
}

#[test]
fn unreadable_folders_are_named() {
    let mut fs = MemFs::new();
    fs.file("/w/a/x", "").forbid("/w/b/secret");
    let context = load_mem(&fs);
    assert_eq!(paths(&context), ["a", "a/x", "b", "b/secret"]);
    assert_eq!(context.incomplete, Some(Incomplete::Unreadable(vec!["b/secret".to_owned()])));
    let none = load(&fs, Path::new("/nowhere"), None, &Limits::default());
    assert_eq!(none.incomplete, Some(Incomplete::Unreadable(vec![".".to_owned()])));
}

#[test]
fn many_files_are_loaded_and_too_many_are_said() {
    let mut fs = MemFs::new();
    for i in 0..100_000 {
        fs.file(format!("/w/{:02}/{i}", i % 50), "");
    }
    assert_eq!(load_mem(&fs).entries.len(), 100_050);
    let limits = Limits { max_entries: 10_000, ..Limits::default() };
    let context = load(&fs, Path::new("/w"), None, &limits);
    assert_eq!(context.incomplete, Some(Incomplete::TooMany(10_000)));
    assert!(context.entries.len() <= 10_000);
}

#[test]
fn hostile_depth_ends() {
    let mut fs = MemFs::new();
    fs.dir(format!("/w{}", "/d".repeat(3_000)));
    let context = load_mem(&fs);
    assert!(matches!(context.incomplete, Some(Incomplete::Unreadable(_))));
    assert_eq!(context.entries.len(), Limits::default().max_depth + 1);
}

#[test]
fn long_names_use_up_the_room_for_paths() {
    let mut fs = MemFs::new();
    for i in 0..100 {
        fs.file(format!("/w/{}{i}", "n".repeat(200)), "");
    }
    let limits = Limits { max_path_bytes: 10_000, ..Limits::default() };
    let context = load(&fs, Path::new("/w"), None, &limits);
    assert!(matches!(context.incomplete, Some(Incomplete::TooMany(_))));
    assert!(context.entries.len() < 50);
}

#[test]
fn a_deadline_in_the_past_stops_at_once() {
    let mut fs = MemFs::new();
    fs.file("/w/package.json", "{}");
    let limits = Limits { deadline: Some(Instant::now()), ..Limits::default() };
    let context = load(&fs, Path::new("/w"), None, &limits);
    assert_eq!(context.incomplete, Some(Incomplete::TooSlow));
    assert!(context.texts.is_empty());
}

#[test]
fn manifests_are_read_within_a_budget_the_nearest_first() {
    let mut fs = MemFs::new();
    fs.file("/w/a/b/c/package.json", "deep")
        .file("/w/package.json", "top")
        .file("/w/go.mod", vec![b'x'; 1 << 20])
        .file("/w/node_modules/x/package.json", "no")
        .file("/w/main.go", "package main")
        .symlink("/w/Cargo.toml", "main.go");
    let context = load_mem(&fs);
    let texts: Vec<_> = context.texts.iter().map(|(p, t)| (p.as_ref(), t.as_ref())).collect();
    assert_eq!(texts, [("a/b/c/package.json", "deep"), ("package.json", "top")]);
    let limits = Limits { max_manifests_bytes: 5, ..Limits::default() };
    let context = load(&fs, Path::new("/w"), None, &limits);
    assert_eq!(context.texts.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["package.json"]);
}

#[test]
fn loading_opens_no_file_but_manifests() {
    let mut fs = MemFs::new();
    fs.sparse("/w/disk.img", 1 << 30).special("/w/pipe").file("/w/x", "").file("/w/go.mod", "");
    load_mem(&fs);
    assert_eq!(fs.opened(), 2, "Dockerfile.dockerignore and go.mod");
}

#[test]
fn fingerprints_are_of_bytes() {
    let mut fs = MemFs::new();
    fs.file("/w/a", "same").file("/w/b", "same").file("/w/c", "other").sparse("/w/big", 1 << 40);
    let loaded = load_mem(&fs);
    let known = fingerprint(&fs, Path::new("/w"), &loaded, ["a", "b", "big", "none"], &Limits::default());
    let content = |path: &str| known.get(path).unwrap().content;
    assert_eq!(content("a"), Content::Hash(*blake3::hash(b"same").as_bytes()));
    assert_eq!(content("a"), content("b"));
    assert_eq!(content("c"), loaded.get("c").unwrap().content, "not asked for, and shared");
    assert_eq!(content("big"), loaded.get("big").unwrap().content, "too big");
}

#[test]
fn every_unread_content_is_its_own() {
    let mut fs = MemFs::new();
    fs.file("/w/a", "x").file("/w/b", "x");
    let (one, two) = (load_mem(&fs), load_mem(&fs));
    let contents = [&one, &two].map(|c| ["a", "b"].map(|p| c.get(p).unwrap().content));
    let distinct: std::collections::HashSet<_> = contents.iter().flatten().collect();
    assert_eq!(distinct.len(), 4);
}

/// The same walk on the computer's own file system, with what only it has.
#[cfg(unix)]
#[test]
fn the_real_file_system_is_walked_without_opening_what_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("d")).unwrap();
    std::os::unix::fs::symlink("..", at("d/up")).unwrap();
    std::os::unix::fs::symlink("loop", at("loop")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    std::fs::File::create(at("sparse")).unwrap().set_len(1 << 30).unwrap();
    std::fs::write(at("package.json"), "{}").unwrap();
    let fifo = std::process::Command::new("mkfifo").arg(at("go.mod")).status().unwrap();
    assert!(fifo.success());
    let context = load(&OsFs, dir.path(), None, &Limits::default());
    assert_eq!(paths(&context), ["d", "d/up", "go.mod", "loop", "package.json", "socket", "sparse"]);
    assert_eq!(context.get("go.mod").unwrap().kind, EntryKind::Other);
    assert_eq!(context.get("socket").unwrap().kind, EntryKind::Other);
    assert_eq!(context.get("sparse").unwrap().size, 1 << 30);
    assert_eq!(context.texts.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["package.json"]);
    assert!(OsFs.open(&at("go.mod"), Links::Refuse).is_err(), "a pipe without a writer does not block");
    assert!(OsFs.open(&at("loop"), Links::Refuse).is_err());
    let known =
        fingerprint(&OsFs, dir.path(), &context, ["package.json", "go.mod", "loop"], &Limits::default());
    assert!(matches!(known.get("package.json").unwrap().content, Content::Hash(_)));
}
