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
pub const PACKING: f64 = 2.5;

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
    // Images for Windows share names and tags with those for Linux, and nothing else.
    if tag.contains("windows") || tag.contains("nanoserver") {
        return None;
    }
    let name = ImageRef { tag: None, digest: None, ..parsed.clone() }.familiar();
    let fits = |pattern: &String| go_match(pattern, tag).unwrap_or(false);
    TABLE.iter().find(|row| row.image == name && row.tags.iter().any(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_says_where_it_is_from() {
        assert!(table().len() > 30, "the table cannot be read");
        for row in table() {
            assert!(!row.source.is_empty() && row.mb > 0.0 && !row.tags.is_empty(), "{row:?}");
            assert!(row.wire_mb.is_none_or(|wire| wire < row.mb), "{row:?}");
            assert_eq!(row.manager.as_deref() == Some("apk"), row.libc.as_deref() == Some("musl"), "{row:?}");
            for tag in &row.tags {
                assert!(go_match(tag, "x").is_ok(), "{tag}");
            }
        }
    }

    #[test]
    fn layers_are_packed_as_much_as_the_table_says() {
        let mut found: Vec<f64> = table().iter().filter_map(|r| Some(r.mb / r.wire_mb?)).collect();
        found.sort_by(f64::total_cmp);
        let median = (found[(found.len() - 1) / 2] + found[found.len() / 2]) / 2.0;
        assert!((median - PACKING).abs() < 0.1, "{median}");
    }

    #[test]
    fn images_are_found_by_name_and_tag() {
        let cases = [
            ("ubuntu:24.04", Some(78.0)),
            ("ubuntu", Some(78.0)),
            ("docker.io/library/debian:bookworm-slim", Some(52.0)),
            (
                "debian:bookworm-20260713-slim@sha256:0123456789012345678901234567890123456789012345678901234567890123",
                Some(52.0),
            ),
            ("alpine:3.20", Some(7.8)),
            ("node:22", Some(1130.0)),
            ("node:lts-alpine3.20", Some(168.0)),
            ("node:22-bookworm-slim", Some(227.0)),
            ("python:3.12-slim", Some(124.0)),
            ("gcr.io/distroless/static-debian12:nonroot", Some(2.5)),
            ("gcr.io/distroless/static-debian12:debug", None),
            ("golang:1.22-windowsservercore", None),
            ("node@sha256:0123456789012345678901234567890123456789012345678901234567890123", None),
            ("example.com/node:22", None),
            ("someone/node:22", None),
            ("no such image", None),
        ];
        for (reference, mb) in cases {
            assert_eq!(lookup(reference).map(|row| row.mb), mb, "{reference}");
        }
    }
}
