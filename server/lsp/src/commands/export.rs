//! `layerwise.export`: the plan as a file. A page is opened in the browser where the client can do that.

use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{ShowDocumentParams, Uri};

use super::EXPORT;
use crate::convert;
use crate::engine::{Analysis, Format};
use crate::ext::{self, Subject};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    uri: Uri,
    format: FormatName,
    /// Whether a page is opened; without it, it is where the client can do that.
    show: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    Html,
    Svg,
    Mermaid,
    Json,
}

pub(crate) async fn run(server: &Server, argument: Value) -> Result<Value> {
    let Argument { uri, format, show } = ext::read(EXPORT, argument)?;
    let format = match format {
        FormatName::Html => Format::Html,
        FormatName::Svg => Format::Svg,
        FormatName::Mermaid => Format::Mermaid,
        FormatName::Json => Format::Json,
    };
    let subject = Subject::of(server, &uri)?;
    let shows = format == Format::Html && show != Some(false) && server.session.client().shows_documents;
    if !shows {
        let work = move |analysis: &dyn Analysis, cancel: &_| analysis.export(format, cancel);
        let text = server.with_analysis(EXPORT, subject, work).await?;
        return Ok(json!({"text": text}));
    }
    let (engine, name) = (server.engine.clone(), uri.as_str().to_owned());
    let work = move |analysis: &dyn Analysis, cancel: &_| {
        let page = analysis.export(format, cancel)?;
        let path = engine.write_page(&name, &page)?;
        convert::file_uri(&path).ok_or_else(|| format!("{}: has no URI", path.display()))
    };
    let page = server.with_analysis(EXPORT, subject, work).await?;
    let asker = server.clone();
    let params = ShowDocumentParams {
        uri: page.clone(),
        external: Some(true),
        take_focus: Some(true),
        selection: None,
    };
    let question = async move { asker.client.show_document(params).await };
    server.ask("window/showDocument", question, |_, _| {});
    Ok(json!({"uri": page.as_str()}))
}
