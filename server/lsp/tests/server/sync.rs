//! The server's text is the client's text, whatever the client does.

use serde_json::{Value, json};

use crate::client::{Client, Random, URI, range};

/// The client's side: a plain string, and positions counted from its start.
struct Model {
    text: String,
    encoding: &'static str,
}

impl Model {
    fn width(&self, char: char) -> u32 {
        match self.encoding {
            "utf-8" => char.len_utf8() as u32,
            "utf-16" => char.len_utf16() as u32,
            _ => 1,
        }
    }

    fn position(&self, byte: usize) -> (u32, u32) {
        let (mut line, mut character, mut before) = (0, 0, ' ');
        for (at, char) in self.text.char_indices() {
            if at >= byte {
                break;
            }
            match char {
                '\n' if before == '\r' => {}
                '\r' | '\n' => (line, character) = (line + 1, 0),
                _ => character += self.width(char),
            }
            before = char;
        }
        (line, character)
    }

    /// A place that has a position: not inside a character, not between CR and LF.
    fn place(&self, random: &mut Random) -> usize {
        loop {
            let at = random.below(self.text.len() + 1);
            let in_break = at > 0
                && self.text.as_bytes()[at - 1] == b'\r'
                && self.text.as_bytes().get(at) == Some(&b'\n');
            if self.text.is_char_boundary(at) && !in_break {
                return at;
            }
        }
    }

    /// Edits the text at random and returns the change that tells the server so.
    fn change(&mut self, random: &mut Random) -> Value {
        let pieces = [
            "\n",
            "\r\n",
            "\r",
            "🐳",
            "🐳🐋",
            "é",
            "語",
            "\u{2028}",
            "\u{feff}",
            "RUN a \\\n",
            "x",
            "",
            "",
            "e\u{301}",
        ];
        let new = (0..random.below(5)).map(|_| random.pick(&pieces)).collect::<String>();
        if random.below(12) == 0 {
            self.text = new.clone() + &self.text[self.place(random)..];
            return json!({"text": self.text});
        }
        let (a, b) = (self.place(random), self.place(random));
        // Mostly short ranges, so that the text lives on.
        let (start, mut end) = (a.min(b), a.max(b));
        if end - start > 20 && random.below(8) > 0 {
            end = start;
        }
        let mut bounds = range(self.position(start), self.position(end));
        if end == self.text.len() && random.below(4) == 0 {
            bounds["end"] = json!({"line": u32::MAX >> 1, "character": 7});
        }
        self.text.replace_range(start..end, &new);
        json!({"range": bounds, "rangeLength": 99, "text": new})
    }
}

#[tokio::test]
async fn random_edits_in_three_encodings() {
    for (seed, encoding) in [(1, "utf-8"), (2, "utf-16"), (3, "utf-32")] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        let (mut client, _) = Client::ready(json!({"general": {"positionEncodings": [encoding]}})).await;
        let mut model = Model { text: "FROM a 🐳\r\nRUN b\rRUN c\n".repeat(20), encoding };
        client.open(URI, &model.text).await;
        for version in 2..700 {
            let changes = (0..1 + random.below(3)).map(|_| model.change(&mut random)).collect::<Vec<_>>();
            client.change(URI, version, json!(changes)).await;
            if version % 7 == 0 {
                assert_eq!(client.text(URI).await, model.text, "{encoding}, version {version}");
            }
        }
        assert_eq!(client.text(URI).await, model.text, "{encoding}");
        let trouble = client.everything().await;
        assert!(trouble.iter().all(|message| message["method"] != "window/logMessage"), "{trouble:?}");
    }
}

#[tokio::test]
async fn a_notification_mixes_ranges_and_whole_texts() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "abc").await;
    let changes = json!([
        {"range": range((0, 1), (0, 2)), "text": "B\n"},
        {"text": "one\ntwo\n"},
        {"range": range((1, 0), (1, 3)), "text": "2"},
        {"range": range((2, 0), (2, 0)), "text": "🐳"},
        {"range": range((2, 2), (9, 9)), "text": "!"},
    ]);
    client.change(URI, 7, changes).await;
    assert_eq!(client.text(URI).await, "one\n2\n🐳!");
}

#[tokio::test]
async fn documents_do_not_mix() {
    let (mut client, _) = Client::ready(json!({})).await;
    let uris = ["file:///a/Dockerfile", "file:///b/Dockerfile", "untitled:Untitled-1"];
    for uri in uris {
        client.open(uri, uri).await;
    }
    for (version, uri) in uris.iter().enumerate() {
        client.change(uri, 2 + version as i32, json!([{"range": range((0, 0), (0, 0)), "text": "x"}])).await;
    }
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": uris[0]}})).await;
    assert_eq!(client.known(uris[0]).await, Value::Null);
    assert_eq!(client.text(uris[1]).await, format!("x{}", uris[1]));
    let untitled = client.known(uris[2]).await;
    assert_eq!((&untitled["text"], &untitled["path"]), (&json!("xuntitled:Untitled-1"), &Value::Null));
}

