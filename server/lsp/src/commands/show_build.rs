//! `layerwise.showBuild`: shows the command that builds a stage. Nothing is run.

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{MessageType, Uri};

use super::SHOW_BUILD;
use crate::convert;
use crate::ext::{self, Subject};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    uri: Uri,
    target: Option<String>,
}

pub(crate) async fn run(server: &Server, argument: Value) -> Result<Value> {
    let Argument { uri, target } = ext::read(SHOW_BUILD, argument)?;
    let subject = Subject::of(server, &uri)?;
    let work = move |analysis: &dyn crate::engine::Analysis, _: &_| analysis.build_command(target.as_deref());
    let build = server.with_analysis(SHOW_BUILD, subject, work).await?;
    server.outbox.show(MessageType::INFO, build.line.clone());
    Ok(convert::build_command(uri.as_str(), &build))
}
