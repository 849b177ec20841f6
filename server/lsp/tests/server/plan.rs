//! Code lenses, commands and the `layerwise/*` requests: what goes in and out, and that nothing is sent that nobody needs.

use serde_json::{Value, json};

use crate::client::{Client, URI, range};

fn able() -> Value {
    json!({
        "workspace": {"codeLens": {"refreshSupport": true}, "inlayHint": {"refreshSupport": true}},
        "window": {
            "showDocument": {"support": true},
            "showMessage": {"messageActionItem": {"additionalPropertiesSupport": false}},
        },
    })
}

async fn ready(capabilities: Value, options: Value) -> (Client, Value) {
    let mut client = Client::start();
    let params = json!({"capabilities": capabilities, "initializationOptions": options});
    let answer = client.request("initialize", params).await;
    client.notify("initialized", json!({})).await;
    client.open(URI, "FROM a AS build\n").await;
    (client, answer["result"]["capabilities"].clone())
}

fn document() -> Value {
    json!({"textDocument": {"uri": URI}})
}

async fn run(client: &mut Client, command: &str, argument: Value) -> Value {
    client.request("workspace/executeCommand", json!({"command": command, "arguments": [argument]})).await
}

async fn ran(client: &mut Client, command: &str, argument: Value) -> Value {
    let answer = run(client, command, argument).await;
    assert!(answer.get("error").is_none(), "{command}: {answer}");
    answer["result"].clone()
}

