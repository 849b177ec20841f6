//! Refactorings: one file each. Each is offered only where it is right, says what it promises, and computes its edits
//! only when they are asked for.

use std::ops::Range;

use layerwise_model::{Context, File};

use crate::fix::{Applicability, Edit};

/// What a refactoring may look at.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The Dockerfile.
    pub file: &'a File,
    /// The build context, if it is known.
    pub context: Option<&'a Context>,
}

/// A refactoring offered at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The refactoring: `merge-run`, `no-install-recommends`, `reorder-copy`, `split-stages`.
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
    /// Which of several offers of the same refactoring at one place this is.
    pub key: String,
}

/// One refactoring.
pub trait Refactoring: Sync {
    /// Its id.
    fn id(&self) -> &'static str;

    /// What it offers for a selection (bytes of the document; empty for a cursor).
    fn offers(&self, cx: &Cx<'_>, selection: Range<usize>) -> Vec<Offer>;

    /// The edits of an offer; `None` if the file has changed so that it no longer applies.
    fn edits(&self, cx: &Cx<'_>, offer: &Offer) -> Option<Vec<Edit>>;
}

/// Every refactoring.
pub fn all() -> &'static [&'static dyn Refactoring] {
    &[]
}
