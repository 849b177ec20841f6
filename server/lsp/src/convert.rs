//! The only place where LSP's positions and types meet offsets and the engine's types.
//!
//! From here down everything is bytes. A conversion takes the text that the offsets refer to and the encoding that was
//! negotiated; both come with the [`Snapshot`].

use std::collections::HashMap;
use std::ops::Range as Bytes;
use std::path::{Path, PathBuf};

use layerwise_syntax::text::{Encoding, Position as TextPosition, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::ls_types::*;

use crate::commands;
use crate::engine;
use crate::session::Snapshot;

/// How deep a chain of selection ranges may be: it is a linked list that recursion writes and frees.
const MAX_SELECTIONS: usize = 128;

/// LSP's name of an encoding.
pub(crate) fn encoding_kind(encoding: Encoding) -> PositionEncodingKind {
    match encoding {
        Encoding::Utf8 => PositionEncodingKind::UTF8,
        Encoding::Utf16 => PositionEncodingKind::UTF16,
        Encoding::Utf32 => PositionEncodingKind::UTF32,
    }
}

/// The file of a `file:` URI; `None` for documents that are on no disk.
pub(crate) fn file_path(uri: &Uri) -> Option<PathBuf> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    if is_file { uri.to_file_path().map(|path| path.into_owned()) } else { None }
}

/// The byte offset of a position of the client's.
pub(crate) fn offset(text: &Text, encoding: Encoding, position: Position) -> usize {
    text.offset_at(TextPosition { line: position.line, character: position.character }, encoding)
}

/// The byte range of a range of the client's; `None` if it starts after its end.
pub(crate) fn bytes(text: &Text, encoding: Encoding, range: Range) -> Option<Bytes<usize>> {
    let (start, end) = (offset(text, encoding, range.start), offset(text, encoding, range.end));
    (start <= end).then_some(start..end)
}

fn position(snapshot: &Snapshot, offset: usize) -> Position {
    let TextPosition { line, character } = snapshot.text.position_at(offset, snapshot.client.encoding);
    Position { line, character }
}

fn range(snapshot: &Snapshot, bytes: &Bytes<usize>) -> Range {
    Range { start: position(snapshot, bytes.start), end: position(snapshot, bytes.end) }
}

fn markup(markdown: String, as_markdown: bool) -> MarkupContent {
    let kind = if as_markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
    MarkupContent { kind, value: markdown }
}

/// A finding as the client can take it.
pub(crate) fn diagnostic(snapshot: &Snapshot, found: engine::Diagnostic) -> Diagnostic {
    let client = &snapshot.client;
    let related = found.related.into_iter().map(|related| DiagnosticRelatedInformation {
        location: Location { uri: snapshot.uri.clone(), range: range(snapshot, &related.range) },
        message: related.message,
    });
    let related = if client.diagnostic_related { related.collect::<Vec<_>>() } else { Vec::new() };
    let tags = found.tags.into_iter().map(|tag| match tag {
        engine::Tag::Unnecessary => DiagnosticTag::UNNECESSARY,
        engine::Tag::Deprecated => DiagnosticTag::DEPRECATED,
    });
    let tags = tags.filter(|tag| client.diagnostic_tags.contains(tag)).collect::<Vec<_>>();
    let url = found.url.filter(|_| client.diagnostic_url).and_then(|url| url.parse().ok());
    Diagnostic {
        range: range(snapshot, &found.range),
        severity: Some(match found.severity {
            engine::Severity::Error => DiagnosticSeverity::ERROR,
            engine::Severity::Warning => DiagnosticSeverity::WARNING,
            engine::Severity::Information => DiagnosticSeverity::INFORMATION,
            engine::Severity::Hint => DiagnosticSeverity::HINT,
        }),
        code: Some(NumberOrString::String(found.code)),
        code_description: url.map(|href| CodeDescription { href }),
        source: Some("layerwise".to_owned()),
        message: found.message,
        related_information: (!related.is_empty()).then_some(related),
        tags: (!tags.is_empty()).then_some(tags),
        data: (client.diagnostic_data && !found.data.is_null()).then_some(found.data),
    }
}

/// What `data` of a code action holds between `textDocument/codeAction` and `codeAction/resolve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ActionData {
    /// The document that offered it.
    pub(crate) uri: Uri,
    /// The session's number for the text: the action is good for exactly this one. Settings and files may have changed since;
    /// whether the action is still offered then is the engine's to say.
    pub(crate) text_revision: u64,
    /// [`engine::CodeAction::id`].
    pub(crate) id: String,
    /// [`engine::CodeAction::range`].
    pub(crate) range: (usize, usize),
}

