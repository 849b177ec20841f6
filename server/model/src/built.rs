//! A build that ran, kept so that a later one can be compared with it, in another process too.

use std::collections::{BTreeMap, BTreeSet};

use blake3::Hasher;
use layerwise_syntax::Parsed;
use serde::{Deserialize, Serialize};

use crate::context::{Content, Context, Entry, EntryKind};
use crate::eval::Evaluation;
use crate::file::File;
use crate::graph::{Graph, Input, Kind};
use crate::learnt::hex;
use crate::options::Options;
use crate::platform::Platform;
use crate::selection::{Key, field};

/// Contexts with more entries are not kept: a build is then known by its keys alone.
pub const MAX_ENTRIES: usize = 50_000;

/// A vertex of a build that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The key of its definition.
    #[serde(with = "hex")]
    pub digest: Key,
    /// Its inputs; indexes are of rows above this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<RowInput>,
    /// The reference, if it is a base image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether a cache exported with mode=min has its result: it is a layer of the image that was built.
    #[serde(default)]
    pub exported: bool,
}

/// An input of a row: as [`Input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowInput {
    /// The result of a row.
    Result(usize),
    /// Files in the result of a row.
    Files(usize, #[serde(with = "hex")] Key),
    /// Known content.
    Content(#[serde(with = "hex")] Key),
}

/// The vertices of a build.
pub fn rows(graph: &Graph, eval: &Evaluation) -> Vec<Row> {
    let exported = exported(graph, eval);
    let row = |(index, vertex): (usize, &crate::graph::Vertex)| Row {
        digest: vertex.digest,
        inputs: vertex
            .inputs
            .iter()
            .map(|input| match *input {
                Input::Result(source) => RowInput::Result(source),
                Input::Files(source, files) => RowInput::Files(source, files),
                Input::Content(content) => RowInput::Content(content),
            })
            .collect(),
        image: match &vertex.kind {
            Kind::Image(reference) => Some(reference.clone()),
            _ => None,
        },
        exported: exported.contains(&index),
    };
    graph.vertices.iter().enumerate().map(row).collect()
}

/// The vertices whose results are layers of the image that is built. `--cache-to mode=min` exports these and no others.
fn exported(graph: &Graph, eval: &Evaluation) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> =
        eval.target.and_then(|t| graph.ends.get(t).copied().flatten()).into_iter().collect();
    while let Some(index) = open.pop() {
        if found.insert(index) {
            open.extend(graph.vertices[index].inputs.iter().filter_map(|input| match input {
                Input::Result(source) => Some(*source),
                _ => None,
            }));
        }
    }
    found
}

/// A build that ran, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Built {
    /// Its vertices.
    pub rows: Vec<Row>,
    /// The text of its Dockerfile, so that causes can be named; `None` for an older build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// `--target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `--platform`.
    #[serde(default)]
    pub platform: String,
    /// A hash of each build argument's value: the values themselves may be secrets.
    #[serde(default)]
    pub build_args: BTreeMap<String, String>,
    /// The context's entries by their paths; `None` if there were too many, and for an older build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<BTreeMap<String, BuiltEntry>>,
}

/// One entry of the context of a build that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltEntry {
    /// `f`, `d`, `l` or `o`, for file, directory, link and other.
    #[serde(rename = "k")]
    kind: char,
    #[serde(rename = "m")]
    mode: u32,
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    size: u64,
    /// The hash of a file's bytes; absent if it was not read.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Built {
    /// What is kept of a build. Files of the context that were not read will count as changed later.
    pub fn of(
        file: &File,
        eval: &Evaluation,
        graph: &Graph,
        options: &Options,
        context: Option<&Context>,
    ) -> Built {
        let entries = context.filter(|c| c.incomplete.is_none() && c.entries.len() <= MAX_ENTRIES).map(|c| {
            c.entries.iter().map(|(path, entry)| (path.to_owned(), BuiltEntry::of(entry))).collect()
        });
        let hashed =
            options.build_args.iter().map(|(name, value)| (name.clone(), argument_hash(name, value)));
        Built {
            rows: rows(graph, eval),
            dockerfile: Some(file.parsed().text().to_string()),
            target: options.target.clone(),
            platform: options.platform.format_all(),
            build_args: hashed.collect(),
            entries,
        }
    }

    /// The same without what only the last build needs.
    #[must_use]
    pub fn keys_only(&self) -> Built {
        Built { dockerfile: None, entries: None, ..self.clone() }
    }

    /// The Dockerfile of the build.
    pub fn file(&self) -> Option<File> {
        self.dockerfile.as_deref().map(|text| File::new(Parsed::new(text)))
    }

    /// The options of the build, as far as they are known: what is not kept is that of `now`. A build argument that had
    /// another value has one that no build has.
    pub fn options(&self, now: &Options) -> Options {
        let value = |name: &String, hash: &String| match now.build_args.get(name) {
            Some(value) if argument_hash(name, value) == *hash => value.clone(),
            _ => hash.clone(),
        };
        Options {
            target: self.target.clone(),
            platform: Platform::parse(&self.platform).unwrap_or_else(|_| now.platform.clone()),
            build_args: self
                .build_args
                .iter()
                .map(|(name, hash)| (name.clone(), value(name, hash)))
                .collect(),
            ..now.clone()
        }
    }

    /// The build context, if it was kept. `now` lends its name and its patterns.
    pub fn context(&self, now: &Context) -> Option<Context> {
        let mut context = Context { entries: crate::Tree::new(), incomplete: None, ..now.clone() };
        for (number, (path, entry)) in self.entries.as_ref()?.iter().enumerate() {
            context.entries.insert(path, entry.entry(number as u64)?);
        }
        Some(context)
    }

    /// Whether a file of the context may have the bytes that it had in the build: only then is it worth reading.
    pub fn may_be_same(&self, path: &str, entry: &Entry) -> bool {
        let Some(entries) = &self.entries else { return true };
        entries.get(path).is_some_and(|e| e.size == entry.size && e.hash.is_some())
    }
}

