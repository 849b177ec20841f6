//! `check --since`: which lines of a file changed since a git revision.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use layerwise_host::context::lexical;
use layerwise_host::fs::{OsFs, git_top};
use layerwise_host::git::{Revision, Versioned};
use layerwise_render::diff::changed_lines;

use crate::ask::BUDGET;

/// A revision, in each repository that a file of this run is in.
pub(crate) struct Since {
    rev: String,
    repositories: Mutex<HashMap<PathBuf, Result<Arc<Revision>, String>>>,
}

/// What changed in a file.
pub(crate) enum Changed {
    /// Nothing.
    Nothing,
    /// All of it: it is new.
    All,
    /// It was another text.
    From(String),
}

impl Changed {
    /// The lines of the text (from 0) that changed; `None` for all.
    pub(crate) fn lines(&self, text: &str) -> Option<Vec<Range<usize>>> {
        match self {
            Changed::Nothing => Some(Vec::new()),
            Changed::All => None,
            Changed::From(before) => Some(changed_lines(before, text)),
        }
    }
}

impl Since {
    pub(crate) fn new(rev: &str) -> Since {
        Since { rev: rev.to_owned(), repositories: Mutex::default() }
    }

    /// What changed in a file. The error is a message for the user.
    pub(crate) fn changed(&self, path: &Path) -> Result<Changed, String> {
        let error = |message: &str| format!("--since {}: {}: {message}", self.rev, path.display());
        // git names files below the top by their real paths.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| lexical(path));
        let dir = path.parent().unwrap_or(&path);
        let top = git_top(&OsFs, dir).ok_or_else(|| error("not in a git repository"))?;
        let revision = {
            let mut known = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
            let open =
                || Revision::open(&top, &self.rev, BUDGET).map(Arc::new).map_err(|error| error.to_string());
            known.entry(top.clone()).or_insert_with(open).clone()
        };
        let revision = revision.map_err(|message| error(&message))?;
        let Some(name) = path.strip_prefix(&top).ok().and_then(Path::to_str) else {
            return Ok(Changed::All);
        };
        let name = name.replace(std::path::MAIN_SEPARATOR, "/");
        if !revision.changed(&name) {
            return Ok(Changed::Nothing);
        }
        Ok(match revision.text(&name, BUDGET).map_err(|e| error(&e.to_string()))? {
            Versioned::Text(text) => Changed::From(text),
            Versioned::Absent | Versioned::Unversioned => Changed::All,
        })
    }
}
