//! The file system as Layerwise sees it: one trait, through which every file of the product is read.
//!
//! The trait is narrow on purpose. It lists, it looks at entries without following links, and it opens regular files
//! only, so that a pipe or a device in a build context can never block or flood the process. Whoever implements it
//! need not bound anything: the callers pass their limits.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use layerwise_model::context::EntryKind;

/// What is known of a directory entry without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is; a symbolic link is a link, whatever it points to.
    pub kind: EntryKind,
    /// Permission bits (`0o7777`). Where the system has none: 0o755 for directories, 0o777 for links, else 0o644.
    pub mode: u32,
    /// Bytes of a regular file; 0 for everything else.
    pub size: u64,
    /// When it was last changed, as far as the file system knows.
    pub stamp: Stamp,
}

/// What a file system changes whenever a file's content changes: a file with another stamp may have other bytes, one with
/// the same stamp, path and size has the same, unless it was changed twice in the same tick of the file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When the content was last written, in nanoseconds since 1970.
    pub written: i64,
    /// When anything about the file was last changed (Unix), or it was made (elsewhere).
    pub changed: i64,
    /// Which file it is, where there are such numbers.
    pub inode: u64,
}

impl Stamp {
    /// Nothing is known: not to be taken for equal to anything.
    pub const UNKNOWN: Stamp = Stamp { written: i64::MIN, changed: i64::MIN, inode: 0 };
}

/// The names in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The names, without `.` and `..`, in no particular order.
    pub names: Vec<OsString>,
    /// Whether there are more names than were asked for.
    pub more: bool,
}

/// Whether a symbolic link at the end of a path is followed when a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// A link is followed: for a file that the user named.
    Follow,
    /// A link is an error: for a file that was found by walking.
    Refuse,
}

/// Reading, and only reading, of files and directories.
pub trait ContextFs: Send + Sync {
    /// What stands at the path; a link at its end is not followed.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// At most `limit` names of the directory.
    fn read_dir(&self, path: &Path, limit: usize) -> io::Result<Listing>;

    /// The target of a symbolic link, as stored.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;

    /// Opens a regular file. Anything else is an error ([`io::ErrorKind::IsADirectory`] for a directory,
    /// [`io::ErrorKind::InvalidInput`] for pipes, sockets, devices and refused links), found out without blocking.
    fn open(&self, path: &Path, links: Links) -> io::Result<Box<dyn Read + Send>>;

    /// A whole file. [`io::ErrorKind::FileTooLarge`] if it has more than `limit` bytes, of which no more than one
    /// beyond the limit is read.
    fn read(&self, path: &Path, limit: u64, links: Links) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path, links)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }
}

/// The computer's own file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFs;

impl ContextFs for OsFs {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let found = std::fs::symlink_metadata(path)?;
        let kind = kind_of(found.file_type());
        let size = if kind == EntryKind::File { found.len() } else { 0 };
        Ok(Metadata { kind, mode: mode_of(&found, kind), size, stamp: stamp_of(&found) })
    }

    fn read_dir(&self, path: &Path, limit: usize) -> io::Result<Listing> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let name = entry?.file_name();
            if names.len() == limit {
                return Ok(Listing { names, more: true });
            }
            names.push(name);
        }
        Ok(Listing { names, more: false })
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }

    fn open(&self, path: &Path, links: Links) -> io::Result<Box<dyn Read + Send>> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true);
        let follow = links == Links::Follow;
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
            options
                .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | if follow { 0 } else { libc::O_NOFOLLOW });
        }
        #[cfg(not(unix))]
        if !follow && std::fs::symlink_metadata(path)?.file_type().is_symlink() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = match options.open(path) {
            Ok(file) => file,
            // Windows refuses to open a directory, Linux a socket, with errors of their own.
            Err(error) => {
                let target = if follow { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) };
                return Err(target.ok().and_then(|m| not_regular(m.file_type())).unwrap_or(error));
            }
        };
        match not_regular(file.metadata()?.file_type()) {
            Some(error) => Err(error),
            None => Ok(Box::new(file)),
        }
    }
}

