//! `workspace/didChangeWatchedFiles`: a sync point like an edit. A request after it knows of the files' changes.

use tower_lsp::ls_types::DidChangeWatchedFilesParams;

use crate::convert;
use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidChangeWatchedFilesParams) {
    let changes = params.changes.iter().filter_map(convert::file_event).collect::<Vec<_>>();
    if !changes.is_empty() {
        server.engine.files_changed(&changes);
        server.world_changed();
    }
}
