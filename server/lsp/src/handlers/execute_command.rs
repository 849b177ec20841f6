//! `workspace/executeCommand`: one file per command under `commands/`.

use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{ExecuteCommandParams, LSPAny};

use crate::commands;
use crate::server::Server;

pub(crate) async fn handle(server: &Server, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
    let ExecuteCommandParams { command, mut arguments, .. } = params;
    if arguments.len() > 1 {
        return Err(Error::invalid_params(format!("{command}: one argument, an object, is wanted")));
    }
    let argument = arguments.pop().unwrap_or_default();
    let answer = match command.as_str() {
        commands::SIMULATE => commands::simulate::run(server, argument).await,
        commands::LEARN => commands::learn::run(server, argument).await,
        commands::EXPORT => commands::export::run(server, argument).await,
        commands::MARK_BUILT => commands::mark_built::run(server, argument).await,
        commands::BASELINE => commands::baseline::run(server, argument).await,
        commands::SHOW_BUILD => commands::show_build::run(server, argument).await,
        _ => Err(Error::invalid_params(format!("{command}: there is no such command"))),
    };
    answer.map(Some)
}
