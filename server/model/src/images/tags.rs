//! What the names of images say about whether two of them can be one image.
//!
//! A name says little: `docker tag` gives any name to any image, and a registry does the same with each release. Only the
//! tags of Docker's official images follow a scheme that is known well enough to tell two of them apart.

use super::official;

/// Pairs of words that never stand for one image: `8-jre` and `8-jdk`, `8-fpm` and `8-cli`.
const APART: [&[&str]; 3] = [&["jdk", "jre"], &["apache", "cli", "fpm", "zts"], &["alpine", "slim"]];

/// Images of programming languages whose tag without `slim` or `alpine` is made from a full Debian.
const FULL: [&str; 14] = [
    "elixir", "erlang", "gcc", "golang", "haskell", "julia", "node", "openjdk", "perl", "php", "python",
    "ruby", "rust", "debian",
];

/// Releases of Debian and Ubuntu by their names.
const SUITES: [&str; 16] = [
    "bionic", "bookworm", "bullseye", "buster", "focal", "forky", "jammy", "jessie", "noble", "resolute",
    "stretch", "trixie", "trusty", "wheezy", "xenial", "questing",
];

/// Whether two normalized references (`docker.io/library/node:22`) certainly stand for images with other layers: other ones of
/// Docker's official images, or tags of one of them with other versions, other distributions or other variants.
///
/// Anything else may be one image under two names, also where both have a digest: what the cache compares is the layers, and
/// two images with other configurations can have the same (the oracle's cases `base-other-cmd` and `base-other-label`).
pub fn certainly_apart(one: &str, other: &str) -> bool {
    if one.contains('@') || other.contains('@') {
        return false;
    }
    let ((one, one_tag), (other, other_tag)) = (split(one), split(other));
    official(one) && official(other) && (one != other || tags_apart(one, one_tag, other_tag))
}

fn split(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

fn tags_apart(repository: &str, one: &str, other: &str) -> bool {
    let (one, other) = (Tag::of(one), Tag::of(other));
    let versions = |one: &Option<Vec<u64>>, other: &Option<Vec<u64>>| match (one, other) {
        (Some(one), Some(other)) => one.iter().zip(other).any(|(a, b)| a != b),
        _ => false,
    };
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let small = |tag: &Tag<'_>| tag.words.contains(&"slim") || tag.alpine.is_some();
    // `latest`, `lts` and the like may stand for any variant's tag without saying so; a version or a suite does not.
    let plain = |tag: &Tag<'_>| !small(tag) && (tag.version.is_some() || tag.suite.is_some());
    versions(&one.version, &other.version)
        || versions(&one.alpine, &other.alpine)
        || matches!((one.suite, other.suite), (Some(a), Some(b)) if a != b)
        || (one.suite.is_some() && other.alpine.is_some())
        || (other.suite.is_some() && one.alpine.is_some())
        || APART.iter().any(|group| {
            let of = |tag: &Tag<'_>| group.iter().position(|word| tag.words.contains(word));
            matches!((of(&one), of(&other)), (Some(a), Some(b)) if a != b)
        })
        || (FULL.contains(&name) && ((small(&one) && plain(&other)) || (plain(&one) && small(&other))))
}

/// What a tag such as `3.12-slim-bookworm` says.
struct Tag<'a> {
    /// The numbers that it starts with.
    version: Option<Vec<u64>>,
    /// The numbers behind `alpine`; none for any.
    alpine: Option<Vec<u64>>,
    suite: Option<&'a str>,
    /// Its words; `alpine` without its version.
    words: Vec<&'a str>,
}

impl<'a> Tag<'a> {
    fn of(tag: &'a str) -> Tag<'a> {
        let mut found = Tag { version: None, alpine: None, suite: None, words: Vec::new() };
        for (place, word) in tag.split('-').enumerate() {
            if let Some(version) = word.strip_prefix("alpine") {
                found.alpine = Some(numbers(version).unwrap_or_default());
                found.words.push("alpine");
                continue;
            }
            if place == 0 {
                found.version = numbers(word.strip_prefix('v').unwrap_or(word));
            }
            if SUITES.contains(&word) {
                found.suite = Some(word);
            }
            found.words.push(word);
        }
        found
    }
}

/// The dotted numbers that a text starts with; those that do not end at a dot or at the end are left out (`8u171`, `3rc1`).
fn numbers(text: &str) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    for part in text.split('.') {
        let Ok(number) = part.parse() else { break };
        found.push(number);
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(one: &str, other: &str) -> bool {
        let full = |name: &str| {
            if name.contains('/') { name.to_owned() } else { format!("docker.io/library/{name}") }
        };
        let (one, other) = (full(one), full(other));
        assert_eq!(certainly_apart(&one, &other), certainly_apart(&other, &one), "{one} {other}");
        certainly_apart(&one, &other)
    }

    #[test]
    fn versions_and_variants() {
        for (one, other) in [
            ("node:20", "node:22"),
            ("node:22.1", "node:22.2.0"),
            ("golang:1.22-alpine3.19", "golang:1.22-alpine3.20"),
            ("python:3.12-slim", "python:3.12"),
            ("python:3.12-slim-bookworm", "python:3.12-slim-trixie"),
            ("python:3.12-alpine", "python:3.12-bookworm"),
            ("python:3.12-alpine", "python:3.12-slim"),
            ("eclipse-temurin:21-jre", "eclipse-temurin:21-jdk"),
            ("php:8.3-fpm", "php:8.3-apache"),
            ("debian:bookworm", "debian:trixie"),
            ("alpine:3.20", "debian:12"),
        ] {
            assert!(apart(one, other), "{one} {other}");
        }
    }

    #[test]
    fn what_may_be_one_image() {
        for (one, other) in [
            ("node:22", "node:22.11"),
            ("node:22", "node:lts"),
            ("node:22", "node:22-bookworm"),
            ("node:lts", "node:alpine"),
            ("debian:12", "debian:bookworm"),
            ("docker:27", "docker:27-alpine3.20"),
            ("nginx:1.27", "nginx:1.27-alpine"),
            ("python:3.12-slim", "python:3.12-slim-bookworm"),
            ("openjdk:8u171", "openjdk:8u181"),
            ("busybox:latest", "busybox:other"),
            ("example.com/team/base:1", "example.com/team/base:2"),
            ("docker.io/library/layerwise-own:1", "docker.io/library/layerwise-own:2"),
            ("node:22", "mirror.example.com/library/node:20"),
            ("node:22", "node:22@sha256:00"),
            ("node:20@sha256:00", "node:22@sha256:11"),
        ] {
            assert!(!apart(one, other), "{one} {other}");
        }
    }
}
