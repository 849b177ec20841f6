//! `$/setTrace`.

use serde::Deserialize;
use tower_lsp::ls_types::TraceValue;

use crate::server::Server;

/// `SetTraceParams` with any value: older clients send `compact`.
#[derive(Deserialize)]
pub(crate) struct Params {
    value: String,
}

pub(crate) fn apply(server: &Server, params: Params) {
    server.outbox.set_trace(match params.value.as_str() {
        "messages" => TraceValue::Messages,
        "verbose" => TraceValue::Verbose,
        _ => TraceValue::Off,
    });
}
