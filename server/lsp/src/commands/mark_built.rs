//! `layerwise.markBuilt`: what is there now was built.

use serde_json::Value;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::MessageType;

use super::{Document, MARK_BUILT};
use crate::ext::{self, Subject};
use crate::server::Server;

pub(crate) async fn run(server: &Server, argument: Value) -> Result<Value> {
    let Document { uri } = ext::read(MARK_BUILT, argument)?;
    let subject = Subject::of(server, &uri)?;
    let said = server.with_analysis(MARK_BUILT, subject, |analysis, _| analysis.mark_built()).await?;
    server.outbox.show(MessageType::INFO, said.clone());
    server.world_changed();
    Ok(said.into())
}
