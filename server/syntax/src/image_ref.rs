//! Image references, as FROM, `COPY --from` and a mount's `from=` take them: distribution/reference's
//! `ParseNormalizedNamed`, `FamiliarString` and `TagNameOnly`.
//!
//! Own code and not the oci-spec crate, because that checks the text before it splits off the domain and so accepts, or
//! understands differently, what Docker does not: sixty-four hexadecimal digits pass as a name, an upper-case first
//! element becomes a repository of Docker Hub instead of a domain, an IPv6 domain is refused, an upper-case digest
//! passes, an upper-case repository is only "invalid". It adds `latest` while parsing, so that it cannot be told whether
//! a tag was written, and it has no ranges.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

const DEFAULT_DOMAIN: &str = "docker.io";
const LEGACY_DOMAIN: &str = "index.docker.io";
const OFFICIAL: &str = "library/";
const DEFAULT_TAG: &str = "latest";
/// How long the path of a repository may be, in bytes.
const MAX_PATH: usize = 255;

/// A valid reference in its canonical form, and where its parts stand in the text that was parsed. Ranges are byte
/// ranges in that text, half-open; `None` for a part that was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    /// The registry, `docker.io` if none was written. Empty only for a first element with a dot that is no valid domain
    /// but a valid path element (`my_host.local/app`), which Docker then takes as part of the path.
    pub domain: String,
    /// The repository within the registry; `library/` is added to Docker Hub's official images.
    pub path: String,
    /// The tag, if one was written.
    pub tag: Option<String>,
    /// The digest with its algorithm (`sha256:...`), if one was written.
    pub digest: Option<String>,
    /// Where the domain stands.
    pub domain_range: Option<Range<usize>>,
    /// Where the path stands, without an added `library/`.
    pub path_range: Range<usize>,
    /// Where the tag stands, without its colon.
    pub tag_range: Option<Range<usize>>,
    /// Where the digest stands, without its `@`.
    pub digest_range: Option<Range<usize>>,
}

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRefError {
    /// Sixty-four hexadecimal digits would be mistaken for an image's identifier; the text.
    Identifier(String),
    /// The repository has upper-case letters; the repository as Docker shows it.
    UppercaseRepository(String),
    /// Upper-case letters elsewhere; the reference would be valid without.
    Uppercase,
    /// Not a reference.
    Format,
    /// The path has more than 255 bytes.
    TooLong,
    /// The digest's algorithm is not sha256, sha384 or sha512.
    DigestUnsupported,
    /// The digest has not as many digits as its algorithm needs.
    DigestLength,
    /// The digest has upper-case digits or an ill-formed algorithm.
    DigestFormat,
}

/// Docker's messages.
impl fmt::Display for ImageRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier(text) => {
                write!(f, "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
            }
            Self::UppercaseRepository(name) => {
                write!(f, "invalid reference format: repository name ({name}) must be lowercase")
            }
            Self::Uppercase => f.write_str("repository name must be lowercase"),
            Self::Format => f.write_str("invalid reference format"),
            Self::TooLong => write!(f, "repository name must not be more than {MAX_PATH} characters"),
            Self::DigestUnsupported => f.write_str("unsupported digest algorithm"),
            Self::DigestLength => f.write_str("invalid checksum digest length"),
            Self::DigestFormat => f.write_str("invalid checksum digest format"),
        }
    }
}

impl std::error::Error for ImageRefError {}

/// The grammar: optional domain with port, path, optional tag, optional digest. The digest's grammar is the loose one of
/// references; [`check_digest`] applies the strict one.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
    let host = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])");
    let element = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let algorithm = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*";
    Regex::new(&format!(
        "^(?:(?<domain>{host}(?::[0-9]+)?)/)?(?<path>{element}(?:/{element})*)\
         (?::(?<tag>[0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}}))?(?:@(?<digest>{algorithm}:[0-9A-Fa-f]{{32,}}))?$"
    ))
    .expect("a constant pattern")
});

