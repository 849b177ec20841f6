//! The front: what keeps the order of the wire.
//!
//! tower-lsp's router runs handlers concurrently: an edit that awaits anything before it is applied is overtaken by the
//! next one (measured: 750 inversions in 1,000 edits, and the wrong text at the end). So, around its service, this one:
//!
//! * applies sync notifications inside `call` itself, which the loop invokes in wire order;
//! * polls every other message once inside `call`, so that a request takes its snapshot, and `$/cancelRequest` takes
//!   effect, before the next message is looked at;
//! * keeps to the life cycle: sync notifications count only between the answer to `initialize` and `shutdown`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures::future::{self, BoxFuture, FutureExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::Service;
use tower_lsp::jsonrpc::{Error, Request, Response};
use tower_lsp::ls_types::{MessageType, Uri};
use tower_lsp::{ExitedError, LspService};

use crate::handlers;
use crate::server::Server;

/// Where the life cycle stands, as far as the front has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No successful `initialize` yet.
    New,
    /// Between `initialize` and `shutdown`.
    Running,
    /// After `shutdown`.
    ShutDown,
}

/// The service that the loop in `lib.rs` calls, once per message and in wire order.
pub(crate) struct Front {
    inner: LspService<Server>,
    server: Server,
    stage: Stage,
}

impl Front {
    pub(crate) fn new(inner: LspService<Server>) -> Self {
        Self { server: inner.inner().clone(), inner, stage: Stage::New }
    }

    /// The process's exit status if it ends now: 0 after `shutdown`, else 1 (LSP 3.17, `exit`).
    pub(crate) fn exit_status(&self) -> u8 {
        if self.stage == Stage::ShutDown { 0 } else { 1 }
    }

    /// Applies `method` to the session if it is a sync notification.
    fn apply(&self, method: &str, params: Option<&Value>) {
        let server = &self.server;
        let applied = catch_unwind(AssertUnwindSafe(|| match method {
            "initialized" => {
                handlers::initialized::apply(server);
                Ok(())
            }
            "textDocument/didOpen" => run(server, params, handlers::did_open::apply),
            "textDocument/didChange" => run(server, params, handlers::did_change::apply),
            "textDocument/didSave" => run(server, params, handlers::did_save::apply),
            "textDocument/didClose" => run(server, params, handlers::did_close::apply),
            "workspace/didChangeConfiguration" => {
                run(server, params, handlers::did_change_configuration::apply)
            }
            "workspace/didChangeWatchedFiles" => {
                run(server, params, handlers::did_change_watched_files::apply)
            }
            "workspace/didChangeWorkspaceFolders" => {
                run(server, params, handlers::did_change_workspace_folders::apply)
            }
            "$/setTrace" => run(server, params, handlers::set_trace::apply),
            _ => Ok(()),
        }));
        match applied {
            Ok(Ok(())) => return,
            Ok(Err(error)) => server.outbox.log(MessageType::ERROR, format!("{method}: {error}")),
            Err(panic) => drop(server.panicked(method, panic.as_ref())),
        }
        // A change that was not made leaves a text that the client does not have.
        let uri = params.and_then(|params| params.pointer("/textDocument/uri")).and_then(Value::as_str);
        if let Some(uri) = uri.and_then(|uri| uri.parse::<Uri>().ok()) {
            server.session.lose_document(&uri, "a message of the editor's could not be read");
            server.publish(&uri);
        }
    }
}

const SYNC: [&str; 9] = [
    "initialized",
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didSave",
    "textDocument/didClose",
    "workspace/didChangeConfiguration",
    "workspace/didChangeWatchedFiles",
    "workspace/didChangeWorkspaceFolders",
    "$/setTrace",
];

fn run<P: DeserializeOwned>(
    server: &Server,
    params: Option<&Value>,
    apply: fn(&Server, P),
) -> Result<(), serde_json::Error> {
    apply(server, P::deserialize(params.unwrap_or(&Value::Null))?);
    Ok(())
}

/// `initialize` with a `trace` that this server's types know: older clients send `compact`.
fn with_known_trace(request: Request) -> Request {
    let (method, id, params) = request.into_parts();
    let mut rebuilt = Request::build(method);
    if let Some(id) = id {
        rebuilt = rebuilt.id(id);
    }
    if let Some(mut params) = params {
        if let Some(trace) = params.get_mut("trace")
            && !matches!(trace.as_str(), Some("off" | "messages" | "verbose"))
        {
            *trace = "off".into();
        }
        rebuilt = rebuilt.params(params);
    }
    rebuilt.finish()
}

impl Service<Request> for Front {
    type Response = Option<Response>;
    type Error = ExitedError;
    type Future = BoxFuture<'static, Result<Option<Response>, ExitedError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ExitedError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let started = Instant::now();
        let method = request.method().to_owned();
        let id = request.id().cloned();
        if id.is_none() && SYNC.contains(&method.as_str()) {
            if self.stage == Stage::Running {
                self.apply(&method, request.params());
                self.server.outbox.trace(
                    || format!("Received notification '{method}' in {} ms", started.elapsed().as_millis()),
                    || request.params().map(Value::to_string).unwrap_or_default(),
                );
            }
            return future::ready(Ok(None)).boxed();
        }
        let request = if method == "initialize" { with_known_trace(request) } else { request };
        // tower-lsp does not answer an unknown request whose name begins with `$/`; LSP wants an error.
        let mut answer = self.inner.call(request).map(move |answer| match (answer, id) {
            (Ok(None), Some(id)) => Ok(Some(Response::from_error(id, Error::method_not_found()))),
            (answer, _) => answer,
        });
        // The waker may be a dead one: whoever gets the future polls it again.
        match answer.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => {
                let succeeded = matches!(&answer, Ok(Some(response)) if response.is_ok());
                match method.as_str() {
                    "initialize" if succeeded && self.stage == Stage::New => self.stage = Stage::Running,
                    "shutdown" if succeeded => self.stage = Stage::ShutDown,
                    _ => {}
                }
                trace_answer(&self.server, &method, started, &answer);
                future::ready(answer).boxed()
            }
            Poll::Pending => {
                let server = self.server.clone();
                answer.inspect(move |answer| trace_answer(&server, &method, started, answer)).boxed()
            }
        }
    }
}

fn trace_answer(
    server: &Server,
    method: &str,
    started: Instant,
    answer: &Result<Option<Response>, ExitedError>,
) {
    let Ok(Some(response)) = answer else { return };
    server.outbox.trace(
        || {
            format!(
                "Answered request '{method} - ({})' in {} ms",
                response.id(),
                started.elapsed().as_millis()
            )
        },
        || match (response.result(), response.error()) {
            (Some(result), _) => result.to_string(),
            (_, error) => error.map(ToString::to_string).unwrap_or_default(),
        },
    );
}
