//! `textDocument/codeAction`: what is offered for a range, without edits where the client asks for those when an action
//! is chosen (`code_action_resolve.rs`), else with them.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{CodeActionOrCommand, CodeActionParams, CodeActionResponse};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else { return Ok(None) };
    // Without literals a client takes only commands, and the server has none.
    if !snapshot.client.code_action_literals {
        return Ok(None);
    }
    let only = params.context.only;
    let only = only.map(|kinds| kinds.iter().map(|kind| kind.as_str().to_owned()).collect::<Vec<_>>());
    let work = move |cancel: &_| {
        let range = convert::bytes(&snapshot.text, snapshot.client.encoding, params.range)?;
        let mut offered = Vec::new();
        for action in snapshot.analysis.code_actions(range, only.as_deref(), cancel) {
            if !convert::kind_is_wanted(action.kind, only.as_deref()) {
                continue;
            }
            let (id, range, enabled) = (action.id.clone(), action.range.clone(), action.disabled.is_none());
            let Some(mut action) = convert::code_action(&snapshot, action) else { continue };
            if enabled && !snapshot.client.resolves_edits {
                let Some(edits) = snapshot.analysis.resolve(&id, range, cancel) else { continue };
                action.edit = Some(convert::workspace_edit(&snapshot, edits));
            }
            offered.push(CodeActionOrCommand::CodeAction(action));
        }
        Some(offered)
    };
    server.compute("textDocument/codeAction", work).await
}
