//! What is known of base images: how big they are, and what is in them.
//!
//! The table is `data/base-images.json`; each row names where its figures come from. An image that is not in it has no
//! figures: none are made up.

use std::sync::LazyLock;

use layerwise_model::gopath::go_match;
use layerwise_syntax::image_ref::ImageRef;
use serde::Deserialize;

/// A row of the table: one image for some of its tags, for linux/amd64.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BaseImage {
    /// The image's name as Docker shows it (`node`, `gcr.io/distroless/static`).
    pub image: String,
    /// The tags that the row is for; `*` stands for anything. The first row that fits counts.
    pub tags: Vec<String>,
    /// Megabytes (10^6 bytes) unpacked, as `docker images` shows them.
    pub mb: f64,
    /// Megabytes that a pull transfers, where they are known.
    #[serde(default)]
    pub wire_mb: Option<f64>,
    /// Its package manager: `apt`, `apk`, `dnf`, ...; `None` if it has none.
    #[serde(default)]
    pub manager: Option<String>,
    /// `glibc` or `musl`; `None` if it has none.
    #[serde(default)]
    pub libc: Option<String>,
    /// What `/bin/sh` is; `None` if it has none.
    #[serde(default)]
    pub shell: Option<String>,
    /// Where the figures come from.
    pub source: String,
}

impl BaseImage {
    /// Bytes unpacked.
    pub fn bytes(&self) -> f64 {
        self.mb * 1e6
    }

    /// Bytes that a pull transfers; where that is not known, those unpacked over [`PACKING`].
    pub fn wire_bytes(&self) -> f64 {
        self.wire_mb.map_or(self.mb / PACKING, |mb| mb) * 1e6
    }
}

/// How much smaller layers are on the wire than unpacked: the median of the table's rows that give both (a test holds it
/// there).
pub const PACKING: f64 = 2.7;

static TABLE: LazyLock<Vec<BaseImage>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/base-images.json")).unwrap_or_default());

/// The rows.
pub fn table() -> &'static [BaseImage] {
    &TABLE
}

/// What is known of an image, by its reference as written or normalized. One that is named by a digest alone is not known:
/// the digest does not say which tag it was.
pub fn lookup(reference: &str) -> Option<&'static BaseImage> {
    let parsed = ImageRef::parse(reference).ok()?;
    let tag = match (&parsed.tag, &parsed.digest) {
        (Some(tag), _) => tag.as_str(),
        (None, None) => "latest",
        (None, Some(_)) => return None,
    };
    let name = ImageRef { tag: None, digest: None, ..parsed.clone() }.familiar();
    let fits = |pattern: &String| go_match(pattern, tag).unwrap_or(false);
    TABLE.iter().find(|row| row.image == name && row.tags.iter().any(fits))
}
