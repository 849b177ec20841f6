//! `textDocument/selectionRange`: one answer for each position, in the client's order.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{SelectionRange, SelectionRangeParams};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(
    server: &Server,
    params: SelectionRangeParams,
) -> Result<Option<Vec<SelectionRange>>> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else { return Ok(None) };
    let work = move |cancel: &_| {
        let around = |position| {
            let offset = convert::offset(&snapshot.text, snapshot.client.encoding, position);
            convert::selection(&snapshot, offset, snapshot.analysis.selection(offset, cancel))
        };
        params.positions.into_iter().map(around).collect()
    };
    server.compute("textDocument/selectionRange", work).await.map(Some)
}
