//! Git LFS: what a file holds, as the pointer in its place in the repository says.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::fs::{ContextFs, Links, OsFs};

/// What a pointer says (Git LFS, docs/spec.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// SHA-256 of the bytes.
    sha256: [u8; 32],
    pub(super) size: u64,
}

impl Pointer {
    /// Reads a pointer file; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Pointer> {
        let mut lines = text.lines();
        let version = lines.next()?.strip_prefix("version ")?;
        if !matches!(version, "https://git-lfs.github.com/spec/v1" | "https://hawser.github.com/spec/v1") {
            return None;
        }
        let (mut sha256, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", oid) => sha256 = Some(from_hex(oid.strip_prefix("sha256:")?)?),
                ("size", text) => size = Some(text.parse().ok()?),
                // Extensions come between.
                _ => {}
            }
        }
        Some(Pointer { sha256: sha256?, size: size? })
    }

    /// Whether the file at this path is what the pointer stands for. `false` too where that would take too long to tell.
    pub(super) fn is(&self, path: &Path, deadline: Instant) -> bool {
        // A file of another size need not be read.
        if !OsFs.metadata(path).is_ok_and(|found| found.size == self.size) {
            return false;
        }
        let Ok(mut file) = OsFs.open(path, Links::Refuse) else { return false };
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        while Instant::now() < deadline {
            match file.read(&mut buffer) {
                Ok(0) => return hasher.finalize().as_slice() == self.sha256,
                Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        false
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers() {
        let hex = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hex}\nsize 12345\n");
        let found = Pointer::parse(&text).unwrap();
        assert_eq!((found.size, found.sha256[0]), (12345, 0x4d));
        for broken in [
            "",
            "version 2\n",
            "version https://git-lfs.github.com/spec/v1\n",
            &text.replace("sha256", "md5"),
            &text.replace("4d7a", "4d7"),
            &text.replace("4d7a", "äaa"),
            &text.replace("12345", "-1"),
        ] {
            assert_eq!(Pointer::parse(broken), None, "{broken}");
        }
    }
}
