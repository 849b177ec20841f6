//! `textDocument/didOpen`.

use tower_lsp::ls_types::DidOpenTextDocumentParams;

use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidOpenTextDocumentParams) {
    let uri = params.text_document.uri.clone();
    server.session.open(params.text_document);
    server.publish(&uri);
    server.settle_later(&uri);
}
