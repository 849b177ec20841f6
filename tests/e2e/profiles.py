"""What real editors say about themselves in `initialize`.

Three come with pytest-lsp as they were recorded from VS Code 1.65, Neovim 0.11 and Emacs 29 (eglot). The fourth is the
first one plus what VS Code has learnt since and this server looks at: it asks for diagnostics and inlay hints.
"""

from lsprotocol import types
from pytest_lsp import client_capabilities


def vs_code_now() -> types.ClientCapabilities:
    """VS Code 1.65 plus pull diagnostics, inlay hints and their refreshes; positions in UTF-16, and nothing else."""
    profile = client_capabilities("visual-studio-code")
    profile.text_document.diagnostic = types.DiagnosticClientCapabilities(
        dynamic_registration=True, related_document_support=False
    )
    profile.text_document.inlay_hint = types.InlayHintClientCapabilities(
        dynamic_registration=True,
        resolve_support=types.ClientInlayHintResolveOptions(properties=["tooltip", "textEdits", "label.tooltip"]),
    )
    profile.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    profile.workspace.inlay_hint = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
    profile.general.position_encodings = [types.PositionEncodingKind.Utf16]
    return profile


PROFILES = {
    "vscode-1.65": lambda: client_capabilities("visual-studio-code"),
    "vscode-now": vs_code_now,
    "neovim-0.11": lambda: client_capabilities("neovim@0.11.0"),
    "emacs-29": lambda: client_capabilities("emacs"),
}
