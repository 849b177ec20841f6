//! What the workspace's tests share; the tests that need more than one crate are in `tests/tests`.

use std::path::PathBuf;

/// The reference material beside the checkout (`../shared`, or `LAYERWISE_SHARED`); says loudly when it is not there.
pub fn shared() -> Option<PathBuf> {
    let dir = match std::env::var_os("LAYERWISE_SHARED") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    if dir.join("cases").is_dir() {
        return Some(dir);
    }
    println!("SKIPPED: no ../shared (set LAYERWISE_SHARED to the reference material)");
    None
}

/// The hash that contexts use for content.
pub fn hash(bytes: &[u8]) -> blake3::Hash {
    blake3::hash(bytes)
}
