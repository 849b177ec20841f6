//! Clients that are broken or malicious: whatever comes, in whatever order, the server answers each request once, does
//! not panic, does not hang, and ends with the status that the life cycle asks for.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::client::{Client, Random, range};

fn uri(random: &mut Random) -> Value {
    random.pick(&[
        json!("file:///a"),
        json!("file:///b"),
        json!("file:///a b"),
        json!(""),
        json!(7),
        json!("untitled:x"),
    ])
}

fn number(random: &mut Random) -> Value {
    random.pick(&[
        json!(0),
        json!(1),
        json!(2),
        json!(5),
        json!(u32::MAX),
        json!(-1),
        json!(1e300),
        json!("1"),
        json!(null),
    ])
}

fn place(random: &mut Random) -> Value {
    json!({"line": number(random), "character": number(random)})
}

fn text(random: &mut Random) -> &'static str {
    random.pick(&[
        "",
        "ERR",
        "\r",
        "\n",
        "🐳",
        "FROM a\nRUN b\n",
        "PANIC",
        "PANIC-OPEN",
        "PANIC-EDIT",
        "\u{feff}",
    ])
}

fn message(random: &mut Random) -> (&'static str, Value) {
    let document = json!({"uri": uri(random), "version": number(random)});
    let bounds = json!({"start": place(random), "end": place(random)});
    match random.below(20) {
        0..3 => {
            let text = text(random);
            let document =
                json!({"uri": uri(random), "languageId": "dockerfile", "version": 1, "text": text});
            ("textDocument/didOpen", json!({"textDocument": document}))
        }
        3..8 => {
            let whole = json!({"text": text(random)});
            let part = json!({"range": bounds, "text": text(random)});
            let good = json!({"range": range((0, 0), (9, 0)), "text": text(random)});
            let changes =
                (0..random.below(4)).map(|_| random.pick(&[whole.clone(), part.clone(), good.clone()]));
            let changes = changes.collect::<Vec<_>>();
            ("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}))
        }
        8 => ("textDocument/didClose", json!({"textDocument": document})),
        9 => ("textDocument/didSave", json!({"textDocument": document, "text": text(random)})),
        10 => ("workspace/didChangeConfiguration", json!({"settings": document})),
        11 => (
            "workspace/didChangeWatchedFiles",
            json!({"changes": [{"uri": uri(random), "type": number(random)}]}),
        ),
        12 => ("$/setTrace", json!({"value": random.pick(&["off", "messages", "verbose", "what"])})),
        13 => ("$/cancelRequest", json!({"id": random.below(400)})),
        14 => ("textDocument/hover", json!({"textDocument": document, "position": place(random)})),
        15 => {
            let context = json!({"diagnostics": []});
            (
                "textDocument/codeAction",
                json!({"textDocument": document, "range": bounds, "context": context}),
            )
        }
        16 => ("textDocument/inlayHint", json!({"textDocument": document, "range": bounds})),
        17 => ("textDocument/diagnostic", json!({"textDocument": document})),
        18 => {
            let method =
                random.pick(&["initialize", "initialized", "shutdown", "textDocument/foldingRange", "\u{0}"]);
            (method, random.pick(&[json!({"capabilities": {}}), json!({}), json!(null), json!([[]])]))
        }
        _ => ("codeAction/resolve", json!({"title": "x", "data": random.pick(&[json!(1), document])})),
    }
}

#[tokio::test]
async fn any_order_of_any_messages() {
    for seed in 1..40 {
        let mut random = Random(0x2545_f491_4f6c_dd1d ^ seed);
        let mut client = Client::start();
        client.engine.release();
        if seed % 4 > 0 {
            client
                .request("initialize", json!({"capabilities": {"workspace": {"configuration": true}}}))
                .await;
        }
        let mut open = HashMap::new();
        for _ in 0..200 {
            let (method, params) = message(&mut random);
            if method == "shutdown" && random.below(20) > 0 {
                continue;
            }
            // Notifications that come as requests and the other way round, too.
            if random.below(8) == 0 || !method.contains("did") && !method.starts_with("$/") {
                open.insert(client.start_request(method, params.clone()).await, (method, params));
            } else {
                client.notify(method, params).await;
            }
            if random.below(10) == 0 {
                client.send_raw(b"Content-Length: 3\r\n\r\n{]}").await;
            }
            if random.below(10) == 0 {
                client
                    .send(random.pick(&[
                        json!([]),
                        json!(7),
                        json!({"id": 1}),
                        json!({"jsonrpc": "2.0", "result": 1}),
                    ]))
                    .await;
            }
        }
        for (id, request) in open {
            let answer = client.answer(id).await;
            assert!(answer.get("result").is_some() != answer.get("error").is_some(), "{request:?}: {answer}");
        }
        assert!(client.seen.iter().all(|message| !message["id"].is_i64() || message.get("method").is_some()));
        client.notify("exit", Value::Null).await;
        assert!(client.status().await <= 1);
    }
}

#[tokio::test]
async fn two_requests_with_one_id_are_both_answered() {
    let (mut client, _) = Client::ready(json!({})).await;
    let params = json!({"textDocument": {"uri": "file:///a"}});
    client.open("file:///a", "FROM a\nRUN b\n").await;
    let fold =
        json!({"jsonrpc": "2.0", "id": "twice", "method": "textDocument/foldingRange", "params": params});
    client.send(fold.clone()).await;
    client.send(fold).await;
    let second = client.wait(|message| message["id"] == "twice").await;
    assert_eq!(second["error"]["code"], -32600);
    client.engine.release();
    let first = client.wait(|message| message["id"] == "twice").await;
    assert!(first["result"].is_array(), "{first}");
}

#[tokio::test]
async fn a_text_of_ten_megabytes_in_one_line() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open("file:///a", &"🐳 RUNS ".repeat(1_250_000)).await;
    let place = range((0, 7), (0, 7));
    client.change("file:///a", 2, json!([{"range": place, "text": "x"}])).await;
    let symbols =
        client.result("textDocument/documentSymbol", json!({"textDocument": {"uri": "file:///a"}})).await;
    assert!(symbols.is_array());
}