impl BuiltEntry {
    fn of(entry: &Entry) -> BuiltEntry {
        let is_file = entry.kind == EntryKind::File;
        BuiltEntry {
            kind: match entry.kind {
                EntryKind::File => 'f',
                EntryKind::Dir => 'd',
                EntryKind::Symlink => 'l',
                EntryKind::Other => 'o',
            },
            mode: entry.mode,
            size: entry.size,
            hash: match &entry.content {
                Content::Hash(hash) if is_file => Some(hex::text(hash)),
                _ => None,
            },
            link: entry.link.as_deref().map(str::to_owned),
        }
    }

    /// The entry; `None` if what was stored is damaged. `number` tells files that were not read apart.
    fn entry(&self, number: u64) -> Option<Entry> {
        let kind = match self.kind {
            'f' => EntryKind::File,
            'd' => EntryKind::Dir,
            'l' => EntryKind::Symlink,
            'o' => EntryKind::Other,
            _ => return None,
        };
        let content = match (&self.hash, kind) {
            (Some(hash), EntryKind::File) => Content::Hash(hex::key(hash)?),
            // Far from the numbers of the indexes that are read from the disk.
            (None, EntryKind::File) => Content::Unread(u64::MAX - number),
            _ => Content::nothing(),
        };
        let link = self.link.as_deref().map(Into::into);
        Some(Entry { kind, mode: self.mode, size: self.size, content, link })
    }
}

fn argument_hash(name: &str, value: &str) -> String {
    let mut hasher = Hasher::new();
    field(&mut hasher, b"build argument");
    field(&mut hasher, name.as_bytes());
    field(&mut hasher, value.as_bytes());
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Contexts, graph};
    use crate::images::WellKnown;
    use crate::{Tree, evaluate};

    fn file(content: u8) -> Entry {
        let content = Content::Hash([content; 32]);
        Entry { kind: EntryKind::File, mode: 0o644, size: 3, content, link: None }
    }

    #[test]
    fn what_is_kept_gives_the_same_keys() {
        let mut entries = Tree::new();
        entries.insert("src/a", file(1));
        let unread = Entry { content: Content::Unread(7), ..file(0) };
        entries.insert("src/b", unread.clone());
        let link = Entry {
            kind: EntryKind::Symlink,
            link: Some("a".into()),
            content: Content::nothing(),
            ..file(0)
        };
        entries.insert("src/c", link);
        let context = Context { entries, ..Context::default() };
        let mut options = Options::default();
        options.build_args.insert("TOKEN".to_owned(), "secret".to_owned());
        let text = "FROM alpine AS a\nARG TOKEN\nCOPY src/a /a\nRUN x\nFROM alpine\nCOPY --from=a /a /a\n";
        let file = File::new(Parsed::new(text));
        let eval = evaluate(&file, &options, &WellKnown);
        let first = graph(&file, &eval, &options, Contexts { main: Some(&context), named: None });
        let built = Built::of(&file, &eval, &first, &options, Some(&context));
        let stored = serde_json::to_string(&built).expect("JSON");
        assert!(!stored.contains("secret"), "{stored}");
        let built: Built = serde_json::from_str(&stored).expect("what was written");
        assert_eq!(built.rows, rows(&first, &eval));

        let (again, old) = (built.file().expect("a file"), built.context(&context).expect("a context"));
        let then = built.options(&options);
        assert_eq!(then, options);
        let eval = evaluate(&again, &then, &WellKnown);
        let second = graph(&again, &eval, &then, Contexts { main: Some(&old), named: None });
        assert_eq!(rows(&second, &eval), built.rows);
        assert!(built.may_be_same("src/a", &super::tests::file(9)));
        assert!(!built.may_be_same("src/b", &unread), "it was not read then");
        assert!(!built.may_be_same("src/none", &unread));
    }

    #[test]
    fn another_value_is_another_value() {
        let mut options = Options::default();
        options.build_args.insert("A".to_owned(), "1".to_owned());
        let file = File::new(Parsed::new("FROM alpine\nARG A\nRUN x\n"));
        let eval = evaluate(&file, &options, &WellKnown);
        let built = Built::of(&file, &eval, &Graph::default(), &options, None);
        options.build_args.insert("A".to_owned(), "2".to_owned());
        assert_ne!(built.options(&options).build_args["A"], "2");
        assert!(built.context(&Context::default()).is_none());
    }
}
