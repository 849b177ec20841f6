#!/usr/bin/env python3
"""A cold start with 5,000 files, and the memory that 100,000 take; see bench/README.md.

Makes a context of small files in a temporary git repository, all committed, one changed. Measures the wall clock of
`layerwise plan` from spawn to exit (median of 11), its peak memory with 100,000 files, and the memory of the server with
such a context hashed throughout. Needs Linux, git and Python.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BUDGET_MS = 300
DOCKERFILE = "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
ROOT = pathlib.Path(__file__).resolve().parent.parent


def folder(path, files):
    for number in range(files):
        below = path / "src" / str(number % 40) / str(number % max(1, files // 100))
        below.mkdir(parents=True, exist_ok=True)
        (below / f"file-{number}.js").write_text(f"export default {number};\n")
    (path / "package.json").write_text("{}\n")
    (path / ".dockerignore").write_text(".git\n")
    (path / "Dockerfile").write_text(DOCKERFILE)
    git = ["git", "-C", str(path), "-c", "user.name=b", "-c", "user.email=b@example.org", "-c", "gc.auto=0"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run(git + command, check=True)
    (path / "src/0/0/file-0.js").write_text("changed\n")


def run(binary, path):
    start = time.perf_counter()
    done = subprocess.run([binary, "plan", "--format", "json"], cwd=path, capture_output=True, check=True)
    took = (time.perf_counter() - start) * 1000
    states = [step["state"] for step in json.loads(done.stdout)["steps"]]
    assert states == ["cached", "cached", "cached", "cached", "rebuilt", "rebuilt"], states
    return took


def peak(binary, path):
    """The most that the process itself had in memory, in MiB; git's own processes not counted."""
    pid = os.fork()
    if pid == 0:
        os.chdir(path)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(binary, [binary, "plan", "--format", "json"])
    return os.wait4(pid, 0)[2].ru_maxrss / 1024


def resident(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:"))) / 1024


def server(binary, path):
    """Resident MiB of the server with the context loaded, hashed and at rest."""
    process = subprocess.Popen([binary, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=path)

    def send(method, params, number=None):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        body = json.dumps(message).encode()
        process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        process.stdin.flush()

    uri = path.as_uri()
    send("initialize", {"processId": None, "capabilities": {}, "workspaceFolders": [{"uri": uri, "name": "w"}]}, 1)
    time.sleep(0.5)
    send("initialized", {})
    document = {"uri": f"{uri}/Dockerfile", "languageId": "dockerfile", "version": 1, "text": DOCKERFILE}
    send("textDocument/didOpen", {"textDocument": document})
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 6, "character": 0}}
    send("textDocument/inlayHint", {"textDocument": {"uri": document["uri"]}, "range": span}, 2)
    quiet, last = 0, None
    while quiet < 6:
        time.sleep(0.5)
        now = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()[11:13]
        quiet, last = (quiet + 1 if now == last else 0), now
    found = resident(process.pid)
    process.kill()
    process.wait()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, help="the release binary; built if not given")
    binary = parser.parse_args().binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "layerwise-cli"], cwd=ROOT, check=True)
        binary = ROOT / "target/release/layerwise"
    binary = str(binary.resolve())
    with tempfile.TemporaryDirectory() as small:
        path = pathlib.Path(small)
        folder(path, 5_000)
        run(binary, path)
        took = statistics.median(run(binary, path) for _ in range(11))
        print(f"plan, cold, 5,000 files: {took:.0f} ms wall (budget {BUDGET_MS} ms)")
    with tempfile.TemporaryDirectory() as big:
        path = pathlib.Path(big)
        folder(path, 100_000)
        print(f"plan, cold, 100,000 files: {run(binary, path):.0f} ms wall, {peak(binary, path):.0f} MiB peak")
        print(f"server, 100,000 files, hashed and watched: {server(binary, path):.0f} MiB resident")
    sys.exit(1 if took > BUDGET_MS else 0)


if __name__ == "__main__":
    main()
