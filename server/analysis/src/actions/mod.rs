//! Refactorings: one file each. Each is offered only where it is right, says what it promises, and computes its edits
//! only when they are asked for.

mod apt;
pub(crate) mod cache_cleanup;
pub(crate) mod cache_dirs;
pub mod cache_mounts;
mod command;
pub(crate) mod ecosystem;
pub(crate) mod footprint;
pub(crate) mod layout;
pub mod merge_run;
pub mod no_install_recommends;
pub mod reorder_copy;
pub mod split_stages;
#[cfg(test)]
mod testing;

use std::ops::Range;

pub(crate) use command::{is_core as is_core_command, is_system as is_system_command};
use layerwise_model::{Context, Evaluation, File};

use crate::fix::{Applicability, Edit};

/// Counts the steps of a build that run again when one file of the build context changes: given a Dockerfile's text and
/// the file's path relative to the context (it need not exist), how many; `None` if that cannot be said.
pub type Rebuilds<'a> = &'a dyn Fn(&str, &str) -> Option<usize>;

/// What a refactoring may look at.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The Dockerfile.
    pub file: &'a File,
    /// The Dockerfile, evaluated with all its stages.
    pub evaluation: &'a Evaluation,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
    /// The plan, for titles that say what an edit costs before and after; titles have no numbers without it.
    pub rebuilds: Option<Rebuilds<'a>>,
}

/// A refactoring offered at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The refactoring: `merge-run`, `no-install-recommends`, `reorder-copy`, ...
    pub id: &'static str,
    /// What it does and what that brings, with this file's own numbers.
    pub title: String,
    /// LSP's kind: `refactor.rewrite`, `quickfix`, ...
    pub kind: &'static str,
    /// What it promises.
    pub applicability: Applicability,
    /// The instructions that it is about, in bytes of the document.
    pub range: Range<usize>,
    /// What the user should know before applying it; shown in the preview.
    pub notes: Vec<String>,
    /// Which of several offers of the same refactoring at one place this is; with [`Self::id`] it names the offer within
    /// one state of the file.
    pub key: String,
}

/// One refactoring.
pub trait Refactoring: Sync {
    /// Its id.
    fn id(&self) -> &'static str;

    /// What it offers for a selection (bytes of the document; empty for a cursor), the best offer first.
    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer>;

    /// The edits of an offer; `None` if the file has changed so that it no longer applies.
    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>>;
}

/// Every refactoring.
pub fn all() -> &'static [&'static dyn Refactoring] {
    &[
        &merge_run::MergeRun,
        &no_install_recommends::NoInstallRecommends,
        &reorder_copy::ReorderCopy,
        &split_stages::SplitStages,
        &cache_mounts::CacheMounts,
    ]
}

/// The instructions that a selection touches, as a range of numbers; a cursor touches the one that it stands in. Empty
/// when it touches none.
fn selected(file: &File, selection: &Range<usize>) -> Range<usize> {
    if selection.is_empty() {
        return file.at(selection.start).map_or(0..0, |n| n..n + 1);
    }
    let mut touched = 0..0;
    for number in 0..file.len() {
        let range = file.range(number);
        if range.start < selection.end && selection.start < range.end {
            if touched.is_empty() {
                touched.start = number;
            }
            touched.end = number + 1;
        }
    }
    touched
}
