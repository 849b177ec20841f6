//! `docker buildx history export`: a packed archive (gzip, tar) with an OCI layout, in which each build record has its log.

use std::collections::HashMap;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// The media type of a log in a build record.
const STATUS: &str = "application/vnd.buildkit.status.v0";

/// The most bytes that are unpacked.
const MAX_UNPACKED: u64 = 512 << 20;

/// The biggest file that is taken for a manifest.
const MAX_MANIFEST: usize = 1 << 20;

/// The most files of an archive that are looked at.
const MAX_FILES: usize = 10_000;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
}

/// Whether bytes begin like a packed archive.
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The logs of the build records of an export, as they are stored. None if it is another archive.
///
/// # Errors
/// If it cannot be unpacked, or is too big.
pub fn logs(bytes: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let unpacked = MultiGzDecoder::new(bytes).take(MAX_UNPACKED);
    let mut archive = tar::Archive::new(unpacked);
    let mut blobs: HashMap<String, Vec<u8>> = HashMap::new();
    let mut wanted: Vec<String> = Vec::new();
    for entry in archive.entries()?.take(MAX_FILES) {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let Some(name) = path.trim_start_matches("./").strip_prefix("blobs/") else { continue };
        let digest = name.replace('/', ":");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if bytes.len() <= MAX_MANIFEST
            && let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes)
        {
            let logs = manifest.layers.into_iter().filter(|layer| layer.media_type == STATUS);
            wanted.extend(logs.map(|layer| layer.digest));
        }
        blobs.insert(digest, bytes);
    }
    Ok(wanted.iter().filter_map(|digest| blobs.remove(digest)).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append_data(&mut header, path, *bytes).expect("appended");
        }
        builder.into_inner().and_then(GzEncoder::finish).expect("packed")
    }

    #[test]
    fn the_log_is_found_by_its_media_type() {
        let manifest =
            br#"{"schemaVersion":2,"layers":[{"mediaType":"application/json","digest":"sha256:aa","size":1},
            {"mediaType":"application/vnd.buildkit.status.v0","digest":"sha256:bb","size":3}]}"#;
        let bytes = packed(&[
            ("oci-layout", b"{}"),
            ("blobs/sha256/aa", b"{}"),
            ("blobs/sha256/bb", b"log"),
            ("blobs/sha256/cc", manifest),
        ]);
        assert!(is_packed(&bytes));
        assert_eq!(logs(&bytes).expect("an archive"), [b"log"]);
        assert!(logs(&bytes[..bytes.len() / 2]).is_err(), "cut");
    }

    #[test]
    fn other_archives_have_none() {
        assert!(logs(&packed(&[("a", b"b")])).expect("an archive").is_empty());
        let mut plain = GzEncoder::new(Vec::new(), Compression::fast());
        plain.write_all(b"no archive").expect("written");
        assert!(logs(&plain.finish().expect("packed")).is_err());
        assert!(!is_packed(b"#1 [internal]"));
    }
}
