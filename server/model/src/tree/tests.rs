use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn file(content: u64) -> Entry {
    Entry { kind: EntryKind::File, mode: 0o644, size: 1, content: Content::Unread(content), link: None }
}

fn paths(tree: &Tree) -> Vec<&str> {
    tree.keys().collect()
}

#[test]
fn directories_come_by_themselves_and_before_what_is_in_them() {
    let mut tree = Tree::new();
    for path in ["b", "a/c/d", "a-b", "a/b"] {
        tree.insert(path, file(1));
    }
    assert_eq!(paths(&tree), ["a", "a/b", "a/c", "a/c/d", "a-b", "b"]);
    assert_eq!(tree.below("a").map(|(path, _)| path).collect::<Vec<_>>(), ["a/b", "a/c", "a/c/d"]);
    assert_eq!(tree.children("a").map(|(path, _)| path).collect::<Vec<_>>(), ["a/b", "a/c"]);
    assert_eq!((tree.len(), tree.get("a").map(|e| e.kind)), (6, Some(EntryKind::Dir)));
    assert_eq!(tree.below("none").count() + tree.below("b").count(), 0);
}

#[test]
fn what_is_no_path_is_not_taken_in() {
    let mut tree = Tree::new();
    for path in ["", "/", "a//b", "/a", "a/", &vec!["a"; MAX_DEPTH + 1].join("/")] {
        tree.insert(path, file(1));
        assert!(tree.is_empty() && tree.get(path).is_none() && tree.remove(path).is_none(), "{path}");
    }
    tree.insert(&vec!["a"; MAX_DEPTH].join("/"), file(1));
    assert_eq!((tree.len(), tree.totals("").files), (MAX_DEPTH, 1));
}

#[test]
fn a_file_in_the_place_of_a_directory_takes_all_below_it_away() {
    let mut tree: Tree = ["a/b/c", "a/d", "e"].map(|path| (path, file(1))).into_iter().collect();
    tree.insert("a", file(2));
    assert_eq!((paths(&tree), tree.len()), (vec!["a", "e"], 2));
    tree.insert("a", Entry::directory(0o700));
    tree.insert("a/x", file(3));
    tree.insert("a", Entry::directory(0o750));
    assert_eq!(paths(&tree), ["a", "a/x", "e"]);
    assert_eq!(tree.get("a").unwrap().mode, 0o750);
}

#[test]
fn a_change_shares_the_rest_and_names_itself() {
    let before: Tree = (0..1000).map(|i| (format!("d{}/f{i}", i % 10), file(i))).collect();
    before.totals("");
    let mut after = before.clone();
    assert!(after.is_same(&before));
    after.get_mut("d3/f13").unwrap().mode = 0o755;
    assert_eq!(before.changed(&after), ["d3/f13"]);
    assert_ne!(before.totals("d3").digest, after.totals("d3").digest);
    assert_eq!(before.totals("d4"), after.totals("d4"));
    let shared = |dir: &str| Arc::ptr_eq(before.node(dir).unwrap(), after.node(dir).unwrap());
    assert!(shared("d4") && shared("d3/f3") && !shared("d3"));
    after.get_mut("d3/f13").unwrap().mode = 0o644;
    assert_eq!(before.totals(""), after.totals(""));
    assert!(before.changed(&after).is_empty() && before == after);
}

#[test]
fn special_files_are_not_in_the_digest() {
    let mut tree: Tree = [("a", file(1))].into_iter().collect();
    let before = tree.totals("");
    tree.insert("pipe", Entry { kind: EntryKind::Other, ..file(2) });
    assert_eq!(tree.totals(""), before);
}

#[test]
fn what_was_read_since_is_learnt_below_directories_that_need_it() {
    let mut tree: Tree = [("a/x", file(1)), ("a/y", file(2)), ("b/z", file(3))].into_iter().collect();
    let other = tree.clone();
    assert_eq!(tree.totals("").unread, 3);
    assert!(tree.learn(&|id| (id < 3).then_some([id as u8; 32])));
    assert_eq!((tree.totals("").unread, tree.totals("a").unread), (1, 0));
    assert_eq!(tree.get("a/y").unwrap().content, Content::Hash([2; 32]));
    assert!(Arc::ptr_eq(tree.node("b").unwrap(), other.node("b").unwrap()));
    assert!(!tree.learn(&|_| None));
}

