//! `layerwise.simulate`: the plan if something changed.

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::Uri;

use super::SIMULATE;
use crate::engine::WhatIf;
use crate::ext::{self, WhatIfParams};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    uri: Uri,
    #[serde(flatten)]
    what_if: WhatIfParams,
}

pub(crate) async fn run(server: &Server, argument: Value) -> Result<Value> {
    let Argument { uri, what_if } = ext::read(SIMULATE, argument)?;
    let what_if = WhatIf::from(what_if);
    if what_if == WhatIf::default() {
        let message = format!("{SIMULATE}: `paths`, `buildArgs` or `target` must say what changes");
        return Err(Error::invalid_params(message));
    }
    ext::plan(server, &uri, what_if).await
}
