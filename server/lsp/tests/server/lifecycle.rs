//! LSP's life cycle, to the letter.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::client::{Client, URI, at, range};

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[tokio::test]
async fn nothing_works_before_initialize() {
    let mut client = Client::start();
    assert_eq!(code(&client.request("textDocument/hover", at(URI, 0, 0)).await), -32002);
    assert_eq!(code(&client.request("shutdown", Value::Null).await), -32002);
    client.open(URI, "FROM a").await;
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"bad": 1}})).await;
    let answer = client.request("initialize", json!({"capabilities": {}})).await;
    assert_eq!(answer["result"]["serverInfo"]["name"], "layerwise");
    // Notifications from before count for nothing, and nothing was said before the answer.
    assert!(client.seen.is_empty(), "{:?}", client.seen);
    assert_eq!(client.known(URI).await, Value::Null);
}

#[tokio::test]
async fn a_failed_initialize_can_be_tried_again() {
    let mut client = Client::start();
    assert_eq!(code(&client.request("initialize", json!({"capabilities": 1})).await), -32602);
    assert_eq!(code(&client.request("textDocument/hover", at(URI, 0, 0)).await), -32002);
    let trace = json!({"capabilities": {}, "trace": "compact"});
    assert!(client.request("initialize", trace).await["result"].is_object());
}

#[tokio::test]
async fn initialize_works_once() {
    let (mut client, _) = Client::ready(json!({})).await;
    assert_eq!(code(&client.request("initialize", json!({"capabilities": {}})).await), -32600);
    client.open(URI, "FROM a").await;
    assert_eq!(client.text(URI).await, "FROM a");
}

#[tokio::test]
async fn nothing_works_after_shutdown() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "FROM a").await;
    let answer = client.request("shutdown", Value::Null).await;
    assert_eq!((&answer["result"], answer.get("error")), (&Value::Null, None));
    assert_eq!(code(&client.request("textDocument/hover", at(URI, 0, 0)).await), -32600);
    assert_eq!(code(&client.request("shutdown", Value::Null).await), -32600);
    assert_eq!(code(&client.request("initialize", json!({"capabilities": {}})).await), -32600);
    client.open("file:///b", "ERR").await;
    client.notify("exit", Value::Null).await;
    assert_eq!(client.status().await, 0);
}

#[tokio::test]
async fn exit_without_shutdown_is_an_error() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.notify("exit", Value::Null).await;
    assert_eq!(client.status().await, 1);

    let mut client = Client::start();
    client.notify("exit", Value::Null).await;
    assert_eq!(client.status().await, 1);
}

#[tokio::test]
async fn the_server_ends_when_its_input_does() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "FROM a\nRUN b\n").await;
    // Not even a request that never ends keeps it alive.
    client.start_request("textDocument/foldingRange", json!({"textDocument": {"uri": URI}})).await;
    while client.engine.slow() == 0 {
        tokio::task::yield_now().await;
    }
    client.hang_up();
    let engine = client.engine.clone();
    assert_eq!(client.status().await, 1);
    engine.release();

    let (mut client, _) = Client::ready(json!({})).await;
    client.request("shutdown", Value::Null).await;
    client.hang_up();
    assert_eq!(client.status().await, 0);
}

#[tokio::test]
async fn the_server_ends_when_nobody_reads_its_output() {
    let (mut input, server_input) = tokio::io::duplex(1 << 16);
    let (server_output, output) = tokio::io::duplex(1 << 16);
    drop(output);
    let engine = std::sync::Arc::new(crate::engine::TestEngine::default());
    let server = tokio::spawn(layerwise_lsp::serve(engine, server_input, server_output));
    input.write_all(b"Content-Length: 2\r\n\r\n[]").await.expect("the server reads");
    assert_eq!(server.await.expect("the server does not panic"), 1);
}

#[tokio::test]
async fn an_unknown_method_is_an_error_and_an_unknown_notification_is_none() {
    let (mut client, _) = Client::ready(json!({})).await;
    assert_eq!(code(&client.request("layerwise/nothing", Value::Null).await), -32601);
    client.notify("$/anything", json!([1])).await;
    client.notify("layerwise/anything", json!([1])).await;
    assert!(client.everything().await.is_empty());
    // A request without its parameters is refused; the next one is not.
    assert_eq!(code(&client.request("textDocument/hover", json!({"position": 1})).await), -32602);
    client.open(URI, "FROM a").await;
    assert_eq!(client.text(URI).await, "FROM a");
}

