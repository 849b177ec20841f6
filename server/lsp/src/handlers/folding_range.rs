//! `textDocument/foldingRange`.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{FoldingRange, FoldingRangeParams};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else { return Ok(None) };
    let work = move |cancel: &_| {
        let folds = snapshot.analysis.folding(cancel).into_iter();
        folds.filter_map(|fold| convert::fold(&snapshot, fold)).collect()
    };
    server.compute("textDocument/foldingRange", work).await.map(Some)
}
