"""A client for each editor, connected to the real binary ($LAYERWISE) over stdio."""

import os
import pathlib
import tempfile

import pytest
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, fixture, make_test_lsp_client

from profiles import PROFILES


# What a build teaches, and pages, are kept in the user's folders: not in those of whoever runs the tests.
for folder in ["XDG_DATA_HOME", "XDG_CACHE_HOME"]:
    os.environ[folder] = tempfile.mkdtemp(prefix="layerwise-e2e-")


@pytest.fixture(scope="session")
def binary() -> str:
    return os.environ["LAYERWISE"]


def lsp_client() -> LanguageClient:
    """pytest-lsp's client with what it lacks: it takes registrations, asked-for refreshes and traces."""
    client = make_test_lsp_client()
    client.registrations, client.refreshes, client.traces = [], [], []

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams):
        client.registrations.extend(params.registrations)

    @client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)
    def refresh_hints(_params):
        client.refreshes.append("inlayHint")

    @client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
    def refresh_lenses(_params):
        client.refreshes.append("codeLens")

    @client.feature(types.LOG_TRACE)
    def log_trace(params: types.LogTraceParams):
        client.traces.append(params)

    return client


@fixture(
    config=ClientServerConfig(server_command=[os.environ["LAYERWISE"], "lsp"], client_factory=lsp_client),
    params=PROFILES,
)
async def client(connected: LanguageClient, request, tmp_path: pathlib.Path):
    """A client after the handshake, as each of the editors in turn."""
    params = types.InitializeParams(
        capabilities=PROFILES[request.param](),
        workspace_folders=[types.WorkspaceFolder(uri=tmp_path.as_uri(), name="project")],
        trace=types.TraceValue.Verbose,
    )
    connected.profile = request.param
    connected.initialize_result = await connected.initialize_session(params)
    yield
    await connected.shutdown_session()
