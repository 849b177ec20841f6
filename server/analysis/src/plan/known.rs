//! What the cache holds: the vertices of the builds that are known to have run.
//!
//! Vertices of several builds are one table, equal ones once, so that a branch that was built before, or a revert, is seen
//! as the cache hit that it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layerwise_model::Evaluation;
use layerwise_model::built::{Row, RowInput, rows};
use layerwise_model::graph::{Graph, Kind};
use layerwise_model::selection::Key;

/// How many vertices are kept at most; a build of a person's Dockerfile has tens.
const MAX_ROWS: usize = 200_000;

/// The vertices of the builds that the cache holds.
#[derive(Clone, Debug, Default)]
pub struct Known {
    rows: Vec<Row>,
    by_digest: HashMap<Key, Vec<usize>>,
    images: BTreeSet<usize>,
}

impl Known {
    /// The vertices of one build.
    pub fn of(graph: &Graph, eval: &Evaluation) -> Known {
        let mut known = Known::default();
        known.add(graph, eval);
        known
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, to be kept somewhere; [`Known::extend`] takes them back.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds the vertices of a build that ran.
    pub fn add(&mut self, graph: &Graph, eval: &Evaluation) {
        self.extend(&rows(graph, eval));
    }

    /// Adds rows that were kept. Rows that refer to what is not above them are damaged, and end what is taken.
    pub fn extend(&mut self, rows: &[Row]) {
        let mut at: Vec<usize> = Vec::with_capacity(rows.len().min(MAX_ROWS));
        for row in rows.iter().take(MAX_ROWS) {
            let inputs = row.inputs.iter().map(|input| {
                Some(match *input {
                    RowInput::Result(source) => RowInput::Result(*at.get(source)?),
                    RowInput::Files(source, files) => RowInput::Files(*at.get(source)?, files),
                    RowInput::Content(content) => RowInput::Content(content),
                })
            });
            let Some(inputs) = inputs.collect::<Option<Vec<_>>>() else { return };
            at.push(self.push(Row { inputs, ..row.clone() }));
        }
    }

    fn push(&mut self, row: Row) -> usize {
        let same = self.by_digest.entry(row.digest).or_default();
        if let Some(&found) = same.iter().find(|&&i| self.rows[i].inputs == row.inputs) {
            self.rows[found].exported |= row.exported;
            return found;
        }
        let index = self.rows.len();
        same.push(index);
        if row.image.is_some() {
            self.images.insert(index);
        }
        self.rows.push(row);
        index
    }

    /// The rows with this definition.
    pub(super) fn with_digest(&self, digest: &Key) -> &[usize] {
        self.by_digest.get(digest).map_or(&[], Vec::as_slice)
    }

    pub(super) fn row(&self, index: usize) -> &Row {
        &self.rows[index]
    }

    /// The rows that are base images.
    pub(super) fn images(&self) -> impl Iterator<Item = (usize, &str)> {
        self.images.iter().filter_map(|&i| Some((i, self.rows[i].image.as_deref()?)))
    }
}

/// What is in the cache of the machine that builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contents {
    /// What the known builds left on this machine.
    #[default]
    Local,
    /// What the known builds exported with mode=min (the default of `--cache-to`, and the only mode of inline caches): the
    /// layers of the image, not those of other stages.
    Min,
    /// What the known builds exported with mode=max: the layers of all stages.
    Max,
    /// Nothing: an ephemeral runner without an imported cache.
    Nothing,
}

impl Contents {
    /// The name in settings, flags and JSON: `local`, `min`, `max`, `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Contents::Local => "local",
            Contents::Min => "min",
            Contents::Max => "max",
            Contents::Nothing => "none",
        }
    }

    /// Reads a name; the error says which there are.
    pub fn parse(text: &str) -> Result<Contents, String> {
        [Contents::Local, Contents::Min, Contents::Max, Contents::Nothing]
            .into_iter()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| format!("`{text}`: write local, min, max or none"))
    }
}

/// What is known of things off this machine: which may have moved since the build before (a tag, what a URL serves, a git
/// ref), and which images have the same layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// All of them, as after `docker build --pull`.
    pub all: bool,
    /// These: image references and URLs as the Dockerfile has them or as BuildKit normalizes them.
    pub names: BTreeSet<String>,
    /// The layers of images, by normalized reference, where an engine was asked: equal texts are equal layers. What is not in
    /// it is not known.
    pub layers: BTreeMap<String, String>,
}

impl Moved {
    /// Whether what a vertex stands for may have moved.
    pub fn holds(&self, kind: &Kind) -> bool {
        match kind {
            // A digest cannot move.
            Kind::Image(reference) => !reference.contains('@') && (self.all || self.names_image(reference)),
            Kind::Http(url) | Kind::Git(url) => self.all || self.names.contains(url),
            _ => false,
        }
    }

    fn names_image(&self, reference: &str) -> bool {
        self.names.iter().any(|name| {
            let tagged = if name.rsplit('/').next().is_some_and(|n| n.contains(':')) {
                name.clone()
            } else {
                format!("{name}:latest")
            };
            [&tagged, &format!("docker.io/{tagged}"), &format!("docker.io/library/{tagged}")]
                .into_iter()
                .any(|full| full == reference)
        })
    }
}