/// An action as the client can take it, without its edit; `None` if it is disabled and the client cannot show that.
pub(crate) fn code_action(snapshot: &Snapshot, action: engine::CodeAction) -> Option<CodeAction> {
    let client = &snapshot.client;
    if action.disabled.is_some() && !client.disabled_actions {
        return None;
    }
    let data = ActionData {
        uri: snapshot.uri.clone(),
        text_revision: snapshot.text_revision,
        id: action.id,
        range: (action.range.start, action.range.end),
    };
    let fixes = action.fixes.into_iter().map(|fixed| diagnostic(snapshot, fixed)).collect::<Vec<_>>();
    Some(CodeAction {
        title: action.title,
        kind: Some(action.kind.into()),
        diagnostics: (!fixes.is_empty()).then_some(fixes),
        edit: None,
        command: None,
        is_preferred: (action.preferred && client.preferred_actions).then_some(true),
        disabled: action.disabled.map(|reason| CodeActionDisabled { reason }),
        data: client.resolves_edits.then(|| serde_json::to_value(data).ok()).flatten(),
    })
}

/// Whether an action of `kind` is among those that `only` asks for: one of them or below one of them.
pub(crate) fn kind_is_wanted(kind: &str, only: Option<&[String]>) -> bool {
    let below = |parent: &str| {
        let rest = kind.strip_prefix(parent);
        parent.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    only.is_none_or(|only| only.iter().any(|parent| below(parent)))
}

/// Edits of one document as a workspace edit, which names the document's version where the client understands that.
pub(crate) fn workspace_edit(snapshot: &Snapshot, edits: Vec<engine::Edit>) -> WorkspaceEdit {
    let edits = edits
        .into_iter()
        .map(|edit| TextEdit { range: range(snapshot, &edit.range), new_text: edit.new_text });
    let uri = snapshot.uri.clone();
    if snapshot.client.document_changes {
        let version = Some(snapshot.version);
        let text_document = OptionalVersionedTextDocumentIdentifier { uri, version };
        let edits = edits.map(OneOf::Left).collect();
        let changes = DocumentChanges::Edits(vec![TextDocumentEdit { text_document, edits }]);
        WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() }
    } else {
        // Clippy takes `Uri` for a key that can change; it compares and hashes by its text.
        #[allow(clippy::mutable_key_type)]
        let changes = HashMap::from([(uri, edits.collect())]);
        WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
    }
}

