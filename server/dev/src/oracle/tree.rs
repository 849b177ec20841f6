//! Cases on disk.

use std::collections::BTreeMap;
use std::fs::{self, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::case::{Edit, Node, Properties};

/// A case's folder.
pub struct Tree {
    root: PathBuf,
    /// How often times were set, so that each time is another one.
    ticks: u64,
}

impl Tree {
    /// An empty folder at `root`.
    pub fn new(root: PathBuf) -> Result<Tree, String> {
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).map_err(|e| format!("{}: {e}", root.display()))?;
        Ok(Tree { root, ticks: 0 })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Puts an entry at a path, with the folders above it.
    pub fn write(&mut self, path: &str, node: &Node) -> Result<(), String> {
        let said = |e: io::Error| format!("{path}: {e}");
        let at = self.root.join(path);
        let plain = Properties::default();
        let (content, other) = match node {
            Node::Content(content) => (Some(content), &plain),
            Node::Other(other) => (other.content.as_ref(), other),
        };
        if let Some(above) = at.parent() {
            fs::create_dir_all(above).map_err(said)?;
        }
        if other.dir {
            fs::create_dir_all(&at).map_err(said)?;
        } else if let Some(target) = &other.link {
            remove(&at).map_err(said)?;
            symlink(target, &at).map_err(said)?;
        } else if let Some(files) = &other.tar {
            fs::write(&at, archive(files)).map_err(said)?;
        } else if let Some(files) = &other.commit {
            commit(&at, files)?;
        } else {
            if at.is_symlink() {
                remove(&at).map_err(said)?;
            }
            let new = !at.exists();
            fs::write(&at, content.map_or("", String::as_str)).map_err(said)?;
            if new {
                fs::set_permissions(&at, Permissions::from_mode(0o644)).map_err(said)?;
            }
        }
        match &other.mode {
            Some(mode) => self.chmod(path, mode),
            None => Ok(()),
        }
    }

    fn chmod(&self, path: &str, mode: &str) -> Result<(), String> {
        let bits = u32::from_str_radix(mode, 8).map_err(|_| format!("{path}: `{mode}` is not octal"))?;
        fs::set_permissions(self.root.join(path), Permissions::from_mode(bits))
            .map_err(|e| format!("{path}: {e}"))
    }

    /// Does what an edit does to the folder.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), String> {
        for (path, node) in &edit.write {
            match node {
                Some(node) => self.write(path, node)?,
                None => remove(&self.root.join(path)).map_err(|e| format!("{path}: {e}"))?,
            }
        }
        for (from, to) in &edit.moves {
            let target = self.root.join(to);
            let above = target.parent().map_or(Ok(()), fs::create_dir_all);
            above
                .and_then(|()| fs::rename(self.root.join(from), &target))
                .map_err(|e| format!("{from}: {e}"))?;
        }
        for (path, mode) in &edit.chmod {
            self.chmod(path, mode)?;
        }
        for path in &edit.touch {
            self.ticks += 1;
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + self.ticks);
            fs::File::open(self.root.join(path))
                .and_then(|file| file.set_times(FileTimes::new().set_modified(time)))
                .map_err(|e| format!("{path}: {e}"))?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

/// A tar archive (ustar) of files with mode 0644 and no times.
fn archive(files: &BTreeMap<String, String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        let mut header = [0u8; 512];
        let mut put = |at: usize, text: &str| {
            header.iter_mut().skip(at).zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        };
        put(0, name);
        put(100, "0000644\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", content.len()));
        put(136, "00000000000\0");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        let text = format!("{sum:06o}\0 ");
        header.iter_mut().skip(148).zip(text.bytes()).for_each(|(place, byte)| *place = byte);
        bytes.extend(header);
        bytes.extend(content.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Adds a commit on `main` with these files, and no others, to a bare repository; makes it if it is not there.
fn commit(repository: &Path, files: &BTreeMap<String, String>) -> Result<(), String> {
    let work = tempfile::tempdir().map_err(|e| e.to_string())?;
    if !repository.exists() {
        git(
            &["init", "--quiet", "--bare", "--initial-branch=main"],
            repository.as_os_str(),
            work.path(),
            None,
        )?;
    }
    for (name, content) in files {
        let path = work.path().join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|e| e.to_string())?;
        fs::write(path, content).map_err(|e| e.to_string())?;
    }
    let dir = Some(repository);
    git(&["add", "--all"], ".".as_ref(), work.path(), dir)?;
    git(&["commit", "--quiet", "--allow-empty", "-m"], "next".as_ref(), work.path(), dir)
}

fn git(args: &[&str], last: &std::ffi::OsStr, work: &Path, dir: Option<&Path>) -> Result<(), String> {
    let mut command = Command::new("git");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "case").env(format!("GIT_{who}_EMAIL"), "case@localhost");
        command.env(format!("GIT_{who}_DATE"), "2001-02-03T04:05:06Z");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", work).current_dir(work).stdin(Stdio::null());
    if let Some(dir) = dir {
        command.env("GIT_DIR", dir).env("GIT_WORK_TREE", work);
    }
    let done = command.args(args).arg(last).output().map_err(|e| format!("git: {e}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("git {}: {}", args.join(" "), String::from_utf8_lossy(&done.stderr).trim())),
    }
}