/// go-digest's own grammar, which decides between a malformed digest and one of an unknown algorithm.
static DIGEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$").expect("a constant pattern")
});

impl ImageRef {
    /// Parses a reference as it is written in a Dockerfile, variables already expanded.
    pub fn parse(text: &str) -> Result<Self, ImageRefError> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9')) {
            return Err(ImageRefError::Identifier(text.to_owned()));
        }
        let (explicit, domain, rest) = split_domain(text);
        let rest_start = text.len() - rest.len();
        let added = if domain == DEFAULT_DOMAIN && !rest.contains('/') { OFFICIAL } else { "" };
        let repository = rest.split(':').next().unwrap_or_default();
        if repository.chars().any(|ch| lower(ch) != ch) {
            return Err(ImageRefError::UppercaseRepository(format!("{added}{repository}")));
        }
        let canonical = format!("{domain}/{added}{rest}");
        let Some(parts) = REFERENCE.captures(&canonical) else {
            let lowered: String = canonical.chars().map(lower).collect();
            let only_case = lowered != canonical && REFERENCE.is_match(&lowered);
            return Err(if only_case { ImageRefError::Uppercase } else { ImageRefError::Format });
        };
        let part = |name| parts.name(name);
        let owned = |name| part(name).map(|part| part.as_str().to_owned());
        let path = part("path").ok_or(ImageRefError::Format)?;
        if path.len() > MAX_PATH {
            return Err(ImageRefError::TooLong);
        }
        if let Some(digest) = part("digest") {
            check_digest(digest.as_str())?;
        }
        // From an offset behind the added text in `canonical` to one in `text`.
        let shift = domain.len() + 1 + added.len();
        let in_text = |at: usize| (at + rest_start).saturating_sub(shift);
        let range = |name| part(name).map(|part| in_text(part.start())..in_text(part.end()));
        let takes_domain = path.start() == 0;
        Ok(Self {
            domain: owned("domain").unwrap_or_default(),
            path: path.as_str().to_owned(),
            tag: owned("tag"),
            digest: owned("digest"),
            domain_range: explicit.filter(|_| !takes_domain).map(|domain| 0..domain.len()),
            path_range: (if takes_domain { 0 } else { rest_start })..in_text(path.end()),
            tag_range: range("tag"),
            digest_range: range("digest"),
        })
    }

    /// Domain and path: `docker.io/library/alpine`.
    pub fn name(&self) -> String {
        if self.domain.is_empty() { self.path.clone() } else { format!("{}/{}", self.domain, self.path) }
    }

    /// The canonical form, with `latest` if neither tag nor digest were written: `docker.io/library/alpine:latest`.
    pub fn normalized(&self) -> String {
        let default = if self.digest.is_none() { Some(DEFAULT_TAG) } else { None };
        with_suffixes(self.name(), self.tag.as_deref().or(default), self.digest.as_deref())
    }

    /// The short form that Docker shows: without `docker.io/` and `library/`, with the tag and digest as written.
    pub fn familiar(&self) -> String {
        let name = if self.domain == DEFAULT_DOMAIN {
            let official = self.path.strip_prefix(OFFICIAL).filter(|rest| !rest.contains('/'));
            official.unwrap_or(&self.path).to_owned()
        } else {
            self.name()
        };
        with_suffixes(name, self.tag.as_deref(), self.digest.as_deref())
    }
}

fn with_suffixes(mut name: String, tag: Option<&str>, digest: Option<&str>) -> String {
    for (sign, suffix) in [(':', tag), ('@', digest)] {
        if let Some(suffix) = suffix {
            name.push(sign);
            name.push_str(suffix);
        }
    }
    name
}

