//! `initialized`: the client can be asked now. What it shall report is registered, its settings are fetched.

use tower_lsp::ls_types::notification::{DidChangeConfiguration, DidChangeWatchedFiles, Notification};
use tower_lsp::ls_types::{
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, GlobPattern, Registration,
};

use crate::handlers::did_change_configuration;
use crate::server::Server;

pub(crate) fn apply(server: &Server) {
    let client = server.session.client();
    let mut registrations = Vec::new();
    if client.registers_configuration {
        registrations
            .push(registration::<DidChangeConfiguration>(Some(serde_json::json!({"section": "layerwise"}))));
    }
    if client.registers_watchers && !server.features.watch.is_empty() {
        let watchers = server.features.watch.iter().map(|&glob| FileSystemWatcher {
            glob_pattern: GlobPattern::String(glob.to_owned()),
            kind: None,
        });
        let options = DidChangeWatchedFilesRegistrationOptions { watchers: watchers.collect() };
        registrations.push(registration::<DidChangeWatchedFiles>(serde_json::to_value(options).ok()));
    }
    if !registrations.is_empty() {
        let asker = server.clone();
        let register = async move { asker.client.register_capability(registrations).await };
        server.ask("client/registerCapability", register, |_, ()| {});
    }
    if client.configuration {
        did_change_configuration::pull(server);
    }
    let weak = server.downgrade();
    server.engine.subscribe(Box::new(move || {
        if let Some(server) = Server::upgrade(&weak) {
            server.world_changed();
        }
    }));
}

fn registration<N: Notification>(register_options: Option<serde_json::Value>) -> Registration {
    Registration { id: N::METHOD.to_owned(), method: N::METHOD.to_owned(), register_options }
}