#[tokio::test]
async fn a_lens_has_a_command_that_the_client_can_run() {
    let (mut client, says) = ready(able(), json!({})).await;
    assert_eq!(says["codeLensProvider"], json!({"resolveProvider": false}));
    let commands = says["executeCommandProvider"]["commands"].clone();
    assert!(!commands.as_array().expect("a list").contains(&json!("layerwise.build")), "{commands}");
    let lenses = client.result("textDocument/codeLens", document()).await;
    let commands = |lenses: &Value| {
        let all = lenses.as_array().expect("lenses").iter();
        all.map(|lens| lens["command"]["command"].as_str().expect("a command").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(commands(&lenses), ["layerwise.export", "layerwise.baseline", "layerwise.showBuild"]);
    assert_eq!(lenses[0]["range"], range((0, 0), (0, 4)));
    assert_eq!(lenses[0]["command"]["arguments"], json!([{"uri": URI, "format": "html"}]));
    // What a lens offers works.
    for lens in lenses.as_array().expect("lenses") {
        let command =
            json!({"command": lens["command"]["command"], "arguments": lens["command"]["arguments"]});
        client.result("workspace/executeCommand", command).await;
    }

    let (mut client, _) = ready(able(), json!({"client": {"commands": ["layerwise.build"]}})).await;
    let lenses = client.result("textDocument/codeLens", document()).await;
    let expected = json!({"title": "build", "command": "layerwise.build", "arguments": [{
        "uri": URI, "target": "build", "argv": ["docker", "build"], "commandLine": "docker build", "cwd": "/project",
    }]});
    assert_eq!(lenses[2]["command"], expected);
}

#[tokio::test]
async fn the_server_shows_a_build_and_runs_none() {
    let (mut client, _) = ready(able(), json!({})).await;
    let shown = ran(&mut client, "layerwise.showBuild", json!({"uri": URI, "target": "x"})).await;
    assert_eq!((&shown["commandLine"], &shown["target"]), (&json!("docker x"), &json!("x")));
    assert_eq!(client.notification("window/showMessage").await["message"], "docker x");
}

#[tokio::test]
async fn a_plan_is_that_of_the_text_that_was_there() {
    let (mut client, _) = ready(able(), json!({})).await;
    let first = client.start_request("layerwise/plan", document()).await;
    client.change(URI, 7, json!([{"text": "FROM b"}])).await;
    let second = client.start_request("layerwise/plan", document()).await;
    let (first, second) = (client.answer(first).await, client.answer(second).await);
    assert_eq!(
        (&first["result"]["text"], &first["result"]["text_version"]),
        (&json!("FROM a AS build\n"), &json!(1))
    );
    assert_eq!((&second["result"]["text"], &second["result"]["text_version"]), (&json!("FROM b"), &json!(7)));
    assert_eq!(first["result"]["uri"], URI);
    let what_if = json!({"textDocument": {"uri": URI}, "paths": ["x"], "target": "t"});
    let plan = client.result("layerwise/plan", what_if).await;
    assert_eq!((&plan["paths"], &plan["target"]), (&json!(["x"]), &json!("t")));
    let graph = client.result("layerwise/graph", document()).await;
    assert_eq!((&graph["vertices"], &graph["text_version"]), (&json!(6), &json!(7)));
    // A file that is not open is read.
    let other = "file:///project/other/Dockerfile";
    let plan = client.result("layerwise/plan", json!({"textDocument": {"uri": other}})).await;
    assert_eq!((&plan["text"], &plan["text_version"]), (&json!("# /project/other/Dockerfile"), &Value::Null));
}

#[tokio::test]
async fn what_cannot_be_answered_is_an_error_that_says_why() {
    let (mut client, _) = ready(able(), json!({})).await;
    client.change(URI, 2, json!([{"text": "BROKEN"}])).await;
    for (method, params, code, says) in [
        ("layerwise/plan", document(), -32803, "It is broken."),
        ("layerwise/plan", json!({"textDocument": {"uri": "untitled:1"}}), -32602, "not open"),
        ("layerwise/plan", json!({"textDocument": {"uri": "file:///gone/x"}}), -32803, "cannot be read"),
        ("layerwise/plan", json!({"uri": URI}), -32602, "textDocument"),
        ("layerwise/plan", json!({"textDocument": {"uri": URI}, "files": []}), -32602, "files"),
        ("layerwise/graph", json!(null), -32602, ""),
        ("layerwise/affectedBy", json!({}), -32602, "must name a file"),
        ("layerwise/affectedBy", json!({"uri": "https://x/"}), -32602, "not a file"),
    ] {
        let error = client.request(method, params.clone()).await["error"].clone();
        assert_eq!(error["code"], code, "{method} {params}: {error}");
        assert!(error["message"].to_string().contains(says), "{method} {params}: {error}");
    }
    for (command, argument, says) in [
        ("layerwise.nothing", json!({}), "there is no such command"),
        ("layerwise.simulate", json!({"uri": URI}), "must say what changes"),
        ("layerwise.simulate", json!({"uri": URI, "paths": "x"}), "expected a sequence"),
        ("layerwise.simulate", json!({"uri": URI, "path": ["x"]}), "unknown field"),
        ("layerwise.simulate", json!({"paths": ["x"]}), "uri"),
        ("layerwise.learn", json!({"uri": URI}), "either `path`"),
        ("layerwise.learn", json!({"uri": URI, "path": "/l", "text": "l"}), "either `path`"),
        ("layerwise.export", json!({"uri": URI, "format": "pdf"}), "unknown variant"),
        ("layerwise.markBuilt", json!(null), "invalid type"),
        ("layerwise.markBuilt", json!({"uri": URI, "really": true}), "unknown field"),
        ("layerwise.build", json!({"uri": URI}), "there is no such command"),
    ] {
        let error = run(&mut client, command, argument.clone()).await["error"].clone();
        assert_eq!(error["code"], -32602, "{command} {argument}: {error}");
        assert!(error["message"].to_string().contains(says), "{command} {argument}: {error}");
    }
    let two = json!({"command": "layerwise.markBuilt", "arguments": [{"uri": URI}, {}]});
    let error = client.request("workspace/executeCommand", two).await["error"].clone();
    assert!(error["message"].to_string().contains("one argument"), "{error}");
    let error = run(&mut client, "layerwise.baseline", json!({"uri": URI, "baseline": "nothing"})).await;
    assert_eq!(
        (&error["error"]["code"], &error["error"]["message"]),
        (&json!(-32803), &json!("There is no such thing."))
    );
}

#[tokio::test]
async fn what_a_file_reaches_is_asked_of_every_dockerfile() {
    let (mut client, _) = ready(able(), json!({})).await;
    let reached = client.result("layerwise/affectedBy", json!({"uri": "file:///project/src/a.ts"})).await;
    assert_eq!(reached["version"], 1);
    let of = |found: &Value| {
        let all = found["dockerfiles"].as_array().expect("a list").iter();
        all.map(|found| found["uri"].as_str().expect("a URI").to_owned()).collect::<Vec<_>>()
    };
    // The open one as it is in the editor, the other from the disk, and not the one that cannot be read.
    assert_eq!(of(&reached), [URI, "file:///project/other/Dockerfile"]);
    assert_eq!(reached["dockerfiles"][0]["of"], "FROM a AS build\n");
    assert_eq!(reached["dockerfiles"][0]["files"], json!(["/project/src/a.ts"]));
    let one = json!({"textDocument": {"uri": URI}, "paths": ["a", "b"]});
    let reached = client.result("layerwise/affectedBy", one).await;
    assert_eq!(
        (of(&reached), &reached["dockerfiles"][0]["files"]),
        (vec![URI.to_owned()], &json!(["a", "b"]))
    );
    let nothing = client.result("layerwise/affectedBy", json!({"paths": ["/nowhere/x"]})).await;
    assert_eq!(of(&nothing), Vec::<String>::new());
}

#[tokio::test]
async fn a_page_is_opened_where_the_client_can_do_that() {
    let (mut client, _) = ready(able(), json!({})).await;
    let html = json!({"uri": URI, "format": "html"});
    assert_eq!(
        ran(&mut client, "layerwise.export", html.clone()).await,
        json!({"uri": "file:///cache/page.html"})
    );
    let asked = client.wait(|message| message["method"] == "window/showDocument").await;
    assert_eq!(
        asked["params"],
        json!({"uri": "file:///cache/page.html", "external": true, "takeFocus": true})
    );
    client.send(json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"success": true}})).await;
    assert_eq!(client.engine.pages(), [(URI.to_owned(), "Html of FROM a AS build\n".to_owned())]);
    let text = |format: &str| json!({"text": format!("{format} of FROM a AS build\n")});
    let quiet = json!({"uri": URI, "format": "html", "show": false});
    assert_eq!(ran(&mut client, "layerwise.export", quiet).await, text("Html"));
    for (format, shown) in [("svg", "Svg"), ("mermaid", "Mermaid"), ("json", "Json")] {
        let argument = json!({"uri": URI, "format": format});
        assert_eq!(ran(&mut client, "layerwise.export", argument).await, text(shown));
    }
    let (mut client, _) = ready(json!({}), json!({})).await;
    assert_eq!(ran(&mut client, "layerwise.export", html).await, text("Html"));
    assert_eq!(client.engine.pages(), []);
}

