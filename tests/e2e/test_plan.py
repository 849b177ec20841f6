"""The cache in the editor: hints, lenses, hovers, commands and the requests of docs/protocol.md, as each editor would ask."""

import asyncio
import json
import pathlib

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient

# Only what never comes is caught by this.
PATIENCE = 60

DOCKERFILE = """\
FROM node:22 AS build
WORKDIR /app
COPY package.json ./
RUN npm ci
COPY src src
RUN npm run build # 🐳
FROM node:22-slim
COPY --from=build /app/dist /app
CMD ["node", "/app/index.js"]
"""


class Project:
    def __init__(self, client: LanguageClient, folder: pathlib.Path):
        self.client, self.folder = client, folder
        for path, text in {"package.json": "{}", "src/a.ts": "a", ".dockerignore": "*.log\n"}.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)
        path = folder / "Dockerfile"
        path.write_text(DOCKERFILE)
        self.uri = path.as_uri()
        self.document = types.TextDocumentIdentifier(self.uri)
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(self.uri, "dockerfile", 1, DOCKERFILE))
        )

    def insert(self, version: int, line: int, character: int, text: str):
        at = types.Position(line, character)
        change = types.TextDocumentContentChangePartial(range=types.Range(at, at), text=text)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(version, self.uri), [change])
        )

    async def ask(self, method: str, **params):
        """A request of docs/protocol.md; the answer as plain JSON."""
        answer = self.client.protocol.send_request_async(method, {"textDocument": {"uri": self.uri}, **params})
        return plain(await answer)

    async def run(self, command: str, **argument):
        params = types.ExecuteCommandParams(command, [{"uri": self.uri, **argument}])
        return plain(await self.client.workspace_execute_command_async(params))

    async def lenses(self) -> list[str]:
        lenses = await self.client.text_document_code_lens_async(types.CodeLensParams(self.document))
        return [lens.command.title.split(", ~")[0] for lens in lenses]

    async def hints(self) -> dict[int, str]:
        """What each line has, lines from 1."""
        everything = types.Range(types.Position(0, 0), types.Position(99, 0))
        found = await self.client.text_document_inlay_hint_async(types.InlayHintParams(self.document, everything))
        return {hint.position.line + 1: hint.label.split(" ~")[0] for hint in found}


def plain(answer):
    """What pygls made objects of, as dictionaries again."""
    if hasattr(answer, "_asdict"):
        answer = answer._asdict()
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [plain(item) for item in answer]
    return answer


async def until(ask, expected):
    """Asks until the answer is what it shall become."""
    async with asyncio.timeout(PATIENCE):
        while (last := await ask()) != expected:
            await asyncio.sleep(0.02)
    return last


@pytest.fixture
def project(client: LanguageClient, tmp_path: pathlib.Path) -> Project:
    return Project(client, tmp_path)


async def test_an_edit_from_the_first_key_to_the_build(project: Project):
    client = project.client
    assert await project.hints() == {}
    assert await project.lenses() == [
        "8 steps, all cached since it was opened", "build this stage", "build this stage",
    ]
    client.refreshes.clear()
    project.insert(2, 3, 10, " --omit=dev")
    expected = {4: "rebuilds", 5: "rebuilds", 6: "rebuilds", 8: "may rebuild"}
    workspace = client.capabilities.workspace
    if workspace.inlay_hint and workspace.inlay_hint.refresh_support:
        # Told once the typing stops, and until then what was there stays.
        await until(lambda: asyncio.sleep(0, "inlayHint" in client.refreshes), True)
    assert await project.hints() == expected
    await until(project.lenses, [
        "this edit: 3 of 6 steps rebuild",
        "compared with the state when it was opened",
        "build this stage",
        "this edit: 1 of 2 steps may rebuild",
        "build this stage",
    ])
    hover = await client.text_document_hover_async(
        types.HoverParams(project.document, types.Position(5, 1))
    )
    assert "line 5 (`COPY src src`) runs again" in hover.contents.value
    # Saving builds nothing; building does.
    client.text_document_did_save(types.DidSaveTextDocumentParams(project.document))
    assert await project.hints() == expected
    assert "counts as built" in await project.run("layerwise.markBuilt")
    await until(project.hints, {})
    assert (await project.ask("layerwise/plan"))["baseline"]["kind"] == "build"


async def test_the_requests_have_the_documented_shape(project: Project):
    plan = await project.ask("layerwise/plan")
    assert plan["version"] == 1 and plan["uri"] == project.uri and plan["text_version"] == 1
    assert plan["baseline"] == {"kind": "opened", "name": "the state when it was opened", "when": None}
    assert [step["state"] for step in plan["steps"]] == ["cached"] * 8 + ["metadata"]
    assert [stage["name"] for stage in plan["stages"]] == ["build", "stage-1"]
    graph = await project.ask("layerwise/graph")
    assert graph["version"] == 1
    assert {vertex["kind"] for vertex in graph["vertices"]} == {"image", "file", "exec"}
    changed = await project.ask("layerwise/plan", paths=["src/a.ts"], buildArgs={"A": "1"})
    assert [step["line"] for step in changed["steps"] if step["state"] == "rebuilt"] == [5, 6]
    reached = await project.ask("layerwise/affectedBy", uri=(project.folder / "src/new.ts").as_uri())
    found = reached["dockerfiles"]
    assert [(one["uri"], one["files"], [s["line"] for s in one["steps"]]) for one in found] == [
        (project.uri, ["src/new.ts"], [5, 6, 8])
    ]
    # The same of the file alone: the workspace's Dockerfiles are looked through.
    answer = await project.client.protocol.send_request_async(
        "layerwise/affectedBy", {"paths": ["debug.log", "package.json"]}
    )
    (one,) = plain(answer)["dockerfiles"]
    assert one["ignored"] == ["debug.log"] and one["summary"]["rebuilt"] == 4


async def test_commands(project: Project):
    plan = await project.run("layerwise.simulate", paths=["src/**"], target="build")
    assert plan["target"] == "build" and plan["summary"]["rebuilt"] == 2
    build = await project.run("layerwise.showBuild", target="build")
    assert build["argv"][:2] == ["docker", "build"] and build["commandLine"].startswith("docker build")
    assert any("docker build" in message.message for message in project.client.messages)
    text = (await project.run("layerwise.export", format="json"))["text"]
    assert json.loads(text)["dockerfile"] == "Dockerfile"
    assert (await project.run("layerwise.export", format="svg"))["text"].startswith("<svg")
    assert (await project.run("layerwise.export", format="mermaid"))["text"].startswith("flowchart")
    page = await project.run("layerwise.export", format="html", show=False)
    assert "<html" in page["text"]
    assert "compared with" in await project.run("layerwise.baseline", baseline="none")
    assert (await project.ask("layerwise/plan"))["summary"]["cached"] == 0
    for command, argument, says in [
        ("layerwise.simulate", {}, "must say what changes"),
        ("layerwise.export", {"format": "pdf"}, "unknown variant"),
        ("layerwise.baseline", {"baseline": "build"}, "No build of this file is known"),
        ("layerwise.nothing", {}, "no such command"),
    ]:
        with pytest.raises(Exception, match=says):
            await project.run(command, **argument)
