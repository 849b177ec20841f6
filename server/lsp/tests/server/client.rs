//! A client that speaks JSON over an in-memory pipe, and small tools for tests.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;

use layerwise_lsp::engine::Engine;

use crate::engine::TestEngine;

/// Only a server that hangs is caught by this; no test passes or fails by how fast it is.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const URI: &str = "file:///project/Dockerfile";

pub(crate) struct Client {
    pub(crate) engine: Arc<TestEngine>,
    output: Option<DuplexStream>,
    messages: UnboundedReceiver<Value>,
    server: JoinHandle<u8>,
    /// What came while something else was waited for.
    pub(crate) seen: Vec<Value>,
    last_id: i64,
}

impl Client {
    /// A server that was not talked to yet.
    pub(crate) fn start() -> Self {
        let engine = Arc::new(TestEngine::default());
        Self::with(engine.clone(), engine)
    }

    /// The same with another engine than the test's own.
    pub(crate) fn with(engine: Arc<TestEngine>, served: Arc<dyn Engine>) -> Self {
        let (output, server_input) = tokio::io::duplex(1 << 16);
        let (server_output, input) = tokio::io::duplex(1 << 16);
        let (sender, messages) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut input = BufReader::new(input);
            while let Some(message) = read(&mut input).await {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let server = tokio::spawn(layerwise_lsp::serve(served, server_input, server_output));
        Self { engine, output: Some(output), messages, server, seen: Vec::new(), last_id: 0 }
    }

    /// A server after the handshake; returns what it says it can do, too.
    pub(crate) async fn ready(capabilities: Value) -> (Self, Value) {
        let mut client = Self::start();
        let answer = client.request("initialize", json!({"capabilities": capabilities})).await;
        client.notify("initialized", json!({})).await;
        let capabilities = answer["result"]["capabilities"].clone();
        assert!(capabilities.is_object(), "{answer}");
        (client, capabilities)
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        let output = self.output.as_mut().expect("the test closed the input");
        output.write_all(bytes).await.expect("the server closed its input");
    }

    pub(crate) async fn send(&mut self, message: Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Sends a request and returns its id.
    pub(crate) async fn start_request(&mut self, method: &str, params: Value) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(message).await;
        id
    }

    /// Sends a request and returns the whole answer.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start_request(method, params).await;
        self.answer(id).await
    }

    /// The result of a request that has to succeed.
    pub(crate) async fn result(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    pub(crate) async fn answer(&mut self, id: i64) -> Value {
        self.wait(|message| message.get("method").is_none() && message["id"] == id).await
    }

    pub(crate) async fn notification(&mut self, method: &str) -> Value {
        self.wait(|message| message["method"] == method).await["params"].take()
    }

    /// The first message for which `wanted` holds, among those seen and those to come; it is taken out.
    pub(crate) async fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.seen.iter().position(&wanted) {
            return self.seen.remove(at);
        }
        loop {
            let next = tokio::time::timeout(PATIENCE, self.messages.recv()).await;
            let message = next.expect("the server hangs").expect("the server ended");
            if wanted(&message) {
                return message;
            }
            self.seen.push(message);
        }
    }

    /// Everything that the server sent up to now: a request is answered after all that was sent before it.
    pub(crate) async fn everything(&mut self) -> Vec<Value> {
        self.request("test/nothing", Value::Null).await;
        std::mem::take(&mut self.seen)
    }

    pub(crate) async fn open(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "dockerfile", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document})).await;
    }

    pub(crate) async fn change(&mut self, uri: &str, version: i32, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}))
            .await;
    }

    /// What the engine knows of a document (`engine.rs`, `hover`), or null.
    pub(crate) async fn known(&mut self, uri: &str) -> Value {
        let id = self.ask_known(uri).await;
        self.known_answer(id).await
    }

    pub(crate) async fn ask_known(&mut self, uri: &str) -> i64 {
        self.start_request("textDocument/hover", at(uri, 0, 0)).await
    }

    pub(crate) async fn known_answer(&mut self, id: i64) -> Value {
        let answer = self.answer(id).await;
        let said = answer["result"]["contents"]["value"].as_str().unwrap_or("null");
        serde_json::from_str(said).expect("the engine says JSON")
    }

    pub(crate) async fn text(&mut self, uri: &str) -> String {
        self.known(uri).await["text"].as_str().expect("the document is known").to_owned()
    }

    /// Closes the server's input.
    pub(crate) fn hang_up(&mut self) {
        self.output = None;
    }

    /// The exit status, once the server ends.
    pub(crate) async fn status(mut self) -> u8 {
        let status = tokio::time::timeout(PATIENCE, &mut self.server).await;
        status.expect("the server does not end").expect("the server panics")
    }
}

/// Threads that compute would keep the test's runtime, and so the test, from ending.
impl Drop for Client {
    fn drop(&mut self) {
        self.engine.release();
    }
}

async fn read(input: &mut BufReader<DuplexStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().expect("a length"),
            Some(other) => panic!("unknown header {other:?}"),
            None => break,
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).await.ok()?;
    Some(serde_json::from_slice(&body).expect("the server writes JSON"))
}

pub(crate) fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

pub(crate) fn range(start: (u32, u32), end: (u32, u32)) -> Value {
    json!({"start": {"line": start.0, "character": start.1}, "end": {"line": end.0, "character": end.1}})
}

/// A small generator (xorshift64*), so that a failure can be run again.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}