/// The domain as written, if any, the domain that counts, and what follows it. A first element is a domain if it is
/// `localhost`, has a dot, a colon or an upper-case letter.
fn split_domain(text: &str) -> (Option<&str>, &str, &str) {
    match text.split_once('/') {
        Some((LEGACY_DOMAIN, rest)) => (Some(LEGACY_DOMAIN), DEFAULT_DOMAIN, rest),
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.chars().any(|ch| lower(ch) != ch) =>
        {
            (Some(first), first, rest)
        }
        _ => (None, DEFAULT_DOMAIN, text),
    }
}

/// Go's `unicode.ToLower`: one character for one.
fn lower(ch: char) -> char {
    ch.to_lowercase().next().unwrap_or(ch)
}

/// go-digest's `Validate`.
fn check_digest(digest: &str) -> Result<(), ImageRefError> {
    let (algorithm, encoded) = digest.split_once(':').ok_or(ImageRefError::DigestFormat)?;
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ if DIGEST.is_match(digest) => return Err(ImageRefError::DigestUnsupported),
        _ => return Err(ImageRefError::DigestFormat),
    };
    if encoded.len() != digits {
        Err(ImageRefError::DigestLength)
    } else if encoded.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Err(ImageRefError::DigestFormat)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(count: usize) -> String {
        "0123456789abcdef".repeat(count / 16)
    }

    #[test]
    fn canonical_and_familiar() {
        let digest = format!("sha256:{}", hex(64));
        for (text, normalized, familiar) in [
            ("alpine", "docker.io/library/alpine:latest", "alpine"),
            ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
            ("docker.io/alpine", "docker.io/library/alpine:latest", "alpine"),
            ("index.docker.io/alpine", "docker.io/library/alpine:latest", "alpine"),
            ("library/alpine", "docker.io/library/alpine:latest", "alpine"),
            ("library/a/b", "docker.io/library/a/b:latest", "library/a/b"),
            ("bitnami/redis:7", "docker.io/bitnami/redis:7", "bitnami/redis:7"),
            ("ghcr.io/a/b/c:d", "ghcr.io/a/b/c:d", "ghcr.io/a/b/c:d"),
            ("localhost/app", "localhost/app:latest", "localhost/app"),
            ("localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"),
            ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
            ("host:80/app", "host:80/app:latest", "host:80/app"),
            ("Host/app", "Host/app:latest", "Host/app"),
            ("127.0.0.1/app", "127.0.0.1/app:latest", "127.0.0.1/app"),
            ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app"),
            ("example.com", "docker.io/library/example.com:latest", "example.com"),
            ("a__b/c--d.e_f:T-1_", "docker.io/a__b/c--d.e_f:T-1_", "a__b/c--d.e_f:T-1_"),
            ("my_host.local/app:1", "my_host.local/app:1", "my_host.local/app:1"),
        ] {
            let image = ImageRef::parse(text).expect(text);
            assert_eq!(
                (image.normalized().as_str(), image.familiar().as_str()),
                (normalized, familiar),
                "{text}"
            );
        }
        for (text, normalized) in [("alpine", "docker.io/library/alpine"), ("a.b/c:d", "a.b/c:d")] {
            let image = ImageRef::parse(&format!("{text}@{digest}")).expect(text);
            assert_eq!(image.normalized(), format!("{normalized}@{digest}"));
            assert_eq!(image.familiar(), format!("{text}@{digest}"));
        }
    }

    #[test]
    fn ranges() {
        let digest = format!("sha256:{}", hex(64));
        for (domain, path, tag, digest) in [
            (None, "alpine", None, None),
            (None, "alpine", Some("3"), None),
            (None, "a/b", None, Some(&digest)),
            (Some("index.docker.io"), "alpine", Some("3"), Some(&digest)),
            (Some("localhost:5000"), "a/b", Some("x"), None),
            (None, "my_host.local/app", Some("x"), None),
        ] {
            let mut text = domain.map_or(String::new(), |domain| format!("{domain}/"));
            text.push_str(path);
            let text = with_suffixes(text, tag, digest.map(String::as_str));
            let image = ImageRef::parse(&text).expect(&text);
            let slice = |range: Option<Range<usize>>| range.and_then(|range| text.get(range));
            assert_eq!(slice(image.domain_range), domain, "{text}");
            assert_eq!(slice(Some(image.path_range)), Some(path), "{text}");
            assert_eq!(slice(image.tag_range), tag, "{text}");
            assert_eq!(slice(image.digest_range), digest.map(String::as_str), "{text}");
        }
    }

    #[test]
    fn refusals() {
        let upper = |name: &str| ImageRefError::UppercaseRepository(name.to_owned());
        for (text, error) in [
            ("".to_owned(), ImageRefError::Format),
            (":tag".to_owned(), ImageRefError::Format),
            ("a:".to_owned(), ImageRefError::Format),
            ("a b".to_owned(), ImageRefError::Format),
            ("a/".to_owned(), ImageRefError::Format),
            ("/a".to_owned(), ImageRefError::Format),
            ("a//b".to_owned(), ImageRefError::Format),
            ("a_-b".to_owned(), ImageRefError::Format),
            ("-a".to_owned(), ImageRefError::Format),
            ("a:-x".to_owned(), ImageRefError::Format),
            ("https://a.b/c".to_owned(), ImageRefError::Format),
            (format!("a:{}", "x".repeat(129)), ImageRefError::Format),
            ("a@sha256:0123".to_owned(), ImageRefError::Format),
            ("[fe80::1%eth0]/a".to_owned(), ImageRefError::Format),
            ("Alpine".to_owned(), upper("library/Alpine")),
            ("a/B:c".to_owned(), upper("a/B")),
            ("a.b/C".to_owned(), upper("C")),
            ("aK".replace('K', "\u{212a}"), upper("library/a\u{212a}")),
            (hex(64), ImageRefError::Identifier(hex(64))),
            ("a".repeat(256), ImageRefError::TooLong),
            (format!("a@sha256:{}", hex(32)), ImageRefError::DigestLength),
            (format!("a@sha256:{}", hex(64).to_uppercase()), ImageRefError::DigestFormat),
            (format!("a@md5:{}", hex(32)), ImageRefError::DigestUnsupported),
            (format!("a:b@Md5:{}", hex(32)), ImageRefError::DigestFormat),
        ] {
            assert_eq!(ImageRef::parse(&text), Err(error), "{text:?}");
        }
        // `library/` counts.
        assert!(ImageRef::parse(&"a".repeat(255 - OFFICIAL.len())).is_ok());
        assert_eq!(ImageRef::parse(&"a".repeat(256 - OFFICIAL.len())), Err(ImageRefError::TooLong));
        assert!(ImageRef::parse(&hex(64)[1..]).is_ok());
        assert!(ImageRef::parse(&format!("a@sha512:{}", hex(128))).is_ok());
        assert_eq!(
            ImageRef::parse("Alpine").map_err(|error| error.to_string()),
            Err("invalid reference format: repository name (library/Alpine) must be lowercase".to_owned())
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// Ranges give the parts back, and the canonical form is a fixed point.
        #[test]
        fn canonical_is_stable(text in r"([aB1._\[:\]-]{1,4}/){0,2}[ab1._/-]{1,5}(:[aB1.-]{1,3})?(@sha256:0{64})?") {
            if let Ok(image) = ImageRef::parse(&text) {
                let again = ImageRef::parse(&image.normalized()).expect("the canonical form is valid");
                prop_assert_eq!(again.normalized(), image.normalized());
                prop_assert_eq!(text.get(image.path_range.clone()).map(|path| image.path.ends_with(path)), Some(true));
                prop_assert_eq!(image.tag_range.and_then(|range| text.get(range)), image.tag.as_deref());
                prop_assert_eq!(image.digest_range.and_then(|range| text.get(range)), image.digest.as_deref());
                if let Some(range) = image.domain_range {
                    prop_assert_eq!(text.get(range), Some(image.domain.as_str()));
                }
            }
        }
    }
}
