//! What `--changed` and `--pull` name: files of the build context, base images, URLs.

use std::path::Path;

use layerwise_analysis::plan::Moved;
use layerwise_host::context::below_root;
use layerwise_host::fs::{ContextFs, OsFs};
use layerwise_model::graph::{Contexts, graph};
use layerwise_model::selection::has_wildcard;
use layerwise_model::{Context, Dockerignore};

use crate::ask::{Ask, Build, files};

/// What `--changed` names.
#[derive(Default)]
pub(crate) struct Changed {
    /// As it was named.
    pub(crate) named: Vec<String>,
    /// Paths relative to the context.
    pub(crate) files: Vec<String>,
    /// Base images and URLs.
    pub(crate) moved: Moved,
}

impl Changed {
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

impl Ask {
    /// What `--changed` and `--pull` name.
    pub(crate) fn changed(&self, root: Option<&Path>, after: &Build) -> Result<Changed, String> {
        let mut found = Changed::default();
        if self.pull {
            found.moved.all = true;
            found.named.push("tags, URLs and git refs".to_owned());
        }
        let remote = self.changed.is_empty().then(Vec::new).unwrap_or_else(|| {
            let bare = graph(&after.file, &after.eval, &after.options, Contexts::default());
            bare.vertices.into_iter().map(|v| v.kind).collect()
        });
        for path in &self.changed {
            let text = path.display().to_string();
            let moved = Moved { names: [text.clone()].into(), ..Moved::default() };
            if text.contains("://") || root.is_none_or(|root| OsFs.metadata(&root.join(path)).is_err()) {
                if remote.iter().any(|kind| moved.holds(kind)) {
                    found.moved.names.extend(moved.names);
                    found.named.push(text);
                    continue;
                }
                if text.contains("://") {
                    return Err(format!("--changed {text}: no ADD of this build downloads that"));
                }
            }
            let Some(root) = root else {
                return Err(format!("--changed {text}: the build context is not known; give --context"));
            };
            let files = match pattern(path, root, after.context.as_ref())? {
                Some(files) => files,
                None => vec![in_context(path, root)?],
            };
            found.named.push(if files.len() == 1 { files.concat() } else { text });
            found.files.extend(files);
        }
        Ok(found)
    }
}

/// The files of the context that a pattern names; `None` for a path.
fn pattern(path: &Path, root: &Path, context: Option<&Context>) -> Result<Option<Vec<String>>, String> {
    let text = path.to_string_lossy();
    if !has_wildcard(&text) || OsFs.metadata(&root.join(path)).is_ok() {
        return Ok(None);
    }
    let pattern =
        Dockerignore::from_patterns(&[&text]).map_err(|error| format!("--changed {text}: {error}"))?;
    let all = context.into_iter().flat_map(files).map(|(path, _)| path);
    let found: Vec<String> = all.filter(|path| pattern.is_excluded(path)).map(str::to_owned).collect();
    if found.is_empty() {
        return Err(format!(
            "--changed {text}: no file of the build context {} is like that",
            root.display()
        ));
    }
    Ok(Some(found))
}

/// A path relative to the context.
pub(crate) fn in_context(path: &Path, root: &Path) -> Result<String, String> {
    let below = |path: &Path| below_root(root, path);
    let exists = |path: &Path| OsFs.metadata(path).is_ok();
    let inside = root.join(path);
    // A path is one of the context; one that is not there may be meant from here.
    let relative = match below(&inside) {
        Some(relative) if path.is_absolute() || exists(&inside) || !exists(path) => Some(relative),
        relative => below(path).or(relative),
    };
    relative
        .ok_or_else(|| format!("--changed {}: not in the build context {}", path.display(), root.display()))
}