/// What can be done to a tree: a path, and what is put there; `None` takes it away.
fn edits() -> impl Strategy<Value = Vec<(String, Option<u64>)>> {
    let path = prop::collection::vec("[ab.-]{1,2}", 1..4).prop_map(|names| names.join("/"));
    prop::collection::vec((path, prop::option::of(0..4_u64)), 0..40)
}

/// The same on a plain map.
fn plain(edits: &[(String, Option<u64>)]) -> BTreeMap<String, Entry> {
    let mut map: BTreeMap<String, Entry> = BTreeMap::new();
    for (path, new) in edits {
        match new {
            None => map.retain(|p, _| p != path && !p.starts_with(&format!("{path}/"))),
            Some(new) => {
                let new = if *new == 0 { Entry::directory(0o700) } else { file(*new) };
                for (at, _) in path.match_indices('/') {
                    let dir = map.entry(path[..at].to_owned()).or_insert_with(|| Entry::directory(0o755));
                    if dir.kind != EntryKind::Dir {
                        *dir = Entry::directory(0o755);
                    }
                }
                if new.kind != EntryKind::Dir {
                    map.retain(|p, _| !p.starts_with(&format!("{path}/")));
                }
                map.insert(path.clone(), new);
            }
        }
    }
    map
}

fn apply(tree: &mut Tree, edits: &[(String, Option<u64>)]) {
    for (path, new) in edits {
        match new {
            None => {
                tree.remove(path);
            }
            Some(0) => tree.insert(path, Entry::directory(0o700)),
            Some(new) => tree.insert(path, file(*new)),
        }
    }
}

proptest! {
    #[test]
    fn edits_give_what_they_give_on_a_plain_map(first in edits(), second in edits()) {
        let mut tree = Tree::new();
        apply(&mut tree, &first);
        let before = tree.clone();
        before.totals("");
        apply(&mut tree, &second);
        let all = [first.clone(), second].concat();
        let (old, new) = (plain(&first), plain(&all));
        let sorted = |tree: &Tree| tree.iter().map(|(p, e)| (p.to_owned(), e.clone())).collect::<BTreeMap<_, _>>();
        prop_assert_eq!(&sorted(&before), &old);
        prop_assert_eq!(&sorted(&tree), &new);
        prop_assert_eq!(tree.len(), new.len());
        // However it came to be, the digest is that of the same entries.
        let fresh: Tree = new.iter().map(|(p, e)| (p, e.clone())).collect();
        prop_assert_eq!(fresh.totals(""), tree.totals(""));
        // The modes of directories are not in it.
        let keyed = |map: &BTreeMap<String, Entry>| -> Vec<(String, Entry)> {
            let entry = |e: &Entry| if e.kind == EntryKind::Dir { Entry::directory(0) } else { e.clone() };
            map.iter().map(|(p, e)| (p.clone(), entry(e))).collect()
        };
        prop_assert_eq!(tree.totals("").digest == before.totals("").digest, keyed(&old) == keyed(&new));
        let mut changed = before.changed(&tree);
        changed.sort_unstable();
        let differ: std::collections::BTreeSet<&str> = old.keys().chain(new.keys())
            .filter(|p| old.get(*p) != new.get(*p)).map(String::as_str).collect();
        // A directory of which only the mode is another one may be passed over with all that is below it.
        let is_dir = |map: &BTreeMap<String, Entry>, p: &str| map.get(p).is_some_and(|e| e.kind == EntryKind::Dir);
        let must = differ.iter().copied().filter(|p| !(is_dir(&old, p) && is_dir(&new, p)));
        prop_assert!(changed.iter().all(|p| differ.contains(*p)), "{:?} of {:?}", changed, differ);
        prop_assert!(must.clone().all(|p| changed.contains(&p)), "{:?} of {:?}", changed, differ);
    }
}
