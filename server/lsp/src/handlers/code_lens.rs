//! `textDocument/codeLens`.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{CodeLens, CodeLensParams};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else { return Ok(None) };
    let work = move |cancel: &_| {
        let lenses = snapshot.analysis.code_lenses(cancel).into_iter();
        lenses.map(|lens| convert::code_lens(&snapshot, lens)).collect()
    };
    server.compute("textDocument/codeLens", work).await.map(Some)
}
