//! ShellCheck behind the server, with a program that stands in for it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::engine::TestEngine;

/// Finds the first word of the last line of what it gets, and notes that it ran.
const STAND_IN: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo 'version: 0.11.0'; exit; fi
echo ran >> "$(dirname "$0")/ran"
lines=$(cat; echo)
line=$(printf '%s\n' "$lines" | wc -l)
printf '{"comments":[{"line":%d,"endLine":%d,"column":1,"endColumn":4,"level":"warning","code":2086,"message":"Bad."}]}' $line $line
"#;

const DOCKERFILE: &str = "FROM debian:12\nRUN bad words\n";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    // Written by another process: were it open for writing here while another test starts one, it could not run.
    let mut child = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(folder.path().join("shellcheck"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    child.stdin.take().expect("a pipe").write_all(STAND_IN.as_bytes()).expect("it is written");
    assert!(child.wait().expect("it ends").success());
    std::fs::write(folder.path().join("Dockerfile"), DOCKERFILE).expect("it is written");
    folder
}

fn uri(folder: &Path) -> String {
    format!("file://{}/Dockerfile", folder.display())
}

async fn opened(folder: &Path, setting: Value) -> Client {
    let mut client = Client::with(Arc::new(TestEngine::default()), layerwise_lsp::workbench(folder));
    let capabilities = json!({"textDocument": {"publishDiagnostics": {"codeDescriptionSupport": true}}});
    let options = json!({"shellcheck": setting, "client": {"planChanged": true}});
    let params = json!({"capabilities": capabilities, "initializationOptions": options});
    client.request("initialize", params).await;
    client.notify("initialized", json!({})).await;
    client.open(&uri(folder), DOCKERFILE).await;
    client
}

fn shell(message: &Value) -> Option<&Value> {
    let found = message["params"]["diagnostics"].as_array()?;
    found.iter().find(|d| d["code"] == "SC2086")
}

fn runs(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("ran")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn its_findings_come_when_the_document_has_settled() {
    let folder = folder();
    let mut client = opened(folder.path(), json!(folder.path().join("shellcheck"))).await;
    let told = client.wait(|message| shell(message).is_some()).await;
    let found = shell(&told).expect("it is there");
    assert_eq!(
        found["range"],
        json!({"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 7}})
    );
    assert_eq!((&found["severity"], &found["message"]), (&json!(2), &json!("Bad. (ShellCheck SC2086)")));
    assert_eq!(found["codeDescription"]["href"], "https://www.shellcheck.net/wiki/SC2086");
    assert_eq!(runs(folder.path()), 1);
    // A line above it: the same script, at another place, and nothing runs.
    let change = json!({"range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}, "text": "USER x\n"});
    let params =
        json!({"textDocument": {"uri": uri(folder.path()), "version": 2}, "contentChanges": [change]});
    client.notify("textDocument/didChange", params).await;
    let told =
        client.wait(|message| shell(message).is_some_and(|found| found["range"]["start"]["line"] == 2)).await;
    assert!(shell(&told).is_some());
    assert_eq!(runs(folder.path()), 1);
}

#[tokio::test]
async fn nothing_runs_unless_it_is_switched_on() {
    let folder = folder();
    // A path that is not absolute could be the repository's.
    for setting in [json!("off"), json!("./shellcheck"), json!(null)] {
        let mut client = opened(folder.path(), setting).await;
        // Told once the document has settled, which is when ShellCheck would be asked.
        client.wait(|message| message["method"] == "layerwise/planChanged").await;
        assert_eq!(runs(folder.path()), 0);
    }
}
