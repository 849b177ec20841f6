//! `codeAction/resolve`: the edit of an action that was chosen, if the text is still what it was when it was offered.

use serde::Deserialize;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::CodeAction;

use crate::convert::{self, ActionData};
use crate::server::Server;

pub(crate) async fn handle(server: &Server, mut action: CodeAction) -> Result<CodeAction> {
    let Some(data) = &action.data else { return Ok(action) };
    let data = ActionData::deserialize(data).map_err(|error| Error::invalid_params(error.to_string()))?;
    let snapshot = server.session.snapshot(&data.uri);
    let snapshot = snapshot.filter(|snapshot| snapshot.text_revision == data.text_revision);
    let Some(snapshot) = snapshot else { return Err(Error::content_modified()) };
    let work = move |cancel: &_| {
        let edits = snapshot.analysis.resolve(&data.id, data.range.0..data.range.1, cancel)?;
        Some(convert::workspace_edit(&snapshot, edits))
    };
    let edit = server.compute("codeAction/resolve", work).await?;
    action.edit = Some(edit.ok_or_else(Error::content_modified)?);
    Ok(action)
}
