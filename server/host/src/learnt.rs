//! Where what was learnt of builds is kept: one file for each Dockerfile, in the user's data folder.
//!
//! The one place of this room that writes, and it writes nothing but its own files: `layerwise/learnt/<hash of the
//! Dockerfile's path>.json` below `$XDG_DATA_HOME`, else below the platform's data folder. A file is written whole or not at
//! all, and one that cannot be read counts as nothing learnt.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use layerwise_model::learnt::{Learnt, VERSION};

use crate::context::lexical;

/// The biggest file that is read or written.
pub const MAX_FILE: u64 = 16 << 20;

/// A folder of what was learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    dir: PathBuf,
}

/// What is known of a Dockerfile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// What was learnt; `None` if nothing was.
    pub learnt: Option<Learnt>,
    /// Why a file that is there does not count: one sentence for the user.
    pub note: Option<String>,
}

impl Store {
    /// The user's own; `None` where there is no home folder.
    pub fn user() -> Option<Store> {
        Some(Store { dir: data_folder()?.join("layerwise").join("learnt") })
    }

    /// One at a folder, which need not exist.
    pub fn at(dir: &Path) -> Store {
        Store { dir: dir.to_path_buf() }
    }

    /// The file for a Dockerfile; the path may be relative, and need not exist.
    pub fn file(&self, dockerfile: &Path) -> PathBuf {
        let path = lexical(dockerfile);
        let hash = blake3::hash(path.to_string_lossy().as_bytes()).to_hex();
        self.dir.join(format!("{}.json", &hash[..32]))
    }

    /// What was learnt of a Dockerfile. A file that is damaged, too big, of another version or of another Dockerfile counts
    /// as none, and the note says why.
    pub fn load(&self, dockerfile: &Path) -> Loaded {
        let file = self.file(dockerfile);
        let note = |why: &str| Loaded {
            learnt: None,
            note: Some(format!(
                "{}: {why}; it is left out, and `layerwise forget` removes it",
                file.display()
            )),
        };
        let text = match read(&file) {
            Ok(Some(text)) => text,
            Ok(None) => return Loaded::default(),
            Err(error) => return note(&error.to_string()),
        };
        // The version first: the rest of another version may have any form.
        #[derive(serde::Deserialize)]
        struct Version {
            version: u32,
        }
        match serde_json::from_str::<Version>(&text) {
            Ok(found) if found.version != VERSION => {
                return note(&format!("it is of version {}, not {VERSION}", found.version));
            }
            Ok(_) => {}
            Err(_) => return note("it is damaged"),
        }
        match serde_json::from_str::<Learnt>(&text) {
            Ok(learnt) if learnt.dockerfile != name(dockerfile) => note("it is of another Dockerfile"),
            Ok(mut learnt) => {
                learnt.bound();
                Loaded { learnt: Some(learnt), note: None }
            }
            Err(_) => note("it is damaged"),
        }
    }

    /// What was learnt of a Dockerfile, or nothing yet: what to add to before [`Store::save`].
    pub fn open(&self, dockerfile: &Path) -> Learnt {
        self.load(dockerfile).learnt.unwrap_or_else(|| Learnt::new(name(dockerfile)))
    }

    /// Keeps what was learnt of a Dockerfile, in place of what was there; the answer is the file.
    ///
    /// # Errors
    /// If the folder cannot be made or the file cannot be written; then what was there stays.
    pub fn save(&self, dockerfile: &Path, learnt: &Learnt) -> io::Result<PathBuf> {
        let mut learnt = Learnt { version: VERSION, dockerfile: name(dockerfile), ..learnt.clone() };
        learnt.bound();
        let text = loop {
            let text = serde_json::to_string(&learnt).map_err(io::Error::other)?;
            if text.len() as u64 <= MAX_FILE || learnt.builds.is_empty() {
                break text;
            }
            learnt.builds.remove(0);
        };
        let file = self.file(dockerfile);
        make_folder(&self.dir)?;
        // A name of its own for each writer, in the same folder so that renaming moves no bytes.
        static TURN: AtomicU32 = AtomicU32::new(0);
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let temporary = file.with_extension(format!("{}-{turn}.tmp", std::process::id()));
        let written = write(&temporary, text.as_bytes()).and_then(|()| fs::rename(&temporary, &file));
        if written.is_err() {
            // Nobody needs the half that may be there; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| file)
    }

    /// Forgets a Dockerfile; whether there was anything.
    ///
    /// # Errors
    /// If the file is there and cannot be removed.
    pub fn forget(&self, dockerfile: &Path) -> io::Result<bool> {
        remove(&self.file(dockerfile))
    }

    /// Forgets everything; how many Dockerfiles that were.
    ///
    /// # Errors
    /// If a file cannot be removed; others may be by then.
    pub fn forget_all(&self) -> io::Result<usize> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut count = 0;
        for entry in entries {
            let path = entry?.path();
            let ours = |extension| path.extension().is_some_and(|e| e == extension);
            if ours("json") && remove(&path)? {
                count += 1;
            } else if ours("tmp") {
                remove(&path)?;
            }
        }
        Ok(count)
    }
}

