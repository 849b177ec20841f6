//! What is shown of the plan changes once, when the typing stops.
//!
//! One task per document that changed waits until it has been quiet for [`Features::settle`](crate::engine::Features), then
//! asks the engine whether what it gave out last is still right, and only if not tells the client to ask again. A change
//! from outside (files, settings, git's answer) goes the same way, without the wait.

use std::time::Instant;

use tower_lsp::ls_types::Uri;

use crate::ext::{PlanChanged, PlanChangedParams};
use crate::server::Server;
use crate::session::{Settle, Snapshot};

impl Server {
    /// The document changed: it is looked at again once it has been quiet.
    pub(crate) fn settle_later(&self, uri: &Uri) {
        self.settle(uri, Instant::now() + self.features.settle);
    }

    /// The document is looked at again at `due`.
    pub(crate) fn settle(&self, uri: &Uri, due: Instant) {
        if self.features.plan && self.session.begin_settle(uri, due) {
            self.spawn(settle_until_quiet(self.clone(), uri.clone()));
        }
    }
}

async fn settle_until_quiet(server: Server, uri: Uri) {
    while let Some(next) = server.session.next_settle(&uri) {
        match next {
            Settle::Wait(due) => tokio::time::sleep_until(due.into()).await,
            Settle::Look(snapshot) => {
                let analysis = snapshot.analysis.clone();
                let looked = server.compute("settle", move |cancel| analysis.settle(cancel)).await;
                // Where computing fails the log knows.
                let Ok(settled) = looked else { continue };
                if settled.hints_changed {
                    server.refresh_hints();
                }
                if settled.lenses_changed {
                    server.refresh_lenses();
                }
                if settled.diagnostics_changed {
                    server.publish(&uri);
                    server.refresh_diagnostics();
                }
                if let Some(news) = settled.plan {
                    tell(&server, &snapshot, news).await;
                }
            }
        }
    }
}

/// `layerwise/planChanged`, if the client wants it and does not know it yet.
async fn tell(server: &Server, snapshot: &Snapshot, news: (serde_json::Value, serde_json::Value)) {
    if !snapshot.client.plan_changed {
        return;
    }
    let Some(slot) = server.outbox.slot().await else { return };
    server.session.if_news(snapshot, news, |(summary, baseline)| {
        slot.notify::<PlanChanged>(&PlanChangedParams {
            uri: snapshot.uri.clone(),
            version: snapshot.version,
            summary: summary.clone(),
            baseline: baseline.clone(),
        });
    });
}
