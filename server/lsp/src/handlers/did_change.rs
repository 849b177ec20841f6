//! `textDocument/didChange`: ranges and whole texts, mixed as the client likes.

use tower_lsp::ls_types::DidChangeTextDocumentParams;

use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidChangeTextDocumentParams) {
    let document = params.text_document;
    if server.session.change(&document.uri, document.version, params.content_changes) {
        server.publish(&document.uri);
        server.settle_later(&document.uri);
    }
}
