//! `textDocument/didSave`: the file is what the editor shows. What the plan is compared with stays: saving builds nothing.

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidSaveTextDocumentParams) {
    let uri = params.text_document.uri;
    if server.session.save(&uri, params.text.as_deref()) {
        server.publish(&uri);
        server.settle_later(&uri);
    }
}
