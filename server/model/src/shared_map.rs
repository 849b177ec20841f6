//! A map from names to values that is cheap to keep in many versions: a copy shares everything with its original, and a
//! change copies only the path to what it changes.
//!
//! Every instruction remembers the state that it found. With plain vectors, a file of n ENV lines would need memory and time
//! that grow with the square of n.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// How many bits of a name's hash one level of the tree looks at.
const BITS: u32 = 4;

/// A map with an order: that in which the names were last inserted. Copies are cheap.
#[derive(Clone, Debug)]
pub struct SharedMap<V> {
    root: Option<Arc<Node<V>>>,
    len: usize,
    next: u64,
}

#[derive(Clone, Debug)]
enum Node<V> {
    /// Entries of one hash: but for collisions, one.
    Leaf(u64, Vec<Entry<V>>),
    Branch([Option<Arc<Node<V>>>; 1 << BITS]),
}

#[derive(Clone, Debug)]
struct Entry<V> {
    name: Arc<str>,
    value: V,
    /// Its place in the order.
    place: u64,
}

impl<V> Default for SharedMap<V> {
    fn default() -> SharedMap<V> {
        SharedMap { root: None, len: 0, next: 0 }
    }
}

impl<V: PartialEq> PartialEq for SharedMap<V> {
    fn eq(&self, other: &SharedMap<V>) -> bool {
        self.is_same(other) || (self.len == other.len && self.iter().eq(other.iter()))
    }
}

impl<V: Eq> Eq for SharedMap<V> {}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The branch that a hash takes on a level.
fn branch(hash: u64, level: u32) -> usize {
    (hash >> (level * BITS)) as usize & ((1 << BITS) - 1)
}

impl<V> SharedMap<V> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        let hash = hash(name);
        let mut node = self.root.as_ref()?;
        for level in 0.. {
            match node.as_ref() {
                Node::Leaf(h, entries) => {
                    let entry = entries.iter().filter(|_| *h == hash).find(|e| *e.name == *name)?;
                    return Some(&entry.value);
                }
                Node::Branch(nodes) => node = nodes[branch(hash, level)].as_ref()?,
            }
        }
        None
    }

    /// Whether there is such a name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        let mut entries: Vec<&Entry<V>> = Vec::with_capacity(self.len);
        let mut open: Vec<&Node<V>> = self.root.as_deref().into_iter().collect();
        while let Some(node) = open.pop() {
            match node {
                Node::Leaf(_, found) => entries.extend(found),
                Node::Branch(nodes) => open.extend(nodes.iter().flatten().map(Arc::as_ref)),
            }
        }
        entries.sort_unstable_by_key(|entry| entry.place);
        entries.into_iter().map(|entry| (entry.name.as_ref(), &entry.value))
    }

    /// Whether two maps are the same object, and so equal without a look.
    pub fn is_same(&self, other: &SharedMap<V>) -> bool {
        match (&self.root, &other.root) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

impl<V: Clone> SharedMap<V> {
    /// Sets a name's value and moves it to the end.
    pub fn insert(&mut self, name: &str, value: V) {
        self.put(name, value, false);
    }

    /// Sets a name's value; one that was there keeps its place.
    pub fn replace(&mut self, name: &str, value: V) {
        self.put(name, value, true);
    }

    fn put(&mut self, name: &str, value: V, keep_place: bool) {
        let entry = Entry { name: name.into(), value, place: self.next };
        self.next += 1;
        match &mut self.root {
            Some(root) => self.len += usize::from(put(root, hash(name), 0, entry, keep_place)),
            None => {
                self.root = Some(Arc::new(Node::Leaf(hash(name), vec![entry])));
                self.len = 1;
            }
        }
    }
}

/// Puts an entry below `node` and says whether its name is new. At most sixteen levels deep.
fn put<V: Clone>(
    node: &mut Arc<Node<V>>,
    hash: u64,
    level: u32,
    mut entry: Entry<V>,
    keep_place: bool,
) -> bool {
    if let Node::Leaf(other, _) = node.as_ref()
        && *other != hash
    {
        // Two hashes share the way down to here.
        let mut nodes = [const { None }; 1 << BITS];
        nodes[branch(*other, level)] = Some(Arc::clone(node));
        *node = Arc::new(Node::Branch(nodes));
    }
    match Arc::make_mut(node) {
        Node::Leaf(_, entries) => match entries.iter_mut().find(|e| e.name == entry.name) {
            Some(old) => {
                if keep_place {
                    entry.place = old.place;
                }
                *old = entry;
                false
            }
            None => {
                entries.push(entry);
                true
            }
        },
        Node::Branch(nodes) => match &mut nodes[branch(hash, level)] {
            Some(below) => put(below, hash, level + 1, entry, keep_place),
            empty => {
                *empty = Some(Arc::new(Node::Leaf(hash, vec![entry])));
                true
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::SharedMap;

    fn names(map: &SharedMap<u32>) -> Vec<(String, u32)> {
        map.iter().map(|(n, v)| (n.to_owned(), *v)).collect()
    }

    #[test]
    fn order_and_sharing() {
        let mut map = SharedMap::default();
        for (name, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] {
            map.insert(name, value);
        }
        let before = map.clone();
        assert!(map.is_same(&before));
        map.replace("b", 5);
        map.replace("d", 6);
        assert_eq!(names(&before), [("b".into(), 2), ("c".into(), 3), ("a".into(), 4)]);
        assert_eq!(names(&map), [("b".into(), 5), ("c".into(), 3), ("a".into(), 4), ("d".into(), 6)]);
        assert_ne!(map, before);
        assert_eq!((map.get("a"), map.get("x"), map.len()), (Some(&4), None, 4));
        let mut same = before.clone();
        same.replace("b", 2);
        assert!(same == before && !same.is_same(&before));
    }

    #[test]
    fn many_names_against_a_plain_list() {
        let mut map = SharedMap::default();
        let mut plain: Vec<(String, u32)> = Vec::new();
        let mut seed = 7u32;
        for value in 0..5000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let name = format!("N{}", (seed >> 16) % 700);
            if seed & 1 == 0 {
                map.insert(&name, value);
                plain.retain(|(n, _)| *n != name);
                plain.push((name, value));
            } else {
                map.replace(&name, value);
                match plain.iter_mut().find(|(n, _)| *n == name) {
                    Some((_, v)) => *v = value,
                    None => plain.push((name, value)),
                }
            }
        }
        assert_eq!(names(&map), plain);
        assert_eq!(map.len(), plain.len());
        assert!(plain.iter().all(|(n, v)| map.get(n) == Some(v)));
    }
}
