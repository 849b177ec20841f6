//! One file per command of `workspace/executeCommand`; `docs/protocol.md`, "Commands", says what goes in and out.

pub(crate) mod baseline;
pub(crate) mod export;
pub(crate) mod learn;
pub(crate) mod mark_built;
pub(crate) mod show_build;
pub(crate) mod simulate;

use serde::Deserialize;
use tower_lsp::ls_types::Uri;

pub(crate) const SIMULATE: &str = "layerwise.simulate";
pub(crate) const LEARN: &str = "layerwise.learn";
pub(crate) const EXPORT: &str = "layerwise.export";
pub(crate) const MARK_BUILT: &str = "layerwise.markBuilt";
pub(crate) const BASELINE: &str = "layerwise.baseline";
pub(crate) const SHOW_BUILD: &str = "layerwise.showBuild";

/// The commands that the server runs.
pub(crate) const NAMES: [&str; 6] = [SIMULATE, LEARN, EXPORT, MARK_BUILT, BASELINE, SHOW_BUILD];

/// The command that only a client can run: it builds a stage.
pub(crate) const BUILD: &str = "layerwise.build";

/// The argument of a command that wants nothing but a document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) uri: Uri,
}
