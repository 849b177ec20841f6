//! What the engine gives, as the client can take it: one client that can do everything, one that can do nothing.

use serde_json::{Value, json};

use crate::client::{Client, URI, at, range};

const TEXT: &str = "FROM 🐳\nRUN ERR\n";

fn able() -> Value {
    json!({
        "textDocument": {
            "hover": {"contentFormat": ["markdown", "plaintext"]},
            "foldingRange": {"lineFoldingOnly": true},
            "documentSymbol": {"hierarchicalDocumentSymbolSupport": true},
            "diagnostic": {},
            "publishDiagnostics": {
                "relatedInformation": true, "tagSupport": {"valueSet": [1]}, "codeDescriptionSupport": true,
                "dataSupport": true,
            },
            "codeAction": {
                "codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}, "dataSupport": true,
                "isPreferredSupport": true, "disabledSupport": true, "resolveSupport": {"properties": ["edit"]},
            },
        },
        "workspace": {"workspaceEdit": {"documentChanges": true}},
    })
}

fn literals_only() -> Value {
    let literals = json!({"codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}}});
    json!({"textDocument": {"codeAction": literals}})
}

async fn with(capabilities: Value) -> (Client, Value) {
    let (mut client, says) = Client::ready(capabilities).await;
    client.open(URI, TEXT).await;
    (client, says)
}

fn document() -> Value {
    json!({"textDocument": {"uri": URI}})
}

fn actions(only: Value) -> Value {
    let mut context = json!({"diagnostics": []});
    if !only.is_null() {
        context["only"] = only;
    }
    json!({"textDocument": {"uri": URI}, "range": range((1, 5), (1, 5)), "context": context})
}

#[tokio::test]
async fn only_what_the_client_can_take_is_offered() {
    let (_, says) = with(able()).await;
    let kinds = json!(["quickfix", "refactor.rewrite"]);
    assert_eq!(says["codeActionProvider"], json!({"codeActionKinds": kinds, "resolveProvider": true}));
    for provider in ["hover", "foldingRange", "selectionRange", "documentSymbol", "inlayHint"] {
        assert_eq!(says[format!("{provider}Provider")], json!(true), "{provider}");
    }
    let (_, says) = with(json!({})).await;
    assert_eq!((says.get("codeActionProvider"), says.get("diagnosticProvider")), (None, None));
    let (_, says) = with(literals_only()).await;
    assert_eq!(says["codeActionProvider"]["resolveProvider"], json!(false));
}

#[tokio::test]
async fn a_diagnostic_has_what_the_client_understands() {
    let (mut client, _) = with(able()).await;
    let report = client.result("textDocument/diagnostic", document()).await;
    let expected = json!([{
        "range": range((1, 4), (1, 7)), "severity": 1, "code": "TestRule", "source": "layerwise",
        "codeDescription": {"href": "https://example.org/TestRule"}, "message": "of a text of 18 bytes",
        "relatedInformation": [
            {"location": {"uri": URI, "range": range((0, 0), (0, 0))}, "message": "the start"}
        ],
        "tags": [1], "data": {"at": 14},
    }]);
    assert_eq!(report["items"], expected);

    let (mut client, _) = with(json!({})).await;
    let pushed = client.notification("textDocument/publishDiagnostics").await;
    let expected = json!([{
        "range": range((1, 4), (1, 7)), "severity": 1, "code": "TestRule", "source": "layerwise",
        "message": "of a text of 18 bytes",
    }]);
    assert_eq!(pushed, json!({"uri": URI, "diagnostics": expected}));
}

#[tokio::test]
async fn an_action_is_resolved_when_it_is_chosen() {
    let (mut client, _) = with(able()).await;
    let offered = client.result("textDocument/codeAction", actions(Value::Null)).await;
    let titles = offered.as_array().expect("a list").iter().map(|action| action["title"].as_str());
    assert_eq!(titles.collect::<Vec<_>>(), [Some("Do fix"), Some("Do rewrite"), Some("Do never")]);
    let fix = &offered[0];
    assert_eq!(
        (&fix["kind"], &fix["isPreferred"], fix.get("edit")),
        (&json!("quickfix"), &json!(true), None)
    );
    assert_eq!(fix["diagnostics"][0]["code"], "TestRule");
    assert_eq!(offered[2]["disabled"], json!({"reason": "not here"}));

    let resolved = client.result("codeAction/resolve", fix.clone()).await;
    let edits = json!([{"range": range((1, 5), (1, 5)), "newText": "<fix>"}]);
    let changes = json!([{"textDocument": {"uri": URI, "version": 1}, "edits": edits}]);
    assert_eq!(resolved["edit"], json!({"documentChanges": changes}));
    assert_eq!(resolved["title"], fix["title"]);

    assert_eq!(client.request("codeAction/resolve", offered[2].clone()).await["error"]["code"], -32801);
    let mut broken = fix.clone();
    broken["data"] = json!(1);
    assert_eq!(client.request("codeAction/resolve", broken).await["error"]["code"], -32602);
    let foreign = json!({"title": "Somebody else's"});
    assert_eq!(client.result("codeAction/resolve", foreign.clone()).await, foreign);
    // Files and settings are others now, the text is not.
    let changed = json!({"changes": [{"uri": "file:///other", "type": 2}]});
    client.notify("workspace/didChangeWatchedFiles", changed).await;
    client.notify("workspace/didChangeConfiguration", json!({"settings": {}})).await;
    assert_eq!(client.result("codeAction/resolve", fix.clone()).await["edit"], resolved["edit"]);
    // The text is another one now, even though it is the same again.
    client.change(URI, 2, json!([{"text": "x"}, {"text": TEXT}])).await;
    assert_eq!(client.request("codeAction/resolve", fix.clone()).await["error"]["code"], -32801);
}

#[tokio::test]
async fn an_action_comes_with_its_edit_where_it_cannot_be_resolved() {
    let (mut client, _) = with(literals_only()).await;
    let offered = client.result("textDocument/codeAction", actions(Value::Null)).await;
    assert_eq!(offered.as_array().map(Vec::len), Some(2), "the disabled one is left out: {offered}");
    let edits = json!([{"range": range((1, 5), (1, 5)), "newText": "<fix>"}]);
    assert_eq!(offered[0]["edit"], json!({"changes": {URI: edits}}));
    assert_eq!((offered[0].get("data"), offered[0].get("isPreferred")), (None, None));

    let (mut client, _) = with(json!({})).await;
    assert_eq!(client.result("textDocument/codeAction", actions(Value::Null)).await, Value::Null);
}

#[tokio::test]
async fn only_the_kinds_that_are_asked_for() {
    let (mut client, _) = with(able()).await;
    for (only, expected) in [
        (json!(["quickfix"]), vec!["Do fix"]),
        (json!(["refactor"]), vec!["Do rewrite", "Do never"]),
        (json!(["refactor.rewrite"]), vec!["Do rewrite", "Do never"]),
        (json!(["refactor.re", "source"]), vec![]),
        (json!([""]), vec!["Do fix", "Do rewrite", "Do never"]),
        (json!([]), vec![]),
    ] {
        let offered = client.result("textDocument/codeAction", actions(only.clone())).await;
        let titles = offered
            .as_array()
            .expect("a list")
            .iter()
            .map(|action| action["title"].as_str().expect("a title"));
        assert_eq!(titles.collect::<Vec<_>>(), expected, "{only}");
    }
}

#[tokio::test]
async fn hover_hints_folds_selections_and_symbols() {
    let (mut client, _) = with(able()).await;
    let hover = client.result("textDocument/hover", at(URI, 0, 7)).await;
    assert_eq!((&hover["range"], &hover["contents"]["kind"]), (&range((0, 7), (2, 0)), &json!("markdown")));

    let hints = json!({"textDocument": {"uri": URI}, "range": range((0, 7), (9, 9))});
    let hints = client.result("textDocument/inlayHint", hints).await;
    let hint = |line: u32, character: u32, label: &str| {
        let tooltip = json!({"kind": "markdown", "value": "*why*"});
        json!({"position": {"line": line, "character": character}, "label": label, "tooltip": tooltip, "paddingLeft": true})
    };
    assert_eq!(hints, json!([hint(0, 7, "at 9"), hint(2, 0, "at 18")]));
    let backwards = json!({"textDocument": {"uri": URI}, "range": range((1, 0), (0, 0))});
    assert_eq!(client.result("textDocument/inlayHint", backwards).await, Value::Null);

    client.engine.release();
    // The comment lies within one line.
    let folds = client.result("textDocument/foldingRange", document()).await;
    assert_eq!(folds, json!([{"startLine": 0, "endLine": 2, "kind": "region"}]));

    let positions = json!({"textDocument": {"uri": URI}, "positions": [{"line": 1, "character": 4}]});
    let selections = client.result("textDocument/selectionRange", positions).await;
    let all = json!({"range": range((0, 0), (2, 0))});
    assert_eq!(selections, json!([{"range": range((1, 4), (1, 5)), "parent": all}]));

    let symbols = client.result("textDocument/documentSymbol", document()).await;
    assert_eq!(symbols[0]["children"][0]["name"], "RUN");
    assert_eq!(symbols.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn the_same_for_a_client_that_can_do_little() {
    let (mut client, _) = with(json!({})).await;
    let hover = client.result("textDocument/hover", at(URI, 0, 7)).await;
    assert_eq!(hover["contents"]["kind"], "plaintext");
    client.engine.release();
    let folds = client.result("textDocument/foldingRange", document()).await;
    let fold =
        json!({"startLine": 0, "startCharacter": 0, "endLine": 2, "endCharacter": 0, "kind": "region"});
    assert_eq!(folds, json!([fold]));
    let symbols = client.result("textDocument/documentSymbol", document()).await;
    let named = symbols
        .as_array()
        .expect("a list")
        .iter()
        .map(|symbol| (&symbol["name"], symbol.get("containerName")));
    let (build, run, last, inside) = (json!("build"), json!("RUN"), json!("final"), json!("build"));
    assert_eq!(named.collect::<Vec<_>>(), [(&build, None), (&run, Some(&inside)), (&last, None)]);
}

#[tokio::test]
async fn a_document_that_is_not_open_has_nothing() {
    let (mut client, _) = Client::ready(able()).await;
    for (method, params) in [
        ("textDocument/hover", at(URI, 0, 0)),
        ("textDocument/codeAction", actions(Value::Null)),
        ("textDocument/inlayHint", json!({"textDocument": {"uri": URI}, "range": range((0, 0), (0, 0))})),
        ("textDocument/foldingRange", document()),
        ("textDocument/selectionRange", json!({"textDocument": {"uri": URI}, "positions": []})),
        ("textDocument/documentSymbol", document()),
    ] {
        assert_eq!(client.result(method, params).await, Value::Null, "{method}");
    }
}
