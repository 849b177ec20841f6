//! The server: one method of LSP, one file under `handlers/`.
//!
//! There are three ways to run a handler:
//!
//! * *sync notifications* change the session: `apply(&Server, Params)`, run to the end inside `Front::call`;
//! * *requests* answer for the text that was current when they were read: `handle(&Server, Params)` takes a snapshot
//!   before its first await (`Front::call` runs it that far) and computes through [`Server::compute`];
//! * *requests to the client* are spawned with a time-out ([`Server::ask`]); no handler waits for one.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::{Semaphore, watch};
use tower_lsp::LanguageServer;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::*;

use crate::engine::{Cancel, Engine, Features};
use crate::handlers;
use crate::outbox::Outbox;
use crate::session::Session;

/// How long an answer of the client's is waited for.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer of the user's is waited for.
const USER_TIMEOUT: Duration = Duration::from_secs(600);

/// What all handlers share; clones are the same server.
#[derive(Clone)]
pub(crate) struct Server(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) session: Session,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) features: Features,
    pub(crate) outbox: Outbox,
    /// For requests to the client.
    pub(crate) client: tower_lsp::Client,
    /// The process that the server lives for, once the client named it.
    pub(crate) parent: watch::Sender<Option<u32>>,
    runtime: tokio::runtime::Handle,
    workers: Arc<Semaphore>,
}

