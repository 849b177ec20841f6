//! `layerwise.baseline`: chooses what the plan is compared with; without a name it asks the user.

use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{MessageActionItem, MessageType, Uri};

use super::BASELINE;
use crate::ext::{self, Subject};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argument {
    uri: Uri,
    baseline: Option<String>,
}

pub(crate) async fn run(server: &Server, argument: Value) -> Result<Value> {
    let Argument { uri, baseline } = ext::read(BASELINE, argument)?;
    if let Some(id) = baseline {
        return choose(server, &uri, id).await.map(Value::String);
    }
    let subject = Subject::of(server, &uri)?;
    let known = server.with_analysis(BASELINE, subject, |analysis, _| Ok(analysis.baselines())).await?;
    if server.session.client().asks_user && !known.is_empty() {
        let chosen = known.iter().find(|baseline| baseline.chosen).map_or("", |baseline| &baseline.title);
        let message = format!("What shall the plan be compared with? Now: {chosen}.");
        let item =
            |title: &String| MessageActionItem { title: title.clone(), properties: Default::default() };
        let items = known.iter().map(|baseline| item(&baseline.title)).collect();
        let asker = server.clone();
        let question =
            async move { asker.client.show_message_request(MessageType::INFO, message, Some(items)).await };
        let (choices, of) = (known.clone(), uri.clone());
        server.ask_user("window/showMessageRequest", question, move |server, pressed| {
            let id = pressed.and_then(|item| choices.into_iter().find(|b| b.title == item.title));
            if let Some(baseline) = id {
                let chooser = server.clone();
                server.spawn(async move {
                    if let Err(error) = choose(&chooser, &of, baseline.id).await {
                        chooser.outbox.show(MessageType::WARNING, error.message.into_owned());
                    }
                });
            }
        });
    }
    let known = known.into_iter().map(|b| json!({"id": b.id, "title": b.title, "chosen": b.chosen}));
    Ok(known.collect())
}

async fn choose(server: &Server, uri: &Uri, id: String) -> Result<String> {
    let subject = Subject::of(server, uri)?;
    let work = move |analysis: &dyn crate::engine::Analysis, _: &_| analysis.choose_baseline(&id);
    let said = server.with_analysis(BASELINE, subject, work).await?;
    server.world_changed();
    Ok(said)
}
