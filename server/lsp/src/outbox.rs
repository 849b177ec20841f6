//! The way to the client for everything that needs no answer, usable from anywhere without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use serde::Serialize;
use tokio::sync::mpsc;
use tower_lsp::ls_types::notification::{LogMessage, LogTrace, Notification, ShowMessage};
use tower_lsp::ls_types::{LogMessageParams, LogTraceParams, MessageType, ShowMessageParams, TraceValue};

use crate::wire::Outgoing;

/// How many messages may wait for the client to read before senders wait too.
const CAPACITY: usize = 256;

/// A queue of messages to the client, in the order in which they go out. Clones share the queue.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Outgoing>,
    /// Before the answer to `initialize` the client must not be talked to.
    open: Arc<AtomicBool>,
    trace: Arc<AtomicU8>,
}

/// A place in the queue that is taken already: what is sent through it goes out without waiting.
pub(crate) struct Slot<'a>(mpsc::Permit<'a, Outgoing>);

impl Slot<'_> {
    pub(crate) fn notify<N: Notification<Params: Serialize>>(self, params: &N::Params) {
        if let Some(message) = notification::<N>(params) {
            self.0.send(message);
        }
    }
}

impl Outbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Outgoing>) {
        let (queue, messages) = mpsc::channel(CAPACITY);
        (Self { queue, open: Arc::default(), trace: Arc::default() }, messages)
    }

    /// From now on notifications go out; called when the answer to `initialize` is in the queue.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// Sends a response or a request as it is; `false` if the client is gone.
    pub(crate) async fn send(&self, message: &impl Serialize) -> bool {
        match serde_json::to_vec(message) {
            Ok(body) => self.queue.send(Outgoing::Message(body)).await.is_ok(),
            Err(error) => {
                tracing::error!(%error, "message cannot be written as JSON");
                true
            }
        }
    }

    /// Waits for a place in the queue; `None` if the client is gone.
    pub(crate) async fn slot(&self) -> Option<Slot<'_>> {
        self.queue.reserve().await.ok().map(Slot)
    }

    /// Ends the writer after everything that is in the queue now.
    pub(crate) async fn close(&self) {
        // An error means that the writer ended already.
        let _ = self.queue.send(Outgoing::Close).await;
    }

    /// `window/logMessage`.
    pub(crate) fn log(&self, typ: MessageType, message: impl Into<String>) {
        let message = message.into();
        tracing::info!(message);
        self.notify::<LogMessage>(&LogMessageParams { typ, message });
    }

    /// `window/showMessage`: only for what the user must act upon.
    pub(crate) fn show(&self, typ: MessageType, message: impl Into<String>) {
        self.notify::<ShowMessage>(&ShowMessageParams { typ, message: message.into() });
    }

    /// What `$/setTrace` asked for.
    pub(crate) fn set_trace(&self, value: TraceValue) {
        self.trace.store(value as u8, Ordering::Relaxed);
    }

    /// `$/logTrace`, if the client switched it on; `verbose` is sent only at that level.
    pub(crate) fn trace(&self, message: impl FnOnce() -> String, verbose: impl FnOnce() -> String) {
        let level = self.trace.load(Ordering::Relaxed);
        if level != TraceValue::Off as u8 {
            let verbose = (level == TraceValue::Verbose as u8).then(verbose);
            self.notify::<LogTrace>(&LogTraceParams { message: message(), verbose });
        }
    }

    fn notify<N: Notification<Params: Serialize>>(&self, params: &N::Params) {
        if !self.open.load(Ordering::Relaxed) {
            return;
        }
        if let Some(message) = notification::<N>(params)
            && let Err(mpsc::error::TrySendError::Full(message)) = self.queue.try_send(message)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let queue = self.queue.clone();
            runtime.spawn(async move { queue.send(message).await });
        }
    }
}

fn notification<N: Notification<Params: Serialize>>(params: &N::Params) -> Option<Outgoing> {
    #[derive(Serialize)]
    struct Message<'a, P> {
        jsonrpc: &'static str,
        method: &'static str,
        params: &'a P,
    }
    let message = Message { jsonrpc: "2.0", method: N::METHOD, params };
    match serde_json::to_vec(&message) {
        Ok(body) => Some(Outgoing::Message(body)),
        Err(error) => {
            tracing::error!(%error, method = N::METHOD, "notification cannot be written as JSON");
            None
        }
    }
}
