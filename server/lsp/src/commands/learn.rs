//! `layerwise.learn`: takes in the log of a build.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::Uri;

use super::LEARN;
use crate::engine::Analysis;
use crate::ext::{self, Subject};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    uri: Uri,
    /// The log's file.
    path: Option<PathBuf>,
    /// The log itself.
    text: Option<String>,
}

pub(crate) async fn run(server: &Server, argument: Value) -> Result<Value> {
    let Argument { uri, path, text } = ext::read(LEARN, argument)?;
    if path.is_some() == text.is_some() {
        let message = format!("{LEARN}: either `path` (the log's file) or `text` (the log) is wanted");
        return Err(Error::invalid_params(message));
    }
    let subject = Subject::of(server, &uri)?;
    let engine = server.engine.clone();
    let work = move |analysis: &dyn Analysis, _: &_| {
        let log = match (text, path) {
            (Some(text), _) => text,
            (None, Some(path)) => engine.read_log(&path)?,
            (None, None) => String::new(),
        };
        analysis.learn(&log)
    };
    let learnt = server.with_analysis(LEARN, subject, work).await?;
    server.world_changed();
    Ok(learnt)
}
