//! `textDocument/diagnostic`: the client asks. An answer equal to the one that the client has says only that.

use std::hash::{DefaultHasher, Hash, Hasher};

use tower_lsp::jsonrpc::Result;
use tower_lsp::ls_types::{
    Diagnostic, DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
    FullDocumentDiagnosticReport, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport,
};

use crate::convert;
use crate::server::Server;

pub(crate) async fn handle(
    server: &Server,
    params: DocumentDiagnosticParams,
) -> Result<DocumentDiagnosticReportResult> {
    let Some(snapshot) = server.session.snapshot(&params.text_document.uri) else {
        return Ok(report(None, Vec::new()));
    };
    let work = move |cancel: &_| {
        let found = snapshot.analysis.diagnostics(cancel).into_iter();
        let found = found.map(|found| convert::diagnostic(&snapshot, found)).collect::<Vec<_>>();
        let id = result_id(&found);
        if id.is_some() && id == params.previous_result_id {
            return unchanged(id.unwrap_or_default());
        }
        report(id, found)
    };
    server.compute("textDocument/diagnostic", work).await
}

/// Equal for equal answers, within one run of the server.
fn result_id(found: &[Diagnostic]) -> Option<String> {
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(found).ok()?.hash(&mut hasher);
    Some(format!("{:016x}", hasher.finish()))
}

fn report(result_id: Option<String>, items: Vec<Diagnostic>) -> DocumentDiagnosticReportResult {
    DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
        related_documents: None,
        full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id, items },
    })
    .into()
}

fn unchanged(result_id: String) -> DocumentDiagnosticReportResult {
    DocumentDiagnosticReport::Unchanged(RelatedUnchangedDocumentDiagnosticReport {
        related_documents: None,
        unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport { result_id },
    })
    .into()
}