#[tokio::test]
async fn opening_twice_and_changing_or_closing_what_is_not_open() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "one").await;
    client.open(URI, "two").await;
    assert_eq!(client.text(URI).await, "two");
    let close = json!({"textDocument": {"uri": URI}});
    client.notify("textDocument/didClose", close.clone()).await;
    client.notify("textDocument/didClose", close.clone()).await;
    client.change(URI, 3, json!([{"text": "three"}])).await;
    client.notify("textDocument/didSave", close).await;
    assert_eq!(client.known(URI).await, Value::Null);
    for expected in ["opened twice", "closed but not open", "changed but not open"] {
        client.wait(|message| message["params"]["message"].to_string().contains(expected)).await;
    }
    client.open(URI, "four").await;
    assert_eq!(client.text(URI).await, "four");
}

#[tokio::test]
async fn what_does_not_fit_drops_the_text_until_it_comes_again() {
    let backwards = json!([
        {"range": range((0, 3), (0, 1)), "text": "x"},
        {"range": range((0, 0), (0, 0)), "text": "y"},
    ]);
    let unreadable = json!([{"range": 5, "text": "x"}]);
    for bad in [backwards, unreadable] {
        for way_back in ["change", "save", "open"] {
            let (mut client, _) = Client::ready(json!({})).await;
            client.open(URI, "one ERR").await;
            client.change(URI, 2, bad.clone()).await;
            assert_eq!(client.known(URI).await, Value::Null);
            let told = client.notification("window/showMessage").await;
            assert!(told["message"].to_string().contains("lost track of Dockerfile"), "{told}");
            // Edits to an unknown text are not guessed at.
            client.change(URI, 3, json!([{"range": range((0, 0), (0, 0)), "text": "z"}])).await;
            assert_eq!(client.known(URI).await, Value::Null);
            match way_back {
                "change" => client.change(URI, 4, json!([{"text": "again"}])).await,
                "save" => {
                    let save = json!({"textDocument": {"uri": URI}, "text": "again"});
                    client.notify("textDocument/didSave", save).await;
                }
                _ => client.open(URI, "again").await,
            }
            assert_eq!(client.text(URI).await, "again", "{way_back}");
        }
    }
}

#[tokio::test]
async fn saving_says_what_the_file_holds() {
    let (mut client, capabilities) = Client::ready(json!({})).await;
    assert_eq!(capabilities["textDocumentSync"]["save"], json!({"includeText": true}));
    client.open(URI, "one").await;
    client.change(URI, 2, json!([{"text": "two"}])).await;
    assert_eq!(client.known(URI).await["saved"], "one");
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": URI}, "text": "two"})).await;
    assert_eq!(client.known(URI).await["saved"], "two");
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": URI}, "text": "three"})).await;
    let known = client.known(URI).await;
    assert_eq!((&known["text"], &known["saved"]), (&json!("three"), &json!("three")));
    client.wait(|message| message["params"]["message"].to_string().contains("not what was known")).await;
}

#[tokio::test]
async fn half_a_surrogate_pair_keeps_positions_right() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "a").await;
    // What an editor with UTF-16 strings sends for each half of a pair that is typed in two steps.
    let insert = |escape: &str, character: u32| {
        let place = range((0, character), (0, character));
        let params = json!({
            "textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": place, "text": "HALF"}],
        });
        let message = json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params});
        let body = message.to_string().replace("HALF", escape);
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    };
    client.send_raw(insert("\\ud83d", 1).as_bytes()).await;
    client.send_raw(insert("\\udc33b", 2).as_bytes()).await;
    client.send_raw(insert("c", 4).as_bytes()).await;
    assert_eq!(client.text(URI).await, "a\u{fffd}\u{fffd}bc");
}

#[tokio::test]
async fn a_panic_in_the_engine_does_not_cost_the_text() {
    let (mut client, _) = Client::ready(json!({})).await;
    client.open(URI, "PANIC-OPEN").await;
    assert_eq!(client.known(URI).await, Value::Null);
    client.change(URI, 2, json!([{"range": range((0, 0), (0, 10)), "text": "fine"}])).await;
    assert_eq!(client.text(URI).await, "fine");
    client.change(URI, 3, json!([{"range": range((0, 4), (0, 4)), "text": " PANIC-EDIT"}])).await;
    assert_eq!(client.text(URI).await, "fine PANIC-EDIT");
    client.wait(|message| message["params"]["message"].to_string().contains("internal error")).await;
}
