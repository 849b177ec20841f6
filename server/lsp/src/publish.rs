//! Push diagnostics: one task per document that has something new, which goes round until nothing is.
//!
//! So there is at most one computation per document, a burst of edits is computed once for its last text, and there is
//! no timer. The check that the text is still current and the sending are one step under the session's lock.

use tower_lsp::ls_types::notification::PublishDiagnostics;
use tower_lsp::ls_types::{PublishDiagnosticsParams, Uri};

use crate::convert;
use crate::server::Server;

impl Server {
    /// The document's diagnostics are out of date (or the document is gone): publish them, unless the client asks for
    /// them itself.
    pub(crate) fn publish(&self, uri: &Uri) {
        if self.features.diagnostics
            && !self.session.client().pulls_diagnostics
            && self.session.begin_publish(uri)
        {
            self.spawn(publish_until_current(self.clone(), uri.clone()));
        }
    }
}

async fn publish_until_current(server: Server, uri: Uri) {
    while let Some(job) = server.session.next_publish(&uri) {
        let mut found = Vec::new();
        if let Some(snapshot) = job.snapshot.clone() {
            let work = move |cancel: &_| {
                let found = snapshot.analysis.diagnostics(cancel).into_iter();
                found.map(|found| convert::diagnostic(&snapshot, found)).collect::<Vec<_>>()
            };
            // Where computing fails the log knows; no diagnostics are better than those of another text.
            found = server
                .compute_unless(job.cancel, "textDocument/publishDiagnostics", work)
                .await
                .unwrap_or_default();
        }
        let Some(slot) = server.outbox.slot().await else { return };
        let snapshot = job.snapshot.as_deref();
        let versions = server.session.client().diagnostic_versions;
        let version = snapshot.filter(|_| versions).map(|snapshot| snapshot.version);
        server.session.if_current(&uri, snapshot, || {
            let params = PublishDiagnosticsParams { uri: uri.clone(), diagnostics: found, version };
            slot.notify::<PublishDiagnostics>(&params);
        });
    }
}