fn kind_of(found: std::fs::FileType) -> EntryKind {
    if found.is_symlink() {
        EntryKind::Symlink
    } else if found.is_dir() {
        EntryKind::Dir
    } else if found.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}

#[cfg(unix)]
fn mode_of(found: &std::fs::Metadata, _kind: EntryKind) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode_of(_found: &std::fs::Metadata, kind: EntryKind) -> u32 {
    match kind {
        EntryKind::Dir => 0o755,
        EntryKind::Symlink => 0o777,
        EntryKind::File | EntryKind::Other => 0o644,
    }
}

#[cfg(unix)]
fn stamp_of(found: &std::fs::Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Stamp {
        written: nanoseconds(found.mtime(), found.mtime_nsec()),
        changed: nanoseconds(found.ctime(), found.ctime_nsec()),
        inode: found.ino(),
    }
}

#[cfg(not(unix))]
fn stamp_of(found: &std::fs::Metadata) -> Stamp {
    let nanoseconds = |time: io::Result<std::time::SystemTime>| {
        let since = time.ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_nanos()).ok()
    };
    match (nanoseconds(found.modified()), nanoseconds(found.created())) {
        (Some(written), changed) => Stamp { written, changed: changed.unwrap_or_default(), inode: 0 },
        (None, _) => Stamp::UNKNOWN,
    }
}

fn not_regular(found: std::fs::FileType) -> Option<io::Error> {
    if found.is_file() {
        None
    } else if found.is_dir() {
        Some(io::ErrorKind::IsADirectory.into())
    } else {
        Some(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}

/// The nearest folder at or above `dir` that holds a `.git` (a folder, or the file of a worktree or submodule): the
/// top of the repository, found without running git. Looks at no more than 128 folders.
pub fn git_top(fs: &dyn ContextFs, dir: &Path) -> Option<PathBuf> {
    dir.ancestors()
        .take(128)
        .find(|dir| {
            fs.metadata(&dir.join(".git")).is_ok_and(|m| matches!(m.kind, EntryKind::Dir | EntryKind::File))
        })
        .map(Path::to_path_buf)
}

/// Links followed before a chain counts as a loop, as Linux has it.
const MAX_LINKS: usize = 40;

/// Where a path of a build context leads, links followed as BuildKit follows them: inside the context only. An
/// absolute link and a `..` above the top start again at the context's root.
///
/// `path` is slash-separated, relative to `root`. Returns the path below `root` (empty for the root itself), whose last
/// element is not a link, and what stands there. Errors: nothing there, or more than 40 links.
pub fn resolve_in_root(fs: &dyn ContextFs, root: &Path, path: &str) -> io::Result<(PathBuf, Metadata)> {
    let mut done = PathBuf::new();
    let mut rest: Vec<OsString> = path.rsplit('/').map(OsString::from).collect();
    let mut links = 0;
    let mut found = fs.metadata(root)?;
    if found.kind == EntryKind::Symlink {
        // The root itself is the user's choice, and may be a link.
        found.kind = EntryKind::Dir;
    }
    while let Some(name) = rest.pop() {
        if name.is_empty() || name == "." {
            continue;
        }
        if name == ".." {
            done.pop();
            found.kind = EntryKind::Dir;
            continue;
        }
        if found.kind != EntryKind::Dir {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        done.push(&name);
        let here = root.join(&done);
        found = fs.metadata(&here)?;
        if found.kind != EntryKind::Symlink {
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(io::Error::other("too many symbolic links"));
        }
        let target = fs.read_link(&here)?;
        done.pop();
        found.kind = EntryKind::Dir;
        let target = target.to_string_lossy();
        if target.starts_with('/') {
            done.clear();
        }
        rest.extend(target.rsplit('/').map(OsString::from));
    }
    if done.as_os_str().is_empty() {
        found = Metadata { kind: EntryKind::Dir, ..fs.metadata(root)? };
    }
    Ok((done, found))
}
