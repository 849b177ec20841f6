//! The measurements of docs/architecture.md, "Front", as tests.

use std::time::Instant;

use serde_json::json;

use crate::client::{Client, URI, range};

/// 1,000 changes, each inserting its number at the start, so that any two in the wrong order give another text.
async fn thousand_changes(client: &mut Client) -> String {
    let mut expected = String::new();
    for number in 0..1000 {
        client
            .change(URI, number + 2, json!([{"range": range((0, 0), (0, 0)), "text": format!("{number},")}]))
            .await;
        expected.insert_str(0, &format!("{number},"));
    }
    expected
}

#[tokio::test]
async fn a_thousand_edits_end_on_the_right_text() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "").await;
    let expected = thousand_changes(&mut client).await;
    // Sent right after them, without waiting for anything: it sees all of them and nothing that comes later.
    let now = client.ask_known(URI).await;
    client.change(URI, 2000, json!([{"text": "later"}])).await;
    let now = client.known_answer(now).await;
    assert_eq!((now["edits"].as_u64(), now["text"].as_str()), (Some(1000), Some(&*expected)));
    assert_eq!(client.text(URI).await, "later");
}

#[tokio::test]
async fn edits_do_not_wait_for_a_configuration() {
    let capabilities = json!({"workspace": {"configuration": true}});
    let (mut client, _) = Client::ready(capabilities).await;
    client.open(URI, "").await;
    // More of them than any queue on the way holds; none is answered.
    for _ in 0..50 {
        client.notify("workspace/didChangeConfiguration", json!({"settings": null})).await;
    }
    let expected = thousand_changes(&mut client).await;
    assert_eq!(client.text(URI).await, expected);
    let asked = client.notification("workspace/configuration").await;
    assert_eq!(asked["items"], json!([{"section": "layerwise"}]));
}

#[tokio::test]
async fn cancelling_waits_for_nothing() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "FROM a\nRUN b\n").await;
    let document = json!({"textDocument": {"uri": URI}});
    let mut slow = Vec::new();
    for _ in 0..16 {
        slow.push(client.start_request("textDocument/foldingRange", document.clone()).await);
    }
    while client.engine.slow() == 0 {
        tokio::task::yield_now().await;
    }
    // None of them can finish before `release`, and none looks at its flag: an answer is an answer to the cancelling.
    let started = Instant::now();
    for &id in &slow {
        client.notify("$/cancelRequest", json!({"id": id})).await;
        assert_eq!(client.answer(id).await["error"]["code"], -32800);
    }
    println!("16 requests cancelled in {:?}, 16 in flight", started.elapsed());
    // The server is as good as new: what waits behind the threads that still compute is answered after them.
    let next = client.start_request("textDocument/documentSymbol", document).await;
    client.change(URI, 2, json!([{"text": "FROM b"}])).await;
    client.engine.release();
    assert!(client.answer(next).await["result"].is_array());
    assert_eq!(client.text(URI).await, "FROM b");
}

#[tokio::test]
async fn a_cancelled_request_that_has_not_begun_never_does() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "FROM a\nRUN b\n").await;
    let document = json!({"textDocument": {"uri": URI}});
    for _ in 0..64 {
        let id = client.start_request("textDocument/foldingRange", document.clone()).await;
        client.notify("$/cancelRequest", json!({"id": id})).await;
        assert_eq!(client.answer(id).await["error"]["code"], -32800);
    }
    client.engine.release();
    assert_eq!(client.text(URI).await, "FROM a\nRUN b\n");
    // As many as there are threads (at most 4) may have begun before they were cancelled.
    assert!(client.engine.slow() <= 4, "{}", client.engine.slow());
}