#[tokio::test]
async fn the_encoding_is_the_best_that_the_client_offers() {
    for (offered, expected) in [
        (json!(null), "utf-16"),
        (json!([]), "utf-16"),
        (json!(["utf-16"]), "utf-16"),
        (json!(["utf-7"]), "utf-16"),
        (json!(["utf-16", "utf-32"]), "utf-32"),
        (json!(["utf-8", "utf-32", "utf-16"]), "utf-8"),
        (json!(["utf-16", "utf-32", "utf-8"]), "utf-8"),
    ] {
        let (_, capabilities) = Client::ready(json!({"general": {"positionEncodings": offered}})).await;
        assert_eq!(capabilities["positionEncoding"], expected, "{offered}");
    }
}

#[tokio::test]
async fn tracing_is_the_clients_choice() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "FROM a").await;
    client.notification("textDocument/publishDiagnostics").await;
    client.known(URI).await;
    assert!(client.everything().await.is_empty());
    client.notify("$/setTrace", json!({"value": "messages"})).await;
    client.known(URI).await;
    let said = client.wait(|message| message["params"]["message"].to_string().contains("hover")).await;
    assert_eq!((&said["method"], said["params"].get("verbose")), (&json!("$/logTrace"), None));
    client.notify("$/setTrace", json!({"value": "verbose"})).await;
    client.known(URI).await;
    let said = client.wait(|message| message["params"]["message"].to_string().contains("hover")).await;
    assert!(said["params"]["verbose"].to_string().contains("FROM a"), "{said}");
    client.notify("$/setTrace", json!({"value": "off"})).await;
    client.everything().await;
    client.known(URI).await;
    assert!(client.everything().await.is_empty());
}

#[tokio::test]
async fn settings_are_taken_as_they_come() {
    let settings = |known: &Value| known["settings"].clone();
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "FROM a").await;
    for (sent, expected) in [
        (json!({"layerwise": {"engine": 1}}), json!({"engine": 1})),
        (json!({"engine": 2}), json!({"engine": 2})),
    ] {
        client.notify("workspace/didChangeConfiguration", json!({"settings": sent})).await;
        assert_eq!(settings(&client.known(URI).await), expected);
    }
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"colour": 1}})).await;
    assert_eq!(
        client.notification("window/logMessage").await["message"],
        "layerwise.colour: unknown setting"
    );
}

#[tokio::test]
async fn settings_are_asked_for_where_the_client_has_them() {
    let capabilities = json!({"workspace": {
        "configuration": true, "didChangeConfiguration": {"dynamicRegistration": true},
        "didChangeWatchedFiles": {"dynamicRegistration": true}, "inlayHint": {"refreshSupport": true},
    }});
    let (mut client, _) = Client::ready(capabilities).await;
    client.open(URI, "FROM a").await;
    let hints = json!({"textDocument": {"uri": URI}, "range": range((0, 0), (1, 0))});
    client.result("textDocument/inlayHint", hints).await;
    let registered = client.wait(|message| message["method"] == "client/registerCapability").await;
    client.send(json!({"jsonrpc": "2.0", "id": registered["id"], "result": null})).await;
    let methods =
        registered["params"]["registrations"].as_array().expect("a list").iter().map(|it| &it["method"]);
    assert_eq!(
        methods.collect::<Vec<_>>(),
        ["workspace/didChangeConfiguration", "workspace/didChangeWatchedFiles"]
    );
    let first = client.wait(|message| message["method"] == "workspace/configuration").await;
    client.notify("workspace/didChangeConfiguration", json!({"settings": null})).await;
    let second = client.wait(|message| message["method"] == "workspace/configuration").await;
    // The answer to the older question comes last and does not count.
    client.send(json!({"jsonrpc": "2.0", "id": second["id"], "result": [{"engine": "new"}]})).await;
    client.wait(|message| message["method"] == "workspace/inlayHint/refresh").await;
    client.send(json!({"jsonrpc": "2.0", "id": first["id"], "result": [{"engine": "old"}]})).await;
    client.everything().await;
    assert_eq!(client.known(URI).await["settings"], json!({"engine": "new"}));
}

#[tokio::test]
async fn folders_follow_the_client() {
    let mut client = Client::start();
    let folder = |path: &str| json!({"uri": format!("file:///{path}"), "name": path});
    let params = json!({
        "capabilities": {}, "rootUri": "file:///old", "workspaceFolders": [folder("a"), folder("b%20c")],
        "initializationOptions": {"engine": "docker"},
    });
    client.request("initialize", params).await;
    client.notify("initialized", json!({})).await;
    client.open(URI, "").await;
    let known = client.known(URI).await;
    assert_eq!(
        (&known["folders"], &known["settings"]),
        (&json!(["/a", "/b c"]), &json!({"engine": "docker"}))
    );
    assert_eq!((&known["path"], &known["language"]), (&json!("/project/Dockerfile"), &json!("dockerfile")));
    let event = json!({"event": {"added": [folder("d")], "removed": [folder("a")]}});
    client.notify("workspace/didChangeWorkspaceFolders", event).await;
    assert_eq!(client.known(URI).await["folders"], json!(["/b c", "/d"]));
}
