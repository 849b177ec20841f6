//! `textDocument/inlayHint`.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{InlayHint, InlayHintParams};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else { return Ok(None) };
    let work = move |cancel: &_| {
        let range = convert::bytes(&snapshot.text, snapshot.client.encoding, params.range)?;
        let hints = snapshot.analysis.inlay_hints(range, cancel).into_iter();
        Some(hints.map(|hint| convert::inlay_hint(&snapshot, hint)).collect())
    };
    server.compute("textDocument/inlayHint", work).await
}
