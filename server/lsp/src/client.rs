//! What the client can do, read once from `initialize`, and what the server therefore tells it that it can do.

use tower_lsp::ls_types::*;

use layerwise_syntax::text::Encoding;
use serde_json::Value;

use crate::commands;
use crate::convert;
use crate::engine::{Abilities, Features};

/// The client's abilities, as answers to the questions that the handlers ask.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The unit of its positions, as negotiated.
    pub(crate) encoding: Encoding,
    /// It asks for diagnostics (`textDocument/diagnostic`), so they are not pushed.
    pub(crate) pulls_diagnostics: bool,
    /// It understands workspace edits that name a document's version.
    pub(crate) document_changes: bool,
    /// It takes code actions, not only commands.
    pub(crate) code_action_literals: bool,
    /// It asks for an action's `edit` when the action is chosen, and gives its `data` back.
    pub(crate) resolves_edits: bool,
    pub(crate) preferred_actions: bool,
    pub(crate) disabled_actions: bool,
    pub(crate) hover_markdown: bool,
    pub(crate) line_folding_only: bool,
    pub(crate) symbol_tree: bool,
    pub(crate) diagnostic_related: bool,
    pub(crate) diagnostic_versions: bool,
    pub(crate) diagnostic_url: bool,
    pub(crate) diagnostic_data: bool,
    pub(crate) diagnostic_tags: Vec<DiagnosticTag>,
    /// It answers `workspace/configuration`.
    pub(crate) configuration: bool,
    pub(crate) registers_configuration: bool,
    pub(crate) registers_watchers: bool,
    pub(crate) refreshes_diagnostics: bool,
    pub(crate) refreshes_hints: bool,
    pub(crate) refreshes_lenses: bool,
    /// It opens pages (`window/showDocument`).
    pub(crate) shows_documents: bool,
    /// It shows messages with buttons and says which was pressed.
    pub(crate) asks_user: bool,
    /// Commands of `docs/protocol.md` that it runs itself.
    pub(crate) own_commands: Vec<String>,
    /// It wants `layerwise/planChanged`.
    pub(crate) plan_changed: bool,
}

