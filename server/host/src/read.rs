//! Reading one Dockerfile that the user named.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{ContextFs, Links};

/// The biggest file that is taken for a Dockerfile. The longest real ones have a few hundred kilobytes.
pub const MAX_DOCKERFILE: u64 = 16 << 20;

/// The most lines that are taken for a Dockerfile. Each can be an instruction, which costs a hundred times its bytes once it
/// is parsed; the longest of 100,000 real files has 1,058.
pub const MAX_LINES: usize = 100_000;

/// A Dockerfile's text, and what had to be done to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The text. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub text: String,
    /// The first line (from 1) with bytes that are not UTF-8. The text then differs from the file: nothing made from it
    /// may be written back.
    pub not_utf8: Option<usize>,
    /// The first line (from 1) with a NUL byte, which no shell and no path can hold: most likely the file is UTF-16 or
    /// no text at all.
    pub nul: Option<usize>,
}

impl Source {
    /// Whether the text is the file, byte by byte, so that an edit of it may be written back.
    pub fn is_exact(&self) -> bool {
        self.not_utf8.is_none()
    }

    /// What the user should know of the file before its findings: one sentence each, without the path.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(line) = self.not_utf8 {
            notes.push(format!(
                "line {line} is not valid UTF-8; its bytes are shown as U+FFFD and fixes are not written to this file"
            ));
        }
        if let Some(line) = self.nul {
            notes.push(format!("line {line} has a NUL byte; save the file as UTF-8 text"));
        }
        notes
    }
}

/// Why a Dockerfile could not be read. Its message names the path and what to do.
#[derive(Debug)]
pub struct ReadError {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// What is wrong.
    pub kind: ReadErrorKind,
}

/// The ways in which reading fails.
#[derive(Debug)]
pub enum ReadErrorKind {
    /// There is no such file.
    Missing,
    /// It is a directory.
    Directory,
    /// It may not be read.
    Denied,
    /// A pipe, socket or device.
    NotRegular,
    /// It has more than [`MAX_DOCKERFILE`] bytes.
    TooLarge,
    /// It has more than [`MAX_LINES`] lines.
    TooManyLines,
    /// Anything else.
    Io(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.kind {
            ReadErrorKind::Missing => f.write_str("no such file; check the path"),
            ReadErrorKind::Directory => f.write_str("is a directory; name a Dockerfile in it"),
            ReadErrorKind::Denied => f.write_str("permission denied; make the file readable for this user"),
            ReadErrorKind::NotRegular => {
                f.write_str("is not a regular file; save its content to a file first")
            }
            ReadErrorKind::TooLarge => {
                write!(
                    f,
                    "too large for a Dockerfile (more than {} MiB); check the path",
                    MAX_DOCKERFILE >> 20
                )
            }
            ReadErrorKind::TooManyLines => {
                write!(f, "too long for a Dockerfile (more than {MAX_LINES} lines); check the path")
            }
            ReadErrorKind::Io(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a Dockerfile; a link is followed.
pub fn read_dockerfile(fs: &dyn ContextFs, path: &Path) -> Result<Source, ReadError> {
    let bytes = fs.read(path, MAX_DOCKERFILE, Links::Follow).map_err(|error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadErrorKind::Missing,
            io::ErrorKind::IsADirectory => ReadErrorKind::Directory,
            io::ErrorKind::PermissionDenied => ReadErrorKind::Denied,
            io::ErrorKind::InvalidInput => ReadErrorKind::NotRegular,
            io::ErrorKind::FileTooLarge => ReadErrorKind::TooLarge,
            _ => ReadErrorKind::Io(error),
        };
        ReadError { path: path.to_path_buf(), kind }
    })?;
    if bytes.iter().filter(|b| **b == b'\n').count() > MAX_LINES {
        return Err(ReadError { path: path.to_path_buf(), kind: ReadErrorKind::TooManyLines });
    }
    Ok(decode(bytes))
}

/// Decodes a Dockerfile's bytes.
pub fn decode(bytes: Vec<u8>) -> Source {
    let line_of = |end: usize| 1 + bytes.iter().take(end).filter(|b| **b == b'\n').count();
    let nul = bytes.iter().position(|b| *b == 0).map(line_of);
    let not_utf8 = std::str::from_utf8(&bytes).err().map(|error| line_of(error.valid_up_to()));
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Source { text, not_utf8, nul }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::OsFs;
    use crate::memfs::MemFs;

    fn message(fs: &dyn ContextFs, path: &str) -> String {
        read_dockerfile(fs, Path::new(path)).unwrap_err().to_string()
    }

    #[test]
    fn each_failure_says_what_to_do() {
        let mut fs = MemFs::new();
        fs.dir("/d").special("/pipe").file("/big", vec![b'#'; (16 << 20) + 1]).file("/ok", "FROM scratch\n");
        fs.file("/long", "\n".repeat(100_001)).file("/longest", "\n".repeat(100_000));
        assert_eq!(message(&fs, "/none"), "/none: no such file; check the path");
        assert_eq!(message(&fs, "/ok/x"), "/ok/x: no such file; check the path");
        assert_eq!(message(&fs, "/d"), "/d: is a directory; name a Dockerfile in it");
        assert_eq!(message(&fs, "/pipe"), "/pipe: is not a regular file; save its content to a file first");
        assert_eq!(
            message(&fs, "/big"),
            "/big: too large for a Dockerfile (more than 16 MiB); check the path"
        );
    }

    #[test]
    fn the_real_file_system_gives_the_same_kinds() {
        let dir = tempfile::tempdir().unwrap();
        let error = |path: &Path| read_dockerfile(&OsFs, path).unwrap_err().kind;
        assert!(matches!(error(&dir.path().join("none")), ReadErrorKind::Missing));
        assert!(matches!(error(dir.path()), ReadErrorKind::Directory));
        let big = dir.path().join("big");
        std::fs::File::create(&big).unwrap().set_len(100 << 20).unwrap();
        assert!(matches!(error(&big), ReadErrorKind::TooLarge));
        #[cfg(unix)]
        {
            let socket = dir.path().join("socket");
            let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
            assert!(matches!(error(&socket), ReadErrorKind::NotRegular));
            assert!(matches!(error(Path::new("/dev/zero")), ReadErrorKind::NotRegular));
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_read_with_a_note() {
        let source = decode(b"FROM a\nRUN caf\xe9\n".to_vec());
        assert_eq!(source.text, "FROM a\nRUN caf\u{fffd}\n");
        assert_eq!((source.not_utf8, source.nul, source.is_exact()), (Some(2), None, false));
        assert!(source.notes().iter().any(|n| n.contains("line 2")));
    }

    #[test]
    fn nul_bytes_are_kept_and_noted() {
        let source = decode(b"FROM a\n\nRUN \0\n".to_vec());
        assert_eq!(
            (source.text.as_str(), source.nul, source.is_exact()),
            ("FROM a\n\nRUN \0\n", Some(3), true)
        );
    }
}