/// How a stored file names its Dockerfile.
fn name(dockerfile: &Path) -> String {
    lexical(dockerfile).to_string_lossy().into_owned()
}

fn remove(file: &Path) -> io::Result<bool> {
    match fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The text of a file; `None` if there is none.
fn read(file: &Path) -> io::Result<Option<String>> {
    let opened = match fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if !opened.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    opened.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it is too big"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Only the user may read what was learnt: it names projects and holds commands.
fn make_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    opened.write_all(bytes)?;
    // Renamed before its bytes are on the disk, the file could be empty after a crash.
    opened.sync_all()
}

/// The user's data folder: `$XDG_DATA_HOME` where it is set (an absolute path, as its specification demands), else that of
/// the platform.
fn data_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = set("XDG_DATA_HOME") {
        return Some(folder);
    }
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    if cfg!(windows) {
        set("LOCALAPPDATA").or_else(|| Some(home()?.join("AppData").join("Local")))
    } else if cfg!(target_os = "macos") {
        Some(home()?.join("Library").join("Application Support"))
    } else {
        Some(home()?.join(".local").join("share"))
    }
}

#[cfg(test)]
mod tests {
    use layerwise_model::keys::StepKeys;
    use layerwise_model::learnt::Measurement;

    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::at(&dir.path().join("a/b"));
        (dir, store)
    }

    fn learnt() -> Learnt {
        let mut learnt = Learnt::new(String::new());
        let keys = StepKeys { definition: [1; 32], full: [2; 32] };
        learnt.measured(Measurement { keys, name: "RUN a".to_owned(), seconds: Some(1.5), bytes: None });
        learnt
    }

    const FILE: &str = "/w/Dockerfile";

    #[test]
    fn what_is_saved_is_loaded() {
        let (dir, store) = store();
        let dockerfile = Path::new(FILE);
        assert_eq!(store.load(dockerfile), Loaded::default());
        let file = store.save(dockerfile, &learnt()).expect("saved");
        assert!(file.starts_with(dir.path()));
        let loaded = store.load(Path::new("/w/x/../Dockerfile"));
        assert_eq!(loaded.note, None);
        assert_eq!(loaded.learnt.as_ref().map(|l| l.steps.clone()), Some(learnt().steps));
        assert_eq!(loaded.learnt.map(|l| l.dockerfile), Some(FILE.to_owned()));
        assert_eq!(store.load(Path::new("/w/other")), Loaded::default());
        assert_eq!(
            fs::read_dir(dir.path().join("a/b")).expect("a folder").count(),
            1,
            "nothing is left over"
        );
    }

    #[test]
    fn damage_counts_as_nothing_and_says_so() {
        let (_dir, store) = store();
        let dockerfile = Path::new(FILE);
        let file = store.save(dockerfile, &learnt()).expect("saved");
        let good = fs::read_to_string(&file).expect("text");
        let cases: [(&[u8], &str); 7] = [
            (b"", "damaged"),
            (b"{", "damaged"),
            (b"\xff\xfe\x00", "damaged"),
            (b"{\"version\": 99, \"steps\": 7}", "version 99"),
            (b"{\"version\": 1}", "damaged"),
            (b"{\"version\": 1, \"dockerfile\": \"/other\"}", "another Dockerfile"),
            (&good.as_bytes()[..good.len() / 2], "damaged"),
        ];
        for (bytes, why) in cases {
            fs::write(&file, bytes).expect("written");
            let loaded = store.load(dockerfile);
            assert_eq!(loaded.learnt, None);
            assert!(loaded.note.as_deref().is_some_and(|n| n.contains(why)), "{why}: {:?}", loaded.note);
        }
        fs::File::create(&file).and_then(|f| f.set_len(MAX_FILE + 1)).expect("a big file");
        assert!(store.load(dockerfile).note.is_some_and(|n| n.contains("too big")));
        store.save(dockerfile, &learnt()).expect("saved over the damage");
        assert!(store.load(dockerfile).learnt.is_some());
    }

    #[test]
    fn what_cannot_be_saved_leaves_what_was() {
        let (dir, _) = store();
        let occupied = dir.path().join("file");
        fs::write(&occupied, "").expect("written");
        let store = Store::at(&occupied.join("below"));
        assert!(store.save(Path::new(FILE), &learnt()).is_err());
        assert_eq!(store.load(Path::new(FILE)), Loaded::default());
        assert!(store.forget_all().is_err() || !occupied.is_dir());
    }

    #[test]
    fn forgetting() {
        let (_dir, store) = store();
        assert_eq!(store.forget_all().expect("nothing"), 0);
        for name in ["/w/a", "/w/b", "/w/c"] {
            store.save(Path::new(name), &learnt()).expect("saved");
        }
        assert!(store.forget(Path::new("/w/a")).expect("removed"));
        assert!(!store.forget(Path::new("/w/a")).expect("nothing left"));
        assert_eq!(store.forget_all().expect("removed"), 2);
        assert_eq!(store.load(Path::new("/w/b")), Loaded::default());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, store) = store();
        let file = store.save(Path::new(FILE), &learnt()).expect("saved");
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
    }
}
