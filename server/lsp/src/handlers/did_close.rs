//! `textDocument/didClose`: publishing for a document that is gone clears its diagnostics.

use tower_lsp::ls_types::DidCloseTextDocumentParams;

use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidCloseTextDocumentParams) {
    let uri = params.text_document.uri;
    if server.session.close(&uri) {
        server.publish(&uri);
    }
}
