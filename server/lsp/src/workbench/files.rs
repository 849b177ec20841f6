//! Which files of the build context a step reads, and which the ignore file keeps from it.

use std::path::Path;

use layerwise_host::fs::ContextFs;
use layerwise_model::eval::{Command, Source};
use layerwise_model::selection::{self, Reading, source_path};
use layerwise_model::{Context, EntryKind};

use super::build::Build;

/// How many names are looked at to find what is ignored.
const MAX_NAMES: usize = 20_000;

/// How many ignored names are kept.
const MAX_IGNORED_NAMES: usize = 8;

/// What a step reads in the build context.
pub(crate) struct Files {
    pub(crate) count: usize,
    pub(crate) bytes: u64,
    /// Its sources there.
    pub(crate) sources: Vec<String>,
}

/// What the ignore file takes away below a source: whole directories count once.
#[derive(Default)]
pub(crate) struct Ignored {
    pub(crate) count: usize,
    pub(crate) names: Vec<String>,
    /// Whether there may be more than were looked at.
    pub(crate) more: bool,
}

/// What an instruction selects in the build context; `None` if it selects nothing there, or the context is not known.
pub(crate) fn of_step(build: &Build, number: usize) -> Option<Files> {
    let context = build.context.as_deref()?;
    let (sources, reading): (Vec<String>, Reading<'_>) = match &build.eval.step(number).command {
        Command::Copy(copy) if copy.from == Source::Context => {
            let paths =
                copy.sources.iter().filter(|source| !(copy.add && layerwise_model::eval::is_url(source)));
            (paths.cloned().collect(), Reading { excludes: &copy.excludes, parents: copy.parents })
        }
        Command::Run(run) => {
            let bound = run.mounts.iter().filter(|(mount, source)| {
                *source == Source::Context && mount.kind == layerwise_syntax::mount::MountKind::Bind
            });
            (bound.map(|(mount, _)| mount.source.clone()).collect(), Reading::default())
        }
        _ => return None,
    };
    if sources.is_empty() {
        return None;
    }
    let selected = sources.iter().map(|source| selection::select(context, source, reading).files);
    let (count, bytes) = selected
        .fold((0, 0u64), |(count, bytes), files| (count + files.count, bytes.saturating_add(files.bytes)));
    Some(Files { count, bytes, sources })
}

/// What the ignore file takes away below a source of a COPY without wildcards: looks at the folders of the context that
/// are left, so that an ignored folder is one name however much is in it.
pub(crate) fn ignored(fs: &dyn ContextFs, root: &Path, context: &Context, source: &str) -> Option<Ignored> {
    let clean = source_path(source);
    if selection::has_wildcard(&clean) || !context.is_dir(&clean) {
        return None;
    }
    let mut found = Ignored::default();
    let mut left = MAX_NAMES;
    let mut folders = vec![clean];
    while let Some(folder) = folders.pop() {
        let Ok(listing) = fs.read_dir(&root.join(&folder), left) else { continue };
        found.more |= listing.more;
        left = left.saturating_sub(listing.names.len());
        for name in listing.names {
            let name = name.to_string_lossy();
            let path = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
            match context.get(&path).map(|entry| entry.kind) {
                Some(EntryKind::Dir) => folders.push(path),
                Some(_) => {}
                None if context.ignore.in_context(&path) => {}
                None => {
                    found.count += 1;
                    if found.names.len() < MAX_IGNORED_NAMES {
                        found.names.push(path);
                    }
                }
            }
        }
        if left == 0 {
            found.more = true;
            break;
        }
    }
    Some(found)
}
