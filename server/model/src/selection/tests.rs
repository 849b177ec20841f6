use super::*;
use crate::tree::Tree;

fn file(bytes: &str) -> Entry {
    Entry {
        kind: EntryKind::File,
        mode: 0o644,
        size: bytes.len() as u64,
        content: Content::Hash(*blake3::hash(bytes.as_bytes()).as_bytes()),
        link: None,
    }
}

fn link(target: &str) -> Entry {
    Entry {
        kind: EntryKind::Symlink,
        mode: 0o777,
        size: 0,
        content: Content::nothing(),
        link: Some(target.into()),
    }
}

fn context(entries: Tree) -> Context {
    Context { entries, ..Context::default() }
}

fn some() -> Context {
    let files = ["src/a.go", "src/b.go", "src/sub/c.go", "src/sub/d.txt", "srv/a.go", "README.md"];
    let mut entries: Tree = files.map(|path| (path, file(path))).into_iter().collect();
    entries.insert("now", link("src/sub"));
    context(entries)
}

fn plain(context: &Context, source: &str) -> Selected {
    select(context, source, Reading::default())
}

#[test]
fn a_key_of_read_files_is_the_same_in_every_process() {
    let selected = plain(&some(), ".");
    assert_eq!((selected.files.count, selected.files.unread), (6, 0));
    let hex = |key: Key| blake3::Hash::from(key).to_hex().to_string();
    // Kept on users' disks: to change it is to forget every build that they have recorded.
    assert_eq!(hex(selected.key), "ca570f613dcbec048d00f392cfacce8b32fada99818a52b8dae6604b7f1347aa");
    assert_eq!(
        hex(plain(&some(), "src/a.go").key),
        "3ed61cc9e6d0109d392812f1ba53fa5f38c0565cbff3f04147aefe5159bff299"
    );
}

#[test]
fn wildcards_match_element_by_element() {
    let context = some();
    let paths = |source: &str| plain(&context, source).paths;
    assert_eq!(paths("*"), ["README.md", "now", "src", "srv"]);
    assert_eq!(paths("sr?/a.go"), ["src/a.go", "srv/a.go"]);
    assert_eq!(paths("s*/*/*.go"), ["src/sub/c.go"]);
    assert_eq!(paths("sr[a-c]/*.go"), ["src/a.go", "src/b.go"]);
    assert_eq!(paths("now/*"), ["now/c.go", "now/d.txt"]);
    assert_eq!(paths("*/none/*"), [""; 0]);
    assert!(!plain(&context, "none*").missing && plain(&context, "none").missing);
}

#[test]
fn a_directory_is_keyed_by_what_is_below_it_and_not_by_itself() {
    let key = |context: &Context| plain(context, "src").key;
    let before = some();
    let changed = |change: &dyn Fn(&mut Tree)| {
        let mut after = before.clone();
        change(&mut after.entries);
        key(&after) != key(&before)
    };
    assert!(!changed(&|tree| tree.get_mut("src").unwrap().mode = 0o700));
    assert!(!changed(&|tree| tree.insert("other", file("x"))));
    assert!(!changed(&|tree| tree.insert("src/pipe", Entry { kind: EntryKind::Other, ..file("") })));
    assert!(!changed(&|tree| tree.get_mut("src/sub").unwrap().mode = 0o700), "no mode of a directory");
    assert!(changed(&|tree| tree.get_mut("src/sub/c.go").unwrap().mode = 0o755));
    assert!(changed(&|tree| tree.insert("src/empty", Entry::directory(0o755))));
    assert!(changed(&|tree| tree.insert("src/a.go", link("b.go"))));
    assert!(changed(&|tree| {
        tree.remove("src/b.go");
    }));
    // The same bytes under another name.
    let mut moved = before.clone();
    let sub = moved.entries.clone();
    for (path, entry) in &sub {
        if let Some(below) = path.strip_prefix("src/") {
            moved.entries.insert(&format!("lib/{below}"), entry.clone());
        }
    }
    assert_eq!(plain(&moved, "lib").key, key(&before));
}

#[test]
fn what_is_excluded_does_not_count() {
    let context = some();
    let excludes = ["**/*.txt".to_owned()];
    let select = |context: &Context| select(context, "src", Reading { excludes: &excludes, parents: false });
    let mut other = context.clone();
    other.entries.get_mut("src/sub/d.txt").unwrap().mode = 0o755;
    assert_eq!(select(&context).key, select(&other).key);
    assert_eq!(select(&context).files.count, 3);
    other.entries.get_mut("src/sub/c.go").unwrap().mode = 0o755;
    assert_ne!(select(&context).key, select(&other).key);
}
