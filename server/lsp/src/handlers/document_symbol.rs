//! `textDocument/documentSymbol`.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{DocumentSymbolParams, DocumentSymbolResponse};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(
    server: &Server,
    params: DocumentSymbolParams,
) -> Result<Option<DocumentSymbolResponse>> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else { return Ok(None) };
    let work = move |cancel: &_| convert::symbols(&snapshot, snapshot.analysis.symbols(cancel));
    server.compute("textDocument/documentSymbol", work).await.map(Some)
}
