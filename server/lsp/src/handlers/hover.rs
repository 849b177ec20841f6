//! `textDocument/hover`.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{Hover, HoverParams};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: HoverParams) -> Result<Option<Hover>> {
    let at = params.text_document_position_params;
    let Some(snapshot) = server.session.snapshot(&at.text_document.uri) else { return Ok(None) };
    let work = move |cancel: &_| {
        let offset = convert::offset(&snapshot.text, snapshot.client.encoding, at.position);
        snapshot.analysis.hover(offset, cancel).map(|hover| convert::hover(&snapshot, hover))
    };
    server.compute("textDocument/hover", work).await
}
