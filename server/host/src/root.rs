//! Which folder is a Dockerfile's build context, when nobody has said.

use std::path::{Path, PathBuf};

use layerwise_model::context::EntryKind;
use layerwise_model::eval::{Command, Evaluation, Source as From};
use layerwise_model::gopath::{go_match, path_clean};
use layerwise_model::graph::{is_git, is_http};
use layerwise_model::selection::has_wildcard;
use layerwise_syntax::mount::MountKind;

use crate::context::lexical;
use crate::fs::{ContextFs, git_top, resolve_in_root};

/// A source that COPY, ADD or a bind mount takes from the build context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As written, variables expanded: relative to the context, wildcards as in Go's `filepath.Match`.
    pub path: String,
    /// Whether it may match nothing: BuildKit lets a pattern do so, and who writes `package-lock.json*` means it.
    pub optional: bool,
}

/// What a Dockerfile takes from its context, by an evaluation of all its stages.
///
/// A pattern beside another source of the same instruction is optional: `COPY package.json package-lock.json* ./`. One
/// that stands alone must match, since whoever wrote it knew of a file. URLs and git repositories are no part of it.
pub fn sources(eval: &Evaluation) -> Vec<Source> {
    let mut found = Vec::new();
    for step in &eval.steps {
        match &step.command {
            Command::Copy(copy) if copy.from == From::Context => {
                let local = |s: &&String| !(copy.add && (is_http(s) || is_git(s)));
                let required = copy.sources.iter().filter(local).any(|s| !has_wildcard(s));
                for path in copy.sources.iter().filter(local) {
                    let optional = required && has_wildcard(path);
                    found.push(Source { path: path.clone(), optional });
                }
            }
            Command::Run(run) => {
                for (mount, from) in &run.mounts {
                    if mount.kind == MountKind::Bind && *from == From::Context {
                        found.push(Source { path: mount.source.clone(), optional: false });
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The folder above which no context is looked for: the repository's top, else the current directory if the Dockerfile is
/// below it, else the Dockerfile's own folder.
pub fn top_for(fs: &dyn ContextFs, dockerfile: &Path) -> PathBuf {
    let file = lexical(dockerfile);
    let own = file.parent().unwrap_or(&file);
    git_top(fs, own).unwrap_or_else(|| {
        let here = lexical(Path::new("."));
        if own.starts_with(&here) { here } else { own.to_path_buf() }
    })
}

/// Folders tried, from the Dockerfile's own upwards.
const MAX_LEVELS: usize = 64;
/// Directory names compared with wildcards, over all sources and folders.
const MAX_NAMES: usize = 100_000;

/// The nearest folder, from the Dockerfile's own up to `top`, in which every source resolves; `None` if there is no such
/// folder, or if finding out would take too long.
///
/// `top` is the workspace's or the repository's root; if the Dockerfile is not below it, only its own folder is tried. A
/// source resolves where BuildKit finds something under it: cleaned, `..` stopping at the root, links followed inside
/// the root. What `.dockerignore` says plays no part. Without sources the Dockerfile's own folder is the answer.
pub fn context_root(
    fs: &dyn ContextFs,
    dockerfile: &Path,
    top: &Path,
    sources: &[Source],
) -> Option<PathBuf> {
    let (file, top) = (lexical(dockerfile), lexical(top));
    let own = file.parent()?;
    let levels = if own.starts_with(&top) { MAX_LEVELS } else { 1 };
    let mut budget = MAX_NAMES;
    for folder in own.ancestors().take(levels) {
        let mut resolves = true;
        for source in sources.iter().filter(|s| !s.optional) {
            if !exists(fs, folder, &source.path, &mut budget)? {
                resolves = false;
                break;
            }
        }
        if resolves {
            return Some(folder.to_path_buf());
        }
        if folder == top {
            break;
        }
    }
    None
}

/// Whether the source matches anything below the root; `None` once the budget of names is used up.
fn exists(fs: &dyn ContextFs, root: &Path, source: &str, budget: &mut usize) -> Option<bool> {
    let clean = path_clean(&format!("/{source}"));
    let mut found = vec![String::new()];
    for part in clean.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for dir in found {
            if !part.contains(['*', '?', '[', '\\']) {
                *budget = budget.checked_sub(1)?;
                let path = format!("{dir}/{part}");
                if resolve_in_root(fs, root, &path).is_ok() {
                    next.push(path);
                }
                continue;
            }
            let Ok((below, what)) = resolve_in_root(fs, root, &dir) else { continue };
            if what.kind != EntryKind::Dir {
                continue;
            }
            let Ok(listing) = fs.read_dir(&root.join(below), *budget) else { continue };
            if listing.more {
                return None;
            }
            *budget = budget.checked_sub(listing.names.len().max(1))?;
            let names = listing.names.iter().map(|name| name.to_string_lossy());
            next.extend(names.filter(|n| go_match(part, n) == Ok(true)).map(|n| format!("{dir}/{n}")));
        }
        found = next;
    }
    Some(!found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memfs::MemFs;

    fn required(paths: &[&str]) -> Vec<Source> {
        paths.iter().map(|p| Source { path: (*p).to_owned(), optional: false }).collect()
    }

    fn project() -> MemFs {
        let mut fs = MemFs::new();
        fs.file("/w/go.mod", "module x")
            .file("/w/cmd/main.go", "package main")
            .file("/w/deploy/docker/Dockerfile", "FROM scratch")
            .file("/w/deploy/docker/entry.sh", "")
            .file("/secret", "");
        fs
    }

    fn root(fs: &MemFs, sources: &[&str]) -> Option<PathBuf> {
        let dockerfile = Path::new("/w/deploy/docker/Dockerfile");
        context_root(fs, dockerfile, Path::new("/w"), &required(sources))
    }

    #[test]
    fn the_nearest_folder_in_which_all_sources_resolve_is_the_context() {
        let fs = project();
        assert_eq!(root(&fs, &[]), Some("/w/deploy/docker".into()));
        assert_eq!(root(&fs, &["."]), Some("/w/deploy/docker".into()));
        assert_eq!(root(&fs, &["entry.sh"]), Some("/w/deploy/docker".into()));
        assert_eq!(root(&fs, &["docker/entry.sh"]), Some("/w/deploy".into()));
        assert_eq!(root(&fs, &["go.mod", "cmd/"]), Some("/w".into()));
        assert_eq!(root(&fs, &["cmd/*.go"]), Some("/w".into()));
        assert_eq!(root(&fs, &["c?d/ma[hi]n.go"]), Some("/w".into()));
    }

    #[test]
    fn a_source_that_is_nowhere_leaves_the_context_unknown() {
        let fs = project();
        assert_eq!(root(&fs, &["entry.sh", "go.mod"]), None, "no folder has both");
        assert_eq!(root(&fs, &["*.rs"]), None);
        assert_eq!(root(&fs, &["secret"]), None, "it is above the top");
    }

    #[test]
    fn a_source_never_leaves_the_root() {
        let mut fs = project();
        assert_eq!(root(&fs, &["../../go.mod"]), Some("/w".into()), "`..` stops at the root, as in BuildKit");
        fs.symlink("/w/deploy/out", "/secret").symlink("/w/abs", "/cmd").symlink("/w/loop", "loop");
        assert_eq!(root(&fs, &["out"]), None, "an absolute link starts again at the context's root");
        assert_eq!(root(&fs, &["abs/main.go"]), Some("/w".into()));
        assert_eq!(root(&fs, &["loop"]), None);
    }

    #[test]
    fn an_optional_source_decides_nothing() {
        let fs = project();
        let mut sources = required(&["entry.sh"]);
        sources.push(Source { path: "missing*".to_owned(), optional: true });
        let found = context_root(&fs, Path::new("/w/deploy/docker/Dockerfile"), Path::new("/w"), &sources);
        assert_eq!(found, Some("/w/deploy/docker".into()));
    }

    #[test]
    fn outside_the_top_only_the_own_folder_is_tried() {
        let mut fs = project();
        fs.file("/x/y/Dockerfile", "").file("/x/a", "");
        let at =
            |source| context_root(&fs, Path::new("/x/y/Dockerfile"), Path::new("/w"), &required(&[source]));
        assert_eq!(at("a"), None);
        assert_eq!(at("Dockerfile"), Some("/x/y".into()));
    }

    #[test]
    fn the_search_is_bounded() {
        let mut fs = MemFs::new();
        fs.file("/w/Dockerfile", "");
        for i in 0..MAX_NAMES - 10 {
            fs.file(format!("/w/d/{i}"), "");
        }
        assert_eq!(
            context_root(&fs, Path::new("/w/Dockerfile"), Path::new("/w"), &required(&["d/0*"])),
            Some("/w".into())
        );
        assert_eq!(
            context_root(&fs, Path::new("/w/Dockerfile"), Path::new("/w"), &required(&["d/0*", "d/1*"])),
            None
        );
    }
}
