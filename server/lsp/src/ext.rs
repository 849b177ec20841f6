//! The requests and the notification that are not LSP's: `docs/protocol.md`, "Requests".

use std::path::PathBuf;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::{TextDocumentIdentifier, Uri};
use tower_lsp::{ClientSocket, LspService};

use crate::convert;
use crate::engine::{Analysis, Cancel, Engine, WhatIf};
use crate::server::Server;
use crate::session::Snapshot;

/// The version of the answers' JSON; it changes when a field changes its meaning.
const JSON_VERSION: u32 = 1;

/// How many Dockerfiles that are not open are looked at for one `layerwise/affectedBy`.
const MAX_DOCKERFILES: usize = 200;

/// tower-lsp's service with these requests added to LSP's own.
pub(crate) fn service(init: impl FnOnce(tower_lsp::Client) -> Server) -> (LspService<Server>, ClientSocket) {
    LspService::build(init)
        .custom_method("layerwise/plan", Server::plan)
        .custom_method("layerwise/graph", Server::graph)
        .custom_method("layerwise/affectedBy", Server::affected_by)
        .finish()
}

/// `layerwise/planChanged`.
pub(crate) enum PlanChanged {}

impl Notification for PlanChanged {
    type Params = PlanChangedParams;
    const METHOD: &'static str = "layerwise/planChanged";
}

/// What `layerwise/planChanged` says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanChangedParams {
    pub(crate) uri: Uri,
    pub(crate) version: i32,
    pub(crate) summary: Value,
    pub(crate) baseline: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlanParams {
    text_document: TextDocumentIdentifier,
    #[serde(default, flatten)]
    what_if: WhatIfParams,
}

/// What a client may change on top of the document; see [`WhatIf`].
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIfParams {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    build_args: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    target: Option<String>,
}

impl From<WhatIfParams> for WhatIf {
    fn from(params: WhatIfParams) -> WhatIf {
        WhatIf { paths: params.paths, build_args: params.build_args, target: params.target }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GraphParams {
    text_document: TextDocumentIdentifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AffectedByParams {
    /// Only this Dockerfile; without it, all that are open or in the workspace.
    text_document: Option<TextDocumentIdentifier>,
    #[serde(default)]
    uris: Vec<Uri>,
    uri: Option<Uri>,
    #[serde(default)]
    paths: Vec<PathBuf>,
}

/// A Dockerfile that a request is about.
pub(crate) enum Subject {
    /// It is open: its text when the request was read.
    Open(Arc<Snapshot>),
    /// It is not: its file.
    Closed(PathBuf),
}

impl Subject {
    /// The document of a URI; to be called before a handler's first await.
    ///
    /// # Errors
    /// `InvalidParams`: it is not open, and no file either.
    pub(crate) fn of(server: &Server, uri: &Uri) -> Result<Subject> {
        if let Some(snapshot) = server.session.snapshot(uri) {
            return Ok(Subject::Open(snapshot));
        }
        let path = convert::file_path(uri);
        let unknown = || Error::invalid_params(format!("{}: not open, and not a file", uri.as_str()));
        path.map(Subject::Closed).ok_or_else(unknown)
    }

    /// Its analysis; reads the file where it is not open.
    ///
    /// # Errors
    /// A sentence: the file cannot be read.
    pub(crate) fn analysis(&self, engine: &dyn Engine) -> std::result::Result<Arc<dyn Analysis>, String> {
        match self {
            Subject::Open(snapshot) => Ok(snapshot.analysis.clone()),
            Subject::Closed(path) => {
                engine.load(path).ok_or_else(|| format!("{}: cannot be read as a Dockerfile", path.display()))
            }
        }
    }

    /// The client's number for its text.
    fn version(&self) -> Option<i32> {
        match self {
            Subject::Open(snapshot) => Some(snapshot.version),
            Subject::Closed(_) => None,
        }
    }
}

/// The error of a request that was understood and cannot be answered: LSP's `RequestFailed`.
pub(crate) fn failed(message: String) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: message.into(), data: None }
}

/// Reads parameters; `what` is named in the error.
///
/// # Errors
/// `InvalidParams`, saying what is wrong with them.
pub(crate) fn read<P: DeserializeOwned>(what: &str, params: Value) -> Result<P> {
    serde_json::from_value(params).map_err(|error| Error::invalid_params(format!("{what}: {error}")))
}

impl Server {
    /// Computes with the analysis of a document.
    ///
    /// # Errors
    /// `RequestFailed` with the sentence that `work` gives, or because the file cannot be read.
    pub(crate) async fn with_analysis<T: Send + 'static>(
        &self,
        what: &'static str,
        subject: Subject,
        work: impl FnOnce(&dyn Analysis, &Cancel) -> std::result::Result<T, String> + Send + 'static,
    ) -> Result<T> {
        let engine = self.engine.clone();
        let work = move |cancel: &_| work(subject.analysis(engine.as_ref())?.as_ref(), cancel);
        self.compute(what, work).await?.map_err(failed)
    }

