//! Where HEAD stands, read from the repository's files: cheap enough to be asked at every edit, when running git is not.

use std::path::{Path, PathBuf};

use layerwise_model::context::EntryKind;

use crate::fs::{ContextFs, Links, git_top};

/// Bytes of HEAD, of a reference, and of the files that point to another folder.
const MAX_BYTES: u64 = 4096;

/// Where HEAD stood when this was read: equal values mean the same commit, unequal ones that it may be another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    state: Vec<String>,
    /// The files that change when HEAD moves; they need not exist.
    pub files: Vec<PathBuf>,
}

/// Where HEAD stands in the repository that a folder is in; `None` if it is in none. Runs nothing.
pub fn head(fs: &dyn ContextFs, dir: &Path) -> Option<Head> {
    let top = git_top(fs, dir)?;
    let dot_git = top.join(".git");
    // A worktree or submodule has a file that says where the folder is.
    let own = match fs.metadata(&dot_git).ok()?.kind {
        EntryKind::Dir => dot_git,
        _ => top.join(text(fs, &dot_git)?.strip_prefix("gitdir:")?.trim()),
    };
    head_in(fs, &own)
}

fn text(fs: &dyn ContextFs, path: &Path) -> Option<String> {
    let bytes = fs.read(path, MAX_BYTES, Links::Follow).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// [`head`] by the folder that git keeps what is the working tree's own in: `.git`, or one of `.git/worktrees`.
pub(super) fn head_in(fs: &dyn ContextFs, own: &Path) -> Option<Head> {
    let text = |path: &Path| text(fs, path);
    let common = text(&own.join("commondir")).map_or_else(|| own.to_path_buf(), |path| own.join(path));
    let at = own.join("HEAD");
    let pointer = text(&at)?;
    let mut files =
        vec![at, common.join("packed-refs"), common.join("reftable/tables.list"), own.join("logs/HEAD")];
    let reference = pointer.strip_prefix("ref:").map(str::trim).map(|name| common.join(name));
    let mut state = vec![pointer];
    // Loose references come before packed ones.
    match reference.as_deref().map(|path| (path, text(path))) {
        Some((path, Some(commit))) => {
            files.push(path.to_path_buf());
            state.push(commit);
        }
        Some((path, None)) => {
            files.push(path.to_path_buf());
            for packed in files.iter().skip(1).take(2) {
                state.push(format!("{:?}", fs.metadata(packed).ok()));
            }
        }
        None => {}
    }
    Some(Head { state, files })
}