/// An inlay hint.
pub(crate) fn inlay_hint(snapshot: &Snapshot, hint: engine::InlayHint) -> InlayHint {
    InlayHint {
        position: position(snapshot, hint.offset),
        label: InlayHintLabel::String(hint.label),
        kind: None,
        text_edits: None,
        tooltip: hint
            .markdown
            .map(|text| InlayHintTooltip::MarkupContent(markup(text, snapshot.client.hover_markdown))),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}

/// A code lens, with the command that this client can run.
pub(crate) fn code_lens(snapshot: &Snapshot, lens: engine::CodeLens) -> CodeLens {
    let uri = snapshot.uri.as_str();
    let (command, argument) = match lens.action {
        engine::LensAction::ShowPlan => (commands::EXPORT, json!({"uri": uri, "format": "html"})),
        engine::LensAction::ChooseBaseline => (commands::BASELINE, json!({"uri": uri})),
        engine::LensAction::Build(build) => {
            if snapshot.client.own_commands.iter().any(|name| name == commands::BUILD) {
                (commands::BUILD, build_command(uri, &build))
            } else {
                (commands::SHOW_BUILD, json!({"uri": uri, "target": build.target}))
            }
        }
    };
    CodeLens {
        range: range(snapshot, &lens.range),
        command: Some(Command {
            title: lens.title,
            command: command.to_owned(),
            arguments: Some(vec![argument]),
        }),
        data: None,
    }
}

/// The argument of `layerwise.build`, and the answer of `layerwise.showBuild`.
pub(crate) fn build_command(uri: &str, build: &engine::BuildCommand) -> Value {
    json!({
        "uri": uri,
        "target": build.target,
        "argv": build.argv,
        "commandLine": build.line,
        "cwd": build.cwd,
    })
}

/// The URI of a file; `None` for a path that is not absolute.
pub(crate) fn file_uri(path: &Path) -> Option<Uri> {
    Uri::from_file_path(path)
}

/// A hover.
pub(crate) fn hover(snapshot: &Snapshot, hover: engine::Hover) -> Hover {
    Hover {
        contents: HoverContents::Markup(markup(hover.markdown, snapshot.client.hover_markdown)),
        range: Some(range(snapshot, &hover.range)),
    }
}

/// A fold; `None` if nothing is left of it in whole lines.
pub(crate) fn fold(snapshot: &Snapshot, fold: engine::Fold) -> Option<FoldingRange> {
    let Range { start, end } = range(snapshot, &fold.range);
    let characters = !snapshot.client.line_folding_only;
    (start.line < end.line).then(|| FoldingRange {
        start_line: start.line,
        start_character: characters.then_some(start.character),
        end_line: end.line,
        end_character: characters.then_some(end.character),
        kind: Some(match fold.kind {
            engine::FoldKind::Comment => FoldingRangeKind::Comment,
            engine::FoldKind::Region => FoldingRangeKind::Region,
        }),
        collapsed_text: None,
    })
}

/// The selection at `offset` from the ranges around it, innermost first. Ranges that do not contain what came before
/// are left out; without any, the place itself is the answer, because LSP wants one for each position.
pub(crate) fn selection(snapshot: &Snapshot, offset: usize, around: Vec<Bytes<usize>>) -> SelectionRange {
    let mut chain: Vec<Bytes<usize>> = Vec::new();
    for next in around.into_iter().take(MAX_SELECTIONS) {
        let inner = chain.last().cloned().unwrap_or(offset..offset);
        if next.start <= inner.start && inner.end <= next.end && chain.last() != Some(&next) {
            chain.push(next);
        }
    }
    let outwards = chain.iter().rev().fold(None, |parent: Option<Box<SelectionRange>>, bytes| {
        Some(Box::new(SelectionRange { range: range(snapshot, bytes), parent }))
    });
    match outwards {
        Some(innermost) => *innermost,
        None => SelectionRange { range: range(snapshot, &(offset..offset)), parent: None },
    }
}

/// The outline, as a tree where the client can take one, else as a flat list.
pub(crate) fn symbols(snapshot: &Snapshot, symbols: Vec<engine::Symbol>) -> DocumentSymbolResponse {
    if snapshot.client.symbol_tree {
        let tree = symbols.into_iter().map(|symbol| symbol_tree(snapshot, symbol));
        return DocumentSymbolResponse::Nested(tree.collect());
    }
    let mut flat = Vec::new();
    let mut stack = symbols.into_iter().rev().map(|symbol| (symbol, None)).collect::<Vec<_>>();
    while let Some((symbol, container_name)) = stack.pop() {
        let inside = Some(symbol.name.clone());
        stack.extend(symbol.children.into_iter().rev().map(|child| (child, inside.clone())));
        #[allow(deprecated)] // `SymbolInformation` cannot be made without its field `deprecated`.
        flat.push(SymbolInformation {
            name: symbol.name,
            kind: symbol_kind(symbol.kind),
            tags: None,
            deprecated: None,
            location: Location { uri: snapshot.uri.clone(), range: range(snapshot, &symbol.range) },
            container_name,
        });
    }
    DocumentSymbolResponse::Flat(flat)
}

fn symbol_tree(snapshot: &Snapshot, symbol: engine::Symbol) -> DocumentSymbol {
    let children = symbol.children.into_iter().map(|child| symbol_tree(snapshot, child)).collect::<Vec<_>>();
    #[allow(deprecated)] // As above.
    DocumentSymbol {
        name: symbol.name,
        detail: (!symbol.detail.is_empty()).then_some(symbol.detail),
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: range(snapshot, &symbol.range),
        selection_range: range(snapshot, &symbol.selection),
        children: (!children.is_empty()).then_some(children),
    }
}

fn symbol_kind(kind: engine::SymbolKind) -> SymbolKind {
    match kind {
        engine::SymbolKind::Stage => SymbolKind::MODULE,
        engine::SymbolKind::Instruction => SymbolKind::FUNCTION,
        engine::SymbolKind::Argument => SymbolKind::CONSTANT,
        engine::SymbolKind::Variable => SymbolKind::VARIABLE,
        engine::SymbolKind::Label => SymbolKind::PROPERTY,
    }
}

/// What happened to a watched file; `None` for a URI that is no file or a kind of change that LSP does not have.
pub(crate) fn file_event(event: &FileEvent) -> Option<(PathBuf, engine::FileEvent)> {
    let kind = match event.typ {
        FileChangeType::CREATED => engine::FileEvent::Created,
        FileChangeType::CHANGED => engine::FileEvent::Changed,
        FileChangeType::DELETED => engine::FileEvent::Deleted,
        _ => return None,
    };
    Some((file_path(&event.uri)?, kind))
}

/// The folders that the client has open, from the newest of the three ways to say so.
pub(crate) fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    if let Some(folders) = &params.workspace_folders {
        return folders.iter().filter_map(|folder| file_path(&folder.uri)).collect();
    }
    #[allow(deprecated)] // `rootUri` and `rootPath` are what older clients have.
    let root =
        params.root_uri.as_ref().and_then(file_path).or_else(|| params.root_path.clone().map(PathBuf::from));
    root.into_iter().collect()
}