    /// `layerwise/plan`.
    async fn plan(&self, params: Value) -> Result<Value> {
        let handler = async {
            let PlanParams { text_document, what_if } = read("layerwise/plan", params)?;
            plan(self, &text_document.uri, what_if.into()).await
        };
        self.answer("layerwise/plan", handler).await
    }

    /// `layerwise/graph`.
    async fn graph(&self, params: Value) -> Result<Value> {
        let handler = async {
            let GraphParams { text_document: TextDocumentIdentifier { uri } } =
                read("layerwise/graph", params)?;
            let subject = Subject::of(self, &uri)?;
            let version = subject.version();
            let graph =
                self.with_analysis("layerwise/graph", subject, |analysis, cancel| analysis.graph(cancel));
            Ok(about(graph.await?, &uri, version))
        };
        self.answer("layerwise/graph", handler).await
    }

    /// `layerwise/affectedBy`.
    async fn affected_by(&self, params: Value) -> Result<Value> {
        let handler = async {
            let AffectedByParams { text_document, uris, uri, paths } = read("layerwise/affectedBy", params)?;
            let mut files = paths;
            for uri in uris.iter().chain(&uri) {
                let path = convert::file_path(uri);
                files.push(path.ok_or_else(|| {
                    Error::invalid_params(format!("layerwise/affectedBy: {}: not a file", uri.as_str()))
                })?);
            }
            if files.is_empty() {
                let message = "layerwise/affectedBy: `uri`, `uris` or `paths` must name a file";
                return Err(Error::invalid_params(message));
            }
            match text_document {
                Some(document) => {
                    let subject = Subject::of(self, &document.uri)?;
                    let work = move |analysis: &dyn Analysis, cancel: &_| {
                        let found = analysis.affected_by(&files, cancel);
                        Ok(answer(found.map(|found| with_uri(found, &document.uri)).into_iter().collect()))
                    };
                    self.with_analysis("layerwise/affectedBy", subject, work).await
                }
                None => {
                    let (engine, open) = (self.engine.clone(), self.session.snapshots());
                    let work = move |cancel: &_| everywhere(engine.as_ref(), &open, &files, cancel);
                    self.compute("layerwise/affectedBy", work).await
                }
            }
        };
        self.answer("layerwise/affectedBy", handler).await
    }
}

/// The plan of a document, for `layerwise/plan` and `layerwise.simulate`.
///
/// # Errors
/// As for [`Analysis::plan`].
pub(crate) async fn plan(server: &Server, uri: &Uri, what_if: WhatIf) -> Result<Value> {
    let subject = Subject::of(server, uri)?;
    let version = subject.version();
    let work = move |analysis: &dyn Analysis, cancel: &_| analysis.plan(&what_if, cancel);
    Ok(about(server.with_analysis("layerwise/plan", subject, work).await?, uri, version))
}

/// What the changed files reach in every Dockerfile that is open or in the workspace.
fn everywhere(engine: &dyn Engine, open: &[Arc<Snapshot>], files: &[PathBuf], cancel: &Cancel) -> Value {
    let mut found = Vec::new();
    let mut known = Vec::new();
    for snapshot in open {
        known.extend(convert::file_path(&snapshot.uri));
        let affected = snapshot.analysis.affected_by(files, cancel);
        found.extend(affected.map(|affected| with_uri(affected, &snapshot.uri)));
    }
    let closed = engine.dockerfiles().into_iter().filter(|path| !known.contains(path));
    for path in closed.take(MAX_DOCKERFILES) {
        if cancel.is_cancelled() {
            break;
        }
        let affected = engine.load(&path).and_then(|analysis| analysis.affected_by(files, cancel));
        let uri = convert::file_uri(&path);
        found.extend(affected.zip(uri).map(|(affected, uri)| with_uri(affected, &uri)));
    }
    answer(found)
}

fn answer(dockerfiles: Vec<Value>) -> Value {
    json!({"version": JSON_VERSION, "dockerfiles": dockerfiles})
}

fn with_uri(mut object: Value, uri: &Uri) -> Value {
    object["uri"] = json!(uri.as_str());
    object
}

/// The object with the document and the version of its text that it is about.
fn about(mut object: Value, uri: &Uri, version: Option<i32>) -> Value {
    object["uri"] = json!(uri.as_str());
    object["text_version"] = json!(version);
    object
}
