//! `initialize`: who the client is and what both can do. Nothing here takes time: the budget is 10 ms from the start of
//! the process to the answer.

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{InitializeParams, InitializeResult, ServerInfo};

use crate::client::Client;
use crate::convert;
use crate::handlers::did_change_configuration;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: InitializeParams) -> Result<InitializeResult> {
    let options = params.initialization_options.as_ref();
    let own = options.map(|options| options.get("layerwise").unwrap_or(options)["client"].clone());
    let client = Client::new(&params.capabilities, &own.unwrap_or_default());
    let capabilities = client.server_capabilities(&server.features);
    server.engine.client(client.abilities());
    server.session.set_client(client);
    let folders = server.session.change_folders(|folders| *folders = convert::folders(&params));
    server.engine.folders(&folders);
    if let Some(settings) = &params.initialization_options {
        did_change_configuration::configure(server, settings);
    }
    server.outbox.set_trace(params.trace.unwrap_or_default());
    server.parent.send_replace(params.process_id);
    let server_info =
        ServerInfo { name: "layerwise".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
    Ok(InitializeResult { capabilities, server_info: Some(server_info), ..InitializeResult::default() })
}
