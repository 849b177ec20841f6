//! `workspace/didChangeWorkspaceFolders`.

use tower_lsp::ls_types::DidChangeWorkspaceFoldersParams;

use crate::convert;
use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidChangeWorkspaceFoldersParams) {
    let paths = |folders: &[tower_lsp::ls_types::WorkspaceFolder]| {
        folders.iter().filter_map(|folder| convert::file_path(&folder.uri)).collect::<Vec<_>>()
    };
    let (added, removed) = (paths(&params.event.added), paths(&params.event.removed));
    let folders = server.session.change_folders(|folders| {
        folders.retain(|folder| !removed.contains(folder) && !added.contains(folder));
        folders.extend(added);
    });
    server.engine.folders(&folders);
    server.world_changed();
}