impl Client {
    /// What `initialize` says; whatever a client leaves out it cannot do. `own` is what a client that knows Layerwise says
    /// of itself, `client` of its initialization options: `{"commands": [name], "planChanged": bool}`.
    pub(crate) fn new(capabilities: &ClientCapabilities, own: &Value) -> Self {
        let text = capabilities.text_document.clone().unwrap_or_default();
        let workspace = capabilities.workspace.clone().unwrap_or_default();
        let action = text.code_action.unwrap_or_default();
        let published = text.publish_diagnostics.unwrap_or_default();
        let window = capabilities.window.clone().unwrap_or_default();
        let resolves =
            action.resolve_support.is_some_and(|can| can.properties.iter().any(|name| name == "edit"));
        Self {
            encoding: negotiate(capabilities),
            pulls_diagnostics: text.diagnostic.is_some(),
            document_changes: workspace.workspace_edit.and_then(|edit| edit.document_changes) == Some(true),
            code_action_literals: action.code_action_literal_support.is_some(),
            resolves_edits: resolves && action.data_support == Some(true),
            preferred_actions: action.is_preferred_support == Some(true),
            disabled_actions: action.disabled_support == Some(true),
            hover_markdown: text
                .hover
                .and_then(|hover| hover.content_format)
                .is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            line_folding_only: text.folding_range.and_then(|fold| fold.line_folding_only) == Some(true),
            symbol_tree: text.document_symbol.and_then(|symbol| symbol.hierarchical_document_symbol_support)
                == Some(true),
            diagnostic_related: published.related_information == Some(true),
            diagnostic_versions: published.version_support == Some(true),
            diagnostic_url: published.code_description_support == Some(true),
            diagnostic_data: published.data_support == Some(true),
            diagnostic_tags: published.tag_support.map(|tags| tags.value_set).unwrap_or_default(),
            configuration: workspace.configuration == Some(true),
            registers_configuration: workspace
                .did_change_configuration
                .and_then(|it| it.dynamic_registration)
                == Some(true),
            registers_watchers: workspace.did_change_watched_files.and_then(|it| it.dynamic_registration)
                == Some(true),
            refreshes_diagnostics: workspace.diagnostics.and_then(|it| it.refresh_support) == Some(true),
            refreshes_hints: workspace.inlay_hint.and_then(|it| it.refresh_support) == Some(true),
            refreshes_lenses: workspace.code_lens.and_then(|it| it.refresh_support) == Some(true),
            shows_documents: window.show_document.is_some_and(|it| it.support),
            asks_user: window.show_message.is_some_and(|it| it.message_action_item.is_some()),
            own_commands: own["commands"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            plan_changed: own["planChanged"].as_bool() == Some(true),
        }
    }

    /// What decides what the engine computes and when.
    pub(crate) fn abilities(&self) -> Abilities {
        Abilities {
            refreshes_lenses: self.refreshes_lenses,
            refreshes_hints: self.refreshes_hints,
            refreshes_diagnostics: !self.pulls_diagnostics || self.refreshes_diagnostics,
            plan_changed: self.plan_changed,
        }
    }

    /// What the server tells this client about itself: only what `features` says the engine really does.
    pub(crate) fn server_capabilities(&self, features: &Features) -> ServerCapabilities {
        ServerCapabilities {
            position_encoding: Some(convert::encoding_kind(self.encoding)),
            text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                will_save: None,
                will_save_wait_until: None,
                // The saved text comes along: the one moment at which both sides can be compared (session.rs).
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                    include_text: Some(true),
                })),
            })),
            hover_provider: features.hover.then_some(HoverProviderCapability::Simple(true)),
            folding_range_provider: features.folding.then_some(FoldingRangeProviderCapability::Simple(true)),
            selection_range_provider: features
                .selection
                .then_some(SelectionRangeProviderCapability::Simple(true)),
            document_symbol_provider: features.symbols.then_some(OneOf::Left(true)),
            inlay_hint_provider: features.inlay_hints.then_some(OneOf::Left(true)),
            code_lens_provider: features
                .code_lenses
                .then_some(CodeLensOptions { resolve_provider: Some(false) }),
            execute_command_provider: features.plan.then(|| ExecuteCommandOptions {
                commands: commands::NAMES.map(str::to_owned).into(),
                ..ExecuteCommandOptions::default()
            }),
            code_action_provider: (self.code_action_literals && !features.code_action_kinds.is_empty()).then(
                || {
                    CodeActionProviderCapability::Options(CodeActionOptions {
                        code_action_kinds: Some(
                            features.code_action_kinds.iter().map(|&kind| kind.into()).collect(),
                        ),
                        resolve_provider: Some(self.resolves_edits),
                        ..CodeActionOptions::default()
                    })
                },
            ),
            diagnostic_provider: (features.diagnostics && self.pulls_diagnostics).then(|| {
                DiagnosticServerCapabilities::Options(DiagnosticOptions {
                    identifier: Some("layerwise".to_owned()),
                    inter_file_dependencies: false,
                    workspace_diagnostics: false,
                    ..DiagnosticOptions::default()
                })
            }),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                file_operations: None,
            }),
            ..ServerCapabilities::default()
        }
    }
}

/// UTF-8 first, because nothing has to be counted; UTF-32 next, because a rope counts scalar values anyway; UTF-16 is
/// what every client has, and what counts where the client says nothing (LSP 3.17, `positionEncodings`).
fn negotiate(capabilities: &ClientCapabilities) -> Encoding {
    let offered = capabilities.general.as_ref().and_then(|general| general.position_encodings.as_deref());
    let offered = offered.unwrap_or_default();
    [Encoding::Utf8, Encoding::Utf32]
        .into_iter()
        .find(|&encoding| offered.contains(&convert::encoding_kind(encoding)))
        .unwrap_or(Encoding::Utf16)
}