#[tokio::test]
async fn the_user_chooses_the_baseline() {
    let (mut client, _) = ready(able(), json!({})).await;
    let known = ran(&mut client, "layerwise.baseline", json!({"uri": URI})).await;
    assert_eq!(known[1], json!({"id": "head", "title": "HEAD", "chosen": false}));
    let asked = client.wait(|message| message["method"] == "window/showMessageRequest").await;
    assert_eq!(asked["params"]["actions"], json!([{"title": "by itself"}, {"title": "HEAD"}]));
    client.send(json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"title": "HEAD"}})).await;
    // Until the answer has arrived and taken effect.
    loop {
        let known = ran(&mut client, "layerwise.baseline", json!({"uri": URI})).await;
        if known[1]["chosen"] == true {
            break;
        }
    }
    let said = ran(&mut client, "layerwise.baseline", json!({"uri": URI, "baseline": "auto"})).await;
    assert_eq!(said, "Compared with auto.");
}

#[tokio::test]
async fn a_log_comes_from_a_file_or_along() {
    let (mut client, _) = ready(able(), json!({})).await;
    let learnt = ran(&mut client, "layerwise.learn", json!({"uri": URI, "text": "#1 DONE"})).await;
    assert_eq!(learnt, json!({"log": "#1 DONE"}));
    let learnt = ran(&mut client, "layerwise.learn", json!({"uri": URI, "path": "/x.log"})).await;
    assert_eq!(learnt, json!({"log": "log of /x.log"}));
    assert_eq!(ran(&mut client, "layerwise.markBuilt", json!({"uri": URI})).await, "It counts as built.");
}

#[tokio::test]
async fn the_client_is_told_only_what_it_does_not_know() {
    let (mut client, _) = ready(able(), json!({})).await;
    let hints = json!({"textDocument": {"uri": URI}, "range": range((0, 0), (1, 0))});
    client.result("textDocument/inlayHint", hints).await;
    // Nothing that was given is out of date.
    client.change(URI, 2, json!([{"text": "FROM b"}])).await;
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": URI}})).await;
    let news = json!({"settings": {"layerwise": {"engine": "x"}}});
    client.notify("workspace/didChangeConfiguration", news).await;
    let refresh = client.wait(|message| message["method"] == "workspace/inlayHint/refresh").await;
    client.send(json!({"jsonrpc": "2.0", "id": refresh["id"], "result": null})).await;
    client.text(URI).await;
    let others = client.everything().await;
    let refreshed = |message: &&Value| message["method"].to_string().contains("efresh");
    assert_eq!(others.iter().filter(refreshed).count(), 0, "lenses were not asked for: {others:?}");
    assert!(others.iter().all(|message| message["method"] != "layerwise/planChanged"), "{others:?}");
}

#[tokio::test]
async fn a_client_that_wants_it_is_told_of_each_new_plan_once() {
    let (mut client, _) = ready(json!({}), json!({"layerwise": {"client": {"planChanged": true}}})).await;
    let told = client.notification("layerwise/planChanged").await;
    let news = |version: i32, rebuilt: u32| json!({"uri": URI, "version": version, "summary": {"rebuilt": rebuilt}, "baseline": {"kind": "opened"}});
    assert_eq!(told, news(1, 1));
    // The same plan for another text is no news.
    client.change(URI, 2, json!([{"text": "FROM b"}])).await;
    client.text(URI).await;
    client.change(URI, 3, json!([{"text": "FROM b\nRUN c"}])).await;
    assert_eq!(client.notification("layerwise/planChanged").await, news(3, 2));
}
