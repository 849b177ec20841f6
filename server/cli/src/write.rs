//! Writing a file: as a whole or not at all.

use std::io::Write;
use std::path::Path;

/// Replaces the text of a file that is still `before`.
///
/// The new text goes to a file of its own in the same folder, which then takes the name: whoever reads the file, or a
/// crash, meets one text or the other. A link stays, and the file that it leads to is replaced. Permissions stay, and the
/// owner where that is allowed. The error is a message without the path.
pub(crate) fn replace_file(path: &Path, before: &str, after: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("not written: {error}");
    let path = path.canonicalize().map_err(failed)?;
    let metadata = path.metadata().map_err(failed)?;
    if metadata.permissions().readonly() {
        return Err("not written: the file is read-only".to_owned());
    }
    let folder = path.parent().ok_or("not written: it has no folder")?;
    let mut new = tempfile::Builder::new().prefix(".layerwise-").tempfile_in(folder).map_err(failed)?;
    new.write_all(after.as_bytes()).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Only root may give a file away; for others it is their own already, or becomes it.
        let _ = std::os::unix::fs::fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid()));
    }
    new.as_file().set_permissions(metadata.permissions()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    if std::fs::read(&path).map_err(failed)? != before.as_bytes() {
        return Err("not written: it was changed meanwhile; try again".to_owned());
    }
    new.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Makes a file, or replaces the one that is there. What is no file (a pipe, `/dev/stdout`) is written to. The error is a
/// message without the path.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("not written: {error}");
    let there = path.metadata().ok();
    if let Some(found) = &there
        && !found.is_file()
    {
        return std::fs::write(path, text).map_err(failed);
    }
    // A link stays, and the file that it leads to is replaced.
    let path = if there.is_some() { path.canonicalize().map_err(failed)? } else { path.to_path_buf() };
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Err("not written: it has no folder".to_owned()),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".layerwise-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file; the user's mask takes its part.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut new = builder.tempfile_in(folder).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(found) = there {
        if found.permissions().readonly() {
            return Err("not written: the file is read-only".to_owned());
        }
        new.as_file().set_permissions(found.permissions()).map_err(failed)?;
    }
    new.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Dockerfile");
        std::fs::write(&path, "old").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        }
        replace_file(&path, "old", "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o640);
        }
        assert_eq!(names(dir.path()), ["Dockerfile"]);
    }

    #[test]
    fn a_new_file_is_made_and_an_old_one_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.html");
        for text in ["one", "two"] {
            write_file(&path, text).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(dir.path()), ["plan.html"]);
        assert!(write_file(&dir.path().join("none/plan.html"), "x").unwrap_err().contains("not written"));
        #[cfg(unix)]
        {
            let link = dir.path().join("link.html");
            std::os::unix::fs::symlink("plan.html", &link).unwrap();
            write_file(&link, "three").unwrap();
            assert!(link.symlink_metadata().unwrap().file_type().is_symlink());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "three");
        }
    }

    #[test]
    fn a_file_that_changed_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Dockerfile");
        std::fs::write(&path, "edited").unwrap();
        let message = replace_file(&path, "old", "new").unwrap_err();
        assert!(message.contains("changed meanwhile"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "edited");
        assert_eq!(names(dir.path()), ["Dockerfile"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("real"), dir.path().join("Dockerfile"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        replace_file(&link, "old", "new").unwrap();
        assert!(link.symlink_metadata().unwrap().file_type().is_symlink());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Dockerfile");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
        assert!(replace_file(&path, "old", "new").unwrap_err().contains("read-only"));
    }
}
