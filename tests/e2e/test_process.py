"""The process: its exit status, and that it ends when its client does. Plain pipes, no client library in between."""

import asyncio
import json
import os
import sys

import pytest

# Only a process that never ends is caught by this.
PATIENCE = 60


class Server:
    """`layerwise lsp` behind two pipes."""

    @classmethod
    async def start(cls, *command: str) -> "Server":
        self = cls()
        self.process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        return self

    def send(self, method: str, params=None, id=None):
        message = {"jsonrpc": "2.0", "method": method}
        message |= {} if id is None else {"id": id}
        message |= {} if params is None else {"params": params}
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def read(self):
        header = await self.process.stdout.readuntil(b"\r\n\r\n")
        assert header.startswith(b"Content-Length: "), header
        return json.loads(await self.process.stdout.readexactly(int(header.split(b":")[1])))

    async def request(self, method: str, params=None):
        self.send(method, params, id=method)
        while (answer := await asyncio.wait_for(self.read(), PATIENCE)).get("id") != method:
            pass
        return answer

    async def initialize(self, process_id=None):
        answer = await self.request("initialize", {"processId": process_id, "capabilities": {}})
        assert answer["result"]["serverInfo"]["name"] == "layerwise"
        self.send("initialized", {})

    async def status(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@pytest.fixture
async def server(binary):
    server = await Server.start(binary, "lsp")
    yield server
    if server.process.returncode is None:
        server.process.kill()
        await server.process.wait()


async def test_shutdown_and_exit(server):
    await server.initialize(os.getpid())
    assert (await server.request("shutdown"))["result"] is None
    server.send("exit")
    # The input stays open: the server does not wait for its end.
    assert await server.status() == 0


async def test_exit_without_shutdown(server):
    await server.initialize(os.getpid())
    server.send("exit")
    assert await server.status() == 1


async def test_errors_of_the_life_cycle(server):
    assert (await server.request("textDocument/hover", {}))["error"]["code"] == -32002
    await server.initialize()
    assert (await server.request("initialize", {"capabilities": {}}))["error"]["code"] == -32600
    await server.request("shutdown")
    assert (await server.request("textDocument/hover", {}))["error"]["code"] == -32600


async def test_the_end_of_the_input(server):
    await server.initialize(os.getpid())
    server.process.stdin.close()
    assert await server.status() == 1


async def test_nobody_reads_the_output(binary):
    """The client closed its end of the output, but holds the input open."""
    read, write = os.pipe()
    server = Server()
    server.process = await asyncio.create_subprocess_exec(binary, "lsp", stdin=asyncio.subprocess.PIPE, stdout=write)
    os.close(write)
    os.close(read)
    server.send("initialize", {"capabilities": {}}, id=1)
    assert await server.status() == 1


async def test_another_process_is_the_client(server):
    """The client that is named ends, while this test still holds the pipes open."""
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    await server.initialize(client.pid)
    client.stdin.close()
    await client.wait()
    assert await server.status() == 1


async def test_the_parent_is_the_client(binary):
    """The parent ends, while this test still holds the pipes open."""
    parent = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); sys.stdin = None; import time; time.sleep(3600)"
    server = await Server.start(sys.executable, "-c", parent, binary, "lsp")
    await server.initialize(server.process.pid)
    server.process.kill()
    await server.process.wait()
    # The server was the last one to hold its output open.
    assert await asyncio.wait_for(server.process.stdout.read(), PATIENCE) == b""


async def test_a_client_that_cannot_be_seen(server):
    """A process id from outside this container means nothing here; the server stays."""
    await server.initialize(2**31 - 2)
    assert (await server.request("shutdown"))["result"] is None
    server.send("exit")
    assert await server.status() == 0


async def test_wrong_messages_end_nothing(server):
    await server.initialize()
    for wrong in [b"garbage\r\n\r\n", b"Content-Length: 5\r\n\r\n{oops", b"Content-Length: x\r\n\r\n"]:
        server.process.stdin.write(wrong)
    answer = await asyncio.wait_for(server.read(), PATIENCE)
    assert (answer["id"], answer["error"]["code"]) == (None, -32700)
    assert (await server.request("shutdown"))["result"] is None