impl std::ops::Deref for Server {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Sets a flag when nobody waits for an answer any more: tower-lsp drops a cancelled request's future.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Server {
    /// Must be called inside a tokio runtime.
    pub(crate) fn new(engine: Arc<dyn Engine>, outbox: Outbox, client: tower_lsp::Client) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
        Self(Arc::new(Shared {
            session: Session::new(engine.clone(), outbox.clone()),
            features: engine.features(),
            engine,
            outbox,
            client,
            parent: watch::channel(None).0,
            runtime: tokio::runtime::Handle::current(),
            workers: Arc::new(Semaphore::new(threads)),
        }))
    }

    /// Runs `work` on a thread that may block and waits for it. When the wait is given up, so is the work: at once if it
    /// has not begun, else as soon as it looks at its [`Cancel`].
    ///
    /// # Errors
    /// `InternalError`, and a message in the log, if `work` panics.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T> {
        self.compute_unless(Cancel::default(), what, work).await
    }

    /// [`Server::compute`] with a flag of the caller's.
    pub(crate) async fn compute_unless<T: Send + 'static>(
        &self,
        cancel: Cancel,
        what: &'static str,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T> {
        // The permit bounds the threads that compute; stdin and stdout need some of the same pool.
        let Ok(permit) = self.workers.clone().acquire_owned().await else {
            return Err(Error::internal_error());
        };
        let guard = CancelOnDrop(cancel.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&cancel)
        });
        let done = done.await;
        drop(guard);
        done.map_err(|failed| match failed.try_into_panic() {
            Ok(panic) => self.panicked(what, panic.as_ref()),
            Err(_) => Error::request_cancelled(),
        })
    }

    /// Tells the log that `what` panicked and makes the error that answers it.
    pub(crate) fn panicked(&self, what: &str, panic: &(dyn std::any::Any + Send)) -> Error {
        let why =
            panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let message = format!("{what}: internal error: {}", why.unwrap_or("panic"));
        self.outbox.log(MessageType::ERROR, message.clone());
        let mut error = Error::internal_error();
        error.message = message.into();
        error
    }

    /// Runs a request's handler to its end; a panic in it costs this answer.
    pub(crate) async fn answer<T>(&self, what: &str, handler: impl Future<Output = Result<T>>) -> Result<T> {
        match AssertUnwindSafe(handler).catch_unwind().await {
            Ok(answer) => answer,
            Err(panic) => Err(self.panicked(what, panic.as_ref())),
        }
    }

    /// Runs `task` beside everything else.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Asks the client something beside everything else and hands its answer to `then`. Without an answer in time, or
    /// with an error for one, only the log learns of it.
    pub(crate) fn ask<T: Send, E: Display + Send>(
        &self,
        what: &'static str,
        question: impl Future<Output = std::result::Result<T, E>> + Send + 'static,
        then: impl FnOnce(&Self, T) + Send + 'static,
    ) {
        self.ask_for(CLIENT_TIMEOUT, what, question, then);
    }

    /// [`Server::ask`] where a person answers.
    pub(crate) fn ask_user<T: Send, E: Display + Send>(
        &self,
        what: &'static str,
        question: impl Future<Output = std::result::Result<T, E>> + Send + 'static,
        then: impl FnOnce(&Self, T) + Send + 'static,
    ) {
        self.ask_for(USER_TIMEOUT, what, question, then);
    }

    fn ask_for<T: Send, E: Display + Send>(
        &self,
        time: Duration,
        what: &'static str,
        question: impl Future<Output = std::result::Result<T, E>> + Send + 'static,
        then: impl FnOnce(&Self, T) + Send + 'static,
    ) {
        let server = self.clone();
        self.spawn(async move {
            let problem = match tokio::time::timeout(time, question).await {
                Ok(Ok(answer)) => return then(&server, answer),
                Ok(Err(error)) => format!("{what}: the client answers: {error}"),
                Err(_) => format!("{what}: no answer from the client in {} s", time.as_secs()),
            };
            server.outbox.log(MessageType::WARNING, problem);
        });
    }

    /// Something other than a document changed: what was shown is computed anew, and the client is asked to ask anew.
    pub(crate) fn world_changed(&self) {
        for uri in self.session.invalidate() {
            self.publish(&uri);
            self.settle(&uri, Instant::now());
        }
        self.refresh_diagnostics();
    }

    /// Asks the client to ask for diagnostics again, if it asks for them at all.
    pub(crate) fn refresh_diagnostics(&self) {
        let client = self.session.client();
        if client.pulls_diagnostics && client.refreshes_diagnostics && self.features.diagnostics {
            let server = self.clone();
            let refresh = async move { server.client.workspace_diagnostic_refresh().await };
            self.ask("workspace/diagnostic/refresh", refresh, |_, ()| {});
        }
    }

    /// Asks the client to ask for inlay hints again, if it can.
    pub(crate) fn refresh_hints(&self) {
        if self.session.client().refreshes_hints {
            let server = self.clone();
            let refresh = async move { server.client.inlay_hint_refresh().await };
            self.ask("workspace/inlayHint/refresh", refresh, |_, ()| {});
        }
    }

    /// Asks the client to ask for code lenses again, if it can.
    pub(crate) fn refresh_lenses(&self) {
        if self.session.client().refreshes_lenses {
            let server = self.clone();
            let refresh = async move { server.client.code_lens_refresh().await };
            self.ask("workspace/codeLens/refresh", refresh, |_, ()| {});
        }
    }

    /// Hands the settings under `layerwise` to the engine and computes anew.
    pub(crate) fn configure(&self, settings: &serde_json::Value) {
        for problem in self.engine.configure(settings) {
            self.outbox.log(MessageType::WARNING, problem);
        }
        self.world_changed();
    }

    /// The same server for a holder that must not keep it alive.
    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.0)
    }

    /// The server behind [`Server::downgrade`], if it is still there.
    pub(crate) fn upgrade(weak: &Weak<Shared>) -> Option<Self> {
        weak.upgrade().map(Self)
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        self.answer("initialize", handlers::initialize::handle(self, params)).await
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        self.answer("textDocument/codeAction", handlers::code_action::handle(self, params)).await
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        self.answer("codeAction/resolve", handlers::code_action_resolve::handle(self, action)).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        self.answer("textDocument/codeLens", handlers::code_lens::handle(self, params)).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        self.answer("workspace/executeCommand", handlers::execute_command::handle(self, params)).await
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        self.answer("textDocument/diagnostic", handlers::diagnostic::handle(self, params)).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        self.answer("textDocument/documentSymbol", handlers::document_symbol::handle(self, params)).await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        self.answer("textDocument/foldingRange", handlers::folding_range::handle(self, params)).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        self.answer("textDocument/hover", handlers::hover::handle(self, params)).await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        self.answer("textDocument/inlayHint", handlers::inlay_hint::handle(self, params)).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        self.answer("textDocument/selectionRange", handlers::selection_range::handle(self, params)).await
    }
}
