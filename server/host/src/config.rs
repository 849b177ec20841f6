//! Where the configuration of a Dockerfile is, and its text.

use std::io;
use std::path::{Path, PathBuf};

use crate::context::lexical;
use crate::fs::{ContextFs, Links};

/// The biggest file that is taken for a configuration.
const MAX_CONFIG: u64 = 1 << 20;

/// The nearest file of this name in the Dockerfile's folder or above it. Looks at no more than 128 folders.
pub fn nearest(fs: &dyn ContextFs, dockerfile: &Path, name: &str) -> Option<PathBuf> {
    let path = lexical(dockerfile);
    path.ancestors()
        .skip(1)
        .take(128)
        .map(|dir| dir.join(name))
        .find(|file| fs.metadata(file).is_ok_and(|m| m.kind == layerwise_model::EntryKind::File))
}

/// Its text.
///
/// # Errors
/// A message without the path.
pub fn read(fs: &dyn ContextFs, path: &Path) -> Result<String, String> {
    let bytes = fs.read(path, MAX_CONFIG, Links::Follow).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "no such file; check the path".to_owned(),
        io::ErrorKind::FileTooLarge => format!("more than {} MiB; check the path", MAX_CONFIG >> 20),
        _ => format!("cannot be read: {error}"),
    })?;
    String::from_utf8(bytes).map_err(|_| "not valid UTF-8; save it as UTF-8".to_owned())
}

/// A Dockerfile's path relative to the folder of its configuration, slash-separated; `None` if it is not below it.
pub fn relative(config: &Path, dockerfile: &Path) -> Option<String> {
    let (folder, path) = (lexical(config), lexical(dockerfile));
    let below = path.strip_prefix(folder.parent()?).ok()?;
    Some(below.to_str()?.replace(std::path::MAIN_SEPARATOR, "/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memfs::MemFs;

    #[test]
    fn the_nearest_upward() {
        let mut fs = MemFs::new();
        fs.file("/w/c.toml", "a").file("/w/x/c.toml", "b").dir("/w/x/y/c.toml").file("/w/x/y/Dockerfile", "");
        let find = |path: &str| nearest(&fs, Path::new(path), "c.toml");
        assert_eq!(find("/w/x/y/Dockerfile"), Some("/w/x/c.toml".into()));
        assert_eq!(find("/w/z/Dockerfile"), Some("/w/c.toml".into()));
        assert_eq!(find("/w/x/../Dockerfile"), Some("/w/c.toml".into()));
        assert_eq!(find("/Dockerfile"), None);
        assert_eq!(read(&fs, Path::new("/w/c.toml")).as_deref(), Ok("a"));
        assert!(read(&fs, Path::new("/w/none")).unwrap_err().contains("no such file"));
        fs.file("/w/c.toml", vec![0xff]);
        assert!(read(&fs, Path::new("/w/c.toml")).unwrap_err().contains("UTF-8"));
        assert_eq!(
            relative(Path::new("/w/c.toml"), Path::new("/w/x/Dockerfile")).as_deref(),
            Some("x/Dockerfile")
        );
        assert_eq!(relative(Path::new("/w/c.toml"), Path::new("/v/Dockerfile")), None);
    }
}
