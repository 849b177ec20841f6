//! Diagnostics, pushed and pulled: for the right text, once, and gone when the document is.

use serde_json::{Value, json};

use crate::client::{Client, URI, range};

const PULLS: &str =
    r#"{"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {"refreshSupport": true}}}"#;

fn pull(previous: Option<&Value>) -> Value {
    json!({"textDocument": {"uri": URI}, "previousResultId": previous})
}

/// The pushed diagnostics of the version that is asked for; versions before it may or may not be published.
async fn pushed(client: &mut Client, version: i32) -> Value {
    loop {
        let params = client.notification("textDocument/publishDiagnostics").await;
        assert!(params["version"].as_i64() <= Some(version.into()), "{params}");
        if params["version"] == version {
            return params["diagnostics"].clone();
        }
    }
}

fn versions() -> Value {
    json!({"textDocument": {"publishDiagnostics": {"versionSupport": true}}})
}

#[tokio::test]
async fn pushed_diagnostics_follow_the_text() {
    let (mut client, capabilities) = Client::ready(versions()).await;
    assert_eq!(capabilities.get("diagnosticProvider"), None);
    client.open(URI, "🐳 ERR").await;
    let found = pushed(&mut client, 1).await;
    assert_eq!(found[0]["range"], range((0, 3), (0, 6)));
    client.change(URI, 2, json!([{"range": range((0, 0), (0, 2)), "text": "\n"}])).await;
    let found = pushed(&mut client, 2).await;
    assert_eq!(
        (&found[0]["range"], found[0]["message"].as_str()),
        (&range((1, 1), (1, 4)), Some("of a text of 5 bytes"))
    );
    client.change(URI, 3, json!([{"text": ""}])).await;
    assert_eq!(pushed(&mut client, 3).await, json!([]));
}

#[tokio::test]
async fn what_is_pushed_belongs_to_its_version() {
    let (mut client, _) = Client::ready(versions()).await;
    client.open(URI, "ERR").await;
    // Version v has 3 + (v - 1) bytes.
    for version in 2..300 {
        client.change(URI, version, json!([{"range": range((0, 0), (0, 0)), "text": "x"}])).await;
    }
    let (mut last, mut count) = (0, 0);
    while last < 299 {
        let params = client.notification("textDocument/publishDiagnostics").await;
        let version = params["version"].as_i64().expect("a version");
        assert!(version > last, "{version} after {last}");
        assert_eq!(params["diagnostics"][0]["message"], format!("of a text of {} bytes", version + 2));
        (last, count) = (version, count + 1);
    }
    assert!(count <= client.engine.computed());
}

#[tokio::test]
async fn closing_and_losing_clear_what_was_pushed() {
    let (mut client, _) = Client::ready(json!({})).await;
    for way in ["close", "lose"] {
        client.open(URI, "ERR").await;
        while client.notification("textDocument/publishDiagnostics").await["diagnostics"] == json!([]) {}
        if way == "close" {
            client.notify("textDocument/didClose", json!({"textDocument": {"uri": URI}})).await;
        } else {
            client.change(URI, 2, json!([{"range": range((0, 1), (0, 0)), "text": "x"}])).await;
        }
        let params = client.notification("textDocument/publishDiagnostics").await;
        // Nothing is known, so no version is named.
        assert_eq!(params, json!({"uri": URI, "diagnostics": []}), "{way}");
    }
}

#[tokio::test]
async fn a_rule_that_panics_costs_an_answer() {
    let (mut client, _) = Client::ready(versions()).await;
    client.open(URI, "ERR").await;
    assert_eq!(pushed(&mut client, 1).await.as_array().map(Vec::len), Some(1));
    client.change(URI, 2, json!([{"text": "ERR PANIC"}])).await;
    // What belongs to another text is worse than nothing.
    assert_eq!(pushed(&mut client, 2).await, json!([]));
    let said = client.notification("window/logMessage").await;
    assert!(said["message"].to_string().contains("a rule panics"), "{said}");
    client.change(URI, 3, json!([{"text": "ERR"}])).await;
    assert_eq!(pushed(&mut client, 3).await.as_array().map(Vec::len), Some(1));

    let (mut client, _) = Client::ready(serde_json::from_str(PULLS).unwrap()).await;
    client.open(URI, "PANIC").await;
    let answer = client.request("textDocument/diagnostic", pull(None)).await;
    assert_eq!(answer["error"]["code"], -32603);
    assert_eq!(
        client.request("textDocument/hover", crate::client::at(URI, 0, 0)).await["error"]["code"],
        -32603
    );
    assert!(client.result("textDocument/documentSymbol", pull(None)).await.is_array());
}

#[tokio::test]
async fn pulled_diagnostics_are_not_pushed_and_not_repeated() {
    let (mut client, capabilities) = Client::ready(serde_json::from_str(PULLS).unwrap()).await;
    assert_eq!(capabilities["diagnosticProvider"]["workspaceDiagnostics"], json!(false));
    client.open(URI, "ERR").await;
    let first = client.result("textDocument/diagnostic", pull(None)).await;
    assert_eq!((&first["kind"], first["items"].as_array().map(Vec::len)), (&json!("full"), Some(1)));
    let again = client.result("textDocument/diagnostic", pull(Some(&first["resultId"]))).await;
    assert_eq!(again, json!({"kind": "unchanged", "resultId": first["resultId"]}));
    client.change(URI, 2, json!([{"text": "ERR ERR"}])).await;
    let other = client.result("textDocument/diagnostic", pull(Some(&first["resultId"]))).await;
    assert_eq!((&other["kind"], other["items"].as_array().map(Vec::len)), (&json!("full"), Some(2)));
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": URI}})).await;
    let gone = client.result("textDocument/diagnostic", pull(Some(&other["resultId"]))).await;
    assert_eq!((&gone["kind"], &gone["items"]), (&json!("full"), &json!([])));
    assert!(client.everything().await.is_empty());
}

#[tokio::test]
async fn a_changed_file_is_a_sync_point() {
    let (mut client, _) = Client::ready(versions()).await;
    client.open(URI, "ERR").await;
    pushed(&mut client, 1).await;
    let changes =
        json!([{"uri": "file:///project/.dockerignore", "type": 1}, {"uri": "http://x/y", "type": 2}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes})).await;
    assert_eq!(client.known(URI).await["files"], json!([["/project/.dockerignore", "Created"]]));
    // The text is the same, what depends on the file is published anew.
    pushed(&mut client, 1).await;
}

#[tokio::test]
async fn a_changed_world_is_announced() {
    let (mut client, _) = Client::ready(serde_json::from_str(PULLS).unwrap()).await;
    client.open(URI, "ERR").await;
    client.known(URI).await;
    let engine = client.engine.clone();
    std::thread::spawn(move || engine.change_the_world()).join().expect("the call returns");
    let refresh = client.wait(|message| message["method"] == "workspace/diagnostic/refresh").await;
    client.send(json!({"jsonrpc": "2.0", "id": refresh["id"], "result": null})).await;
    assert_eq!(client.known(URI).await["settings"], "changed world");
}
