//! A file system in memory: for tests, and for what must not touch the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use layerwise_model::context::EntryKind;

use crate::fs::{ContextFs, Links, Listing, Metadata, Stamp};

#[derive(Clone, Debug)]
enum Node {
    File {
        bytes: Arc<[u8]>,
        mode: u32,
    },
    /// A file whose bytes are never there to be read, only its size.
    Sparse {
        size: u64,
    },
    Dir {
        names: BTreeSet<OsString>,
        mode: u32,
        readable: bool,
    },
    Symlink {
        target: PathBuf,
    },
    Other,
}

/// Files, directories, links and special files by absolute path. Folders on the way to a new entry come by themselves.
#[derive(Debug, Default)]
pub struct MemFs {
    nodes: BTreeMap<PathBuf, Node>,
    opened: AtomicUsize,
}

impl MemFs {
    /// An empty file system.
    pub fn new() -> MemFs {
        MemFs::default()
    }

    /// Adds or replaces a file with mode 0o644.
    pub fn file(&mut self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> &mut MemFs {
        self.file_with_mode(path, bytes, 0o644)
    }

    /// Adds or replaces a file.
    pub fn file_with_mode(
        &mut self,
        path: impl AsRef<Path>,
        bytes: impl AsRef<[u8]>,
        mode: u32,
    ) -> &mut MemFs {
        self.add(path.as_ref(), Node::File { bytes: bytes.as_ref().into(), mode })
    }

    /// Adds a file of the given size that cannot be read.
    pub fn sparse(&mut self, path: impl AsRef<Path>, size: u64) -> &mut MemFs {
        self.add(path.as_ref(), Node::Sparse { size })
    }

    /// Adds an empty directory with mode 0o755.
    pub fn dir(&mut self, path: impl AsRef<Path>) -> &mut MemFs {
        let path = path.as_ref();
        if matches!(self.nodes.get(path), Some(Node::Dir { .. })) {
            return self;
        }
        self.add(path, Node::Dir { names: BTreeSet::new(), mode: 0o755, readable: true })
    }

    /// Makes a directory unreadable; it is added if it is not there.
    pub fn forbid(&mut self, path: impl AsRef<Path>) -> &mut MemFs {
        self.dir(path.as_ref());
        if let Some(Node::Dir { readable, .. }) = self.nodes.get_mut(path.as_ref()) {
            *readable = false;
        }
        self
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, path: impl AsRef<Path>, target: impl Into<PathBuf>) -> &mut MemFs {
        self.add(path.as_ref(), Node::Symlink { target: target.into() })
    }

    /// Adds a socket, pipe or device.
    pub fn special(&mut self, path: impl AsRef<Path>) -> &mut MemFs {
        self.add(path.as_ref(), Node::Other)
    }

    /// How many times a file was opened.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    fn add(&mut self, path: &Path, node: Node) -> &mut MemFs {
        let mut child = path;
        while let (Some(parent), Some(name)) = (child.parent(), child.file_name()) {
            let known = matches!(self.nodes.get(parent), Some(Node::Dir { .. }));
            if !known {
                let dir = Node::Dir { names: BTreeSet::new(), mode: 0o755, readable: true };
                self.nodes.insert(parent.to_path_buf(), dir);
            }
            if let Some(Node::Dir { names, .. }) = self.nodes.get_mut(parent) {
                names.insert(name.to_owned());
            }
            if known {
                break;
            }
            child = parent;
        }
        self.nodes.insert(path.to_path_buf(), node);
        self
    }

    fn node(&self, path: &Path) -> io::Result<&Node> {
        // As the kernel does, a path through a link is that of the link's target.
        let resolved = self.through_links(path)?;
        self.nodes.get(&resolved).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The path with the links in its directories, not the one at its end, followed.
    fn through_links(&self, path: &Path) -> io::Result<PathBuf> {
        if self.nodes.contains_key(path) {
            return Ok(path.to_path_buf());
        }
        let mut done = PathBuf::new();
        let mut rest: Vec<OsString> = path.components().rev().map(|c| c.as_os_str().to_owned()).collect();
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == ".." {
                done.pop();
                continue;
            }
            done.push(&name);
            if let (Some(Node::Symlink { target }), false) = (self.nodes.get(&done), rest.is_empty()) {
                links += 1;
                if links > 40 {
                    return Err(io::Error::other("too many symbolic links"));
                }
                done.pop();
                rest.extend(target.components().rev().map(|c| c.as_os_str().to_owned()));
            }
        }
        Ok(done)
    }
}

impl ContextFs for MemFs {
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let (kind, mode, size) = match self.node(path)? {
            Node::File { bytes, mode } => (EntryKind::File, *mode, bytes.len() as u64),
            Node::Sparse { size } => (EntryKind::File, 0o644, *size),
            Node::Dir { mode, .. } => (EntryKind::Dir, *mode, 0),
            Node::Symlink { .. } => (EntryKind::Symlink, 0o777, 0),
            Node::Other => (EntryKind::Other, 0o644, 0),
        };
        // Nothing changes once the tests have made it.
        Ok(Metadata { kind, mode, size, stamp: Stamp { written: 0, changed: 0, inode: 0 } })
    }

    fn read_dir(&self, path: &Path, limit: usize) -> io::Result<Listing> {
        match self.node(path)? {
            Node::Dir { readable: false, .. } => Err(io::ErrorKind::PermissionDenied.into()),
            Node::Dir { names, .. } => {
                Ok(Listing { names: names.iter().take(limit).cloned().collect(), more: names.len() > limit })
            }
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.node(path)? {
            Node::Symlink { target } => Ok(target.clone()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn open(&self, path: &Path, links: Links) -> io::Result<Box<dyn Read + Send>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let mut path = path.to_path_buf();
        for _ in 0..40 {
            match self.node(&path)? {
                Node::File { bytes, .. } => return Ok(Box::new(Cursor::new(bytes.clone()))),
                Node::Dir { .. } => return Err(io::ErrorKind::IsADirectory.into()),
                Node::Symlink { target } if links == Links::Follow => {
                    let parent = path.parent().unwrap_or(Path::new("/"));
                    path = parent.join(target);
                }
                _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }
}
