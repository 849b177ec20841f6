//! The language server: LSP on stdin and stdout, around an [`engine::Engine`].
//!
//! `wire.rs` reads and writes frames, `front.rs` keeps their order, `session.rs` holds the documents, `convert.rs` turns
//! positions into offsets and back, `handlers/` has one file per method, `commands/` one per command, `ext.rs` the requests
//! that are not LSP's; `publish.rs` pushes diagnostics, `settle.rs` says when what is shown of the plan is out of date.

mod client;
mod commands;
mod convert;
pub mod engine;
mod ext;
mod front;
mod handlers;
mod outbox;
mod parent;
mod publish;
mod server;
mod session;
mod settle;
mod wire;
mod workbench;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::task::JoinSet;
use tower::Service;
use tower_lsp::ExitedError;

use crate::engine::Engine;
use crate::front::Front;
use crate::outbox::Outbox;
use crate::server::Server;
use crate::wire::Incoming;

/// How long the last messages may take to be written when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves one client on stdin and stdout until it sends `exit`, closes stdin, or its process is gone.
///
/// Returns the exit status for the process: 0 if `shutdown` came before the end, 1 if not, 2 if the server could not be
/// started (the reason is on stderr). Threads may still be running: the caller ends the process. With `LAYERWISE_LOG`
/// set (to the syntax of `tracing-subscriber`'s `EnvFilter`, such as `debug`), a log goes to stderr.
pub fn serve_stdio() -> u8 {
    if let Ok(filter) = std::env::var("LAYERWISE_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // Only an embedder that has a log of its own makes this fail, and then it has one.
        let _ = log.try_init();
    }
    // One thread keeps the order; what takes time runs on tokio's blocking threads.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("layerwise: cannot start the server: {error}");
            return 2;
        }
    };
    let store = layerwise_host::learnt::Store::user();
    let engine = Arc::new(workbench::Workbench::keeping(store));
    let server = serve(engine, tokio::io::stdin(), tokio::io::stdout());
    let status = catch_unwind(AssertUnwindSafe(|| runtime.block_on(server)));
    // A thread may sit in a read of stdin that never returns; dropping the runtime would wait for it.
    runtime.shutdown_background();
    status.unwrap_or(1)
}

/// The engine of the product, on the real file system, as [`serve_stdio`] serves with it, but for the folder in which it
/// keeps what builds teach: `learnt`, which need not exist, instead of the user's own.
pub fn workbench(learnt: &std::path::Path) -> Arc<dyn Engine> {
    Arc::new(workbench::Workbench::keeping(Some(layerwise_host::learnt::Store::at(learnt))))
}

/// Serves one client on `input` and `output` with the given engine; [`serve_stdio`] is this with the process's own.
/// Runs inside a tokio runtime with time enabled, and returns the exit status for the process (0 or 1, as there).
pub async fn serve<R, W>(engine: Arc<dyn Engine>, input: R, output: W) -> u8
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (outbox, messages) = Outbox::new();
    let (service, socket) = ext::service(|client| Server::new(engine, outbox.clone(), client));
    let parent = service.inner().parent.subscribe();
    let (mut questions, answers) = socket.split();
    let mut front = Front::new(service);

    let mut writer = tokio::spawn(wire::write(output, messages));
    let asker = tokio::spawn({
        let outbox = outbox.clone();
        async move {
            while let Some(question) = questions.next().await {
                if !outbox.send(&question).await {
                    break;
                }
            }
        }
    });

    // Dropped at the end, which ends the requests that nobody will read the answers of.
    let mut requests = JoinSet::new();
    tokio::select! {
        () = read_until_exit(&mut front, &outbox, input, answers, &mut requests) => {}
        () = parent::gone(parent) => {}
        _ = &mut writer => {}
    }
    requests.abort_all();
    asker.abort();
    if !writer.is_finished() {
        let last_words = async {
            outbox.close().await;
            writer.await
        };
        // Whatever fails here, the client no longer reads.
        let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    }
    front.exit_status()
}

/// Handles messages in wire order until `exit` or the end of the input.
async fn read_until_exit<R, A>(
    front: &mut Front,
    outbox: &Outbox,
    input: R,
    mut answers: A,
    requests: &mut JoinSet<()>,
) where
    R: AsyncRead + Unpin,
    A: futures::Sink<tower_lsp::jsonrpc::Response, Error = ExitedError> + Unpin,
{
    let mut input = BufReader::new(input);
    while let Some(message) = wire::read(&mut input).await {
        // Results of finished requests hold memory until they are looked at.
        while requests.try_join_next().is_some() {}
        match message {
            Incoming::Request(request) => {
                let exit = request.method() == "exit";
                let initialize = request.method() == "initialize";
                if std::future::poll_fn(|context| front.poll_ready(context)).await.is_err() {
                    return;
                }
                let mut answer = front.call(request);
                // What is ready goes out before the next message is looked at.
                match futures::future::poll_immediate(&mut answer).await {
                    Some(Ok(Some(response))) => {
                        outbox.send(&response).await;
                    }
                    Some(_) => {}
                    None => {
                        let outbox = outbox.clone();
                        requests.spawn(async move {
                            if let Ok(Some(response)) = answer.await {
                                outbox.send(&response).await;
                            }
                        });
                    }
                }
                if initialize {
                    outbox.open();
                }
                if exit {
                    return;
                }
            }
            Incoming::Response(response) => {
                if answers.send(response).await.is_err() {
                    return;
                }
            }
            Incoming::Malformed(response) => {
                outbox.send(&response).await;
            }
        }
    }
}
