"""Each editor's client goes through a session; lsprotocol refuses any message that is not in LSP's meta-model, and
pytest-lsp fails the test for one that the editor did not say it understands."""

import pathlib

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM golang:1.25 AS build
WORKDIR /src
COPY . .
RUN go build -o /app . # 🐳
FROM build
from scratch
MAINTAINER nobody
COPY --from=build /app /app
RUN apt-get update
RUN apt-get install -y curl
CMD /app
"""


async def settle(client: LanguageClient, uri: str):
    """Returns when the server has handled everything that was sent before."""
    with pytest.raises(Exception, match="Method not found"):
        await client.protocol.send_request_async("layerwise/nothing", {"textDocument": {"uri": uri}})


def insert(line: int, character: int, text: str) -> types.TextDocumentContentChangePartial:
    at = types.Position(line=line, character=character)
    return types.TextDocumentContentChangePartial(range=types.Range(start=at, end=at), text=text)


async def test_encoding(client: LanguageClient):
    offered = client.capabilities.general.position_encodings if client.capabilities.general else None
    chosen = client.initialize_result.capabilities.position_encoding
    assert chosen in (offered or [types.PositionEncodingKind.Utf16])
    assert chosen == {"neovim-0.11": "utf-8", "emacs-29": "utf-8"}.get(client.profile, "utf-16")


async def test_session(client: LanguageClient, tmp_path: pathlib.Path):
    path = tmp_path / "Dockerfile"
    path.write_text(DOCKERFILE)
    uri = path.as_uri()
    document = types.TextDocumentIdentifier(uri=uri)
    everything = types.Range(types.Position(0, 0), types.Position(len(DOCKERFILE.splitlines()), 0))
    can = client.initialize_result.capabilities

    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "dockerfile", 1, DOCKERFILE))
    )
    for version in range(2, 40):
        changes = [insert(4, 0, "RUN true\n"), insert(5, 3, " # 🐳🐳"), insert(0, 0, "")]
        if version % 10 == 0:
            changes.append(types.TextDocumentContentChangeWholeDocument(DOCKERFILE))
        client.text_document_did_change(
            types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(version, uri), changes)
        )
    client.text_document_did_save(types.DidSaveTextDocumentParams(document))
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"layerwise": {}}))
    client.workspace_did_change_watched_files(
        types.DidChangeWatchedFilesParams([types.FileEvent(uri, types.FileChangeType.Changed)])
    )

    # Everything that is advertised is asked for, and answered with what the meta-model says.
    middle = types.Position(4, 3)
    if can.hover_provider:
        await client.text_document_hover_async(types.HoverParams(document, middle))
    if can.folding_range_provider:
        await client.text_document_folding_range_async(types.FoldingRangeParams(document))
    if can.selection_range_provider:
        ranges = await client.text_document_selection_range_async(types.SelectionRangeParams(document, [middle]))
        assert len(ranges) == 1
    if can.document_symbol_provider:
        await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    if can.inlay_hint_provider:
        await client.text_document_inlay_hint_async(types.InlayHintParams(document, everything))
    if can.code_lens_provider:
        for lens in await client.text_document_code_lens_async(types.CodeLensParams(document)):
            assert lens.command.command in can.execute_command_provider.commands
    if can.diagnostic_provider:
        params = types.DocumentDiagnosticParams(document)
        first = await client.text_document_diagnostic_async(params)
        params.previous_result_id = first.result_id
        assert (await client.text_document_diagnostic_async(params)).kind == "unchanged"
    if can.code_action_provider:
        context = types.CodeActionContext(diagnostics=[])
        params = types.CodeActionParams(document, everything, context)
        for action in await client.text_document_code_action_async(params):
            if can.code_action_provider.resolve_provider and action.disabled is None:
                assert (await client.code_action_resolve_async(action)).edit is not None

    client.text_document_did_close(types.DidCloseTextDocumentParams(document))
    await settle(client, uri)
    assert not [message for message in client.log_messages if message.type == types.MessageType.Error]
    assert not client.messages
    assert any("textDocument/didChange" in trace.message for trace in client.traces)
    assert client.error is None


async def test_documents_that_the_server_does_not_know(client: LanguageClient):
    uri = "file:///nowhere/Dockerfile"
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(2, uri), [insert(0, 0, "x")])
    )
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    await settle(client, uri)
    said = " ".join(message.message for message in client.log_messages)
    assert "changed but not open" in said and "closed but not open" in said
