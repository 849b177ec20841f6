//! `textDocument/didSave`: the file is what the editor shows, so hints about the difference are out of date.

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidSaveTextDocumentParams) {
    let uri = params.text_document.uri;
    if server.session.save(&uri, params.text.as_deref()) {
        server.publish(&uri);
        server.refresh_hints();
    }
}
