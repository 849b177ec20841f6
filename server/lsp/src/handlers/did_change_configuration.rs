//! `workspace/didChangeConfiguration`: the settings come along, or the client is asked for them.

use serde_json::Value;
use tower_lsp::ls_types::{ConfigurationItem, DidChangeConfigurationParams};

use crate::server::Server;

pub(crate) fn apply(server: &Server, params: DidChangeConfigurationParams) {
    if server.session.client().configuration {
        return pull(server);
    }
    configure(server, &params.settings);
}

/// Takes settings that the client sent by itself: some send all that they have, some only those of this server.
pub(crate) fn configure(server: &Server, settings: &Value) {
    server.configure(settings.get("layerwise").unwrap_or(settings));
}

/// Asks the client for the settings under `layerwise`. Of several questions under way only the last one's answer counts.
pub(crate) fn pull(server: &Server) {
    let question = server.session.ask_configuration();
    let asker = server.clone();
    let ask = async move {
        let section = Some("layerwise".to_owned());
        asker.client.configuration(vec![ConfigurationItem { scope_uri: None, section }]).await
    };
    server.ask("workspace/configuration", ask, move |server, mut settings| {
        if server.session.is_last_configuration(question) {
            server.configure(&settings.pop().unwrap_or(Value::Null));
        }
    });
}
