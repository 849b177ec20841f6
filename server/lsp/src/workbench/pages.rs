//! Pages that the user asked to see in the browser, in the user's cache folder.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How many pages are kept; older ones go.
const MAX_PAGES: usize = 32;

/// Writes a page in the place of the last one of the same name (a document's URI) and returns its path.
///
/// # Errors
/// A sentence: it cannot be written.
pub(crate) fn write(name: &str, page: &str) -> Result<PathBuf, String> {
    let folder =
        cache_folder().ok_or("There is no folder for pages: neither XDG_CACHE_HOME nor HOME is set.")?;
    write_in(&folder, name, page).map_err(|error| format!("{}: {error}.", folder.display()))
}

fn write_in(folder: &Path, name: &str, page: &str) -> io::Result<PathBuf> {
    private_folder(folder)?;
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let path = folder.join(format!("{}.html", hash.get(..16).unwrap_or_default()));
    // Under another name first: a browser that reloads never sees half a page.
    let partial = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = fs::File::create(&partial)?;
    file.write_all(page.as_bytes())?;
    drop(file);
    fs::rename(&partial, &path)?;
    remove_old(folder, &path);
    Ok(path)
}

/// The folder for what can be made again: `$XDG_CACHE_HOME`, else the system's usual place.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| {
        if cfg!(windows) {
            absolute("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            absolute("HOME").map(|home| home.join("Library/Caches"))
        } else {
            absolute("HOME").map(|home| home.join(".cache"))
        }
    });
    base.map(|base| base.join("layerwise").join("pages"))
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    // A page has the text of Dockerfiles and the names of files in it.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Removes the oldest pages beyond [`MAX_PAGES`], never `path`. What cannot be removed stays.
fn remove_old(folder: &Path, path: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut pages: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "html") && entry.path() != path)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    pages.sort();
    let old = pages.len().saturating_sub(MAX_PAGES - 1);
    for (_, page) in pages.into_iter().take(old) {
        let _ = fs::remove_file(page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_one_page_and_there_are_not_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("pages");
        let first = write_in(&inner, "file:///a", "one").expect("it is written");
        assert_eq!(write_in(&inner, "file:///a", "two").expect("it is written"), first);
        assert_eq!(fs::read_to_string(&first).expect("it is there"), "two");
        for number in 0..50 {
            write_in(&inner, &format!("file:///{number}"), "x").expect("it is written");
        }
        assert_eq!(fs::read_dir(&inner).expect("the folder").count(), MAX_PAGES);
    }
}
