#!/usr/bin/env python3
"""One changed file among 100,000 up to the new plan, compared with git's HEAD; see bench/README.md.

    bench/head.py [--binary PATH] [--runs N]

Starts `layerwise lsp` in a git repository of 100,000 small committed files, in 1,000 folders and all in one, waits until the
plan is compared with HEAD and the server has come to rest, then writes one file at a time and waits for
`layerwise/planChanged`. The watcher lets a change rest for 100 ms; the figures are without that wait. CPU is that of the
server and of the git that it has run. Needs Linux, git and Python. Exit status: 0 within the budget, 1 over it.
"""

import argparse
import json
import pathlib
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BUDGET_MS = 50
REST_MS = 100
FILES = 100_000
DOCKERFILE = "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
ROOT = pathlib.Path(__file__).resolve().parent.parent


def folder(path, folders):
    for number in range(FILES):
        in_folder = number % folders
        below = path / f"src/{in_folder % 40}/{in_folder}"
        if number < folders:
            below.mkdir(parents=True)
        (below / f"file-{number}.js").write_text(f"export default {number};\n")
    (path / "package.json").write_text("{}\n")
    (path / ".gitignore").write_text("*.log\n")
    (path / ".dockerignore").write_text(".git\n")
    (path / "Dockerfile").write_text(DOCKERFILE)
    git = ["git", "-C", str(path), "-c", "user.name=b", "-c", "user.email=b@example.org", "-c", "gc.auto=0"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run(git + command, check=True)


class Server:
    def __init__(self, binary, path):
        self.process = subprocess.Popen(
            [binary, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=path
        )
        self.inbox = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        uri = path.as_uri()
        own = {"client": {"planChanged": True}}
        folders = [{"uri": uri, "name": "w"}]
        self.send("initialize", {"capabilities": {}, "workspaceFolders": folders, "initializationOptions": own}, 1)
        self.until(lambda message: message.get("id") == 1)
        self.send("initialized", {})
        self.uri = f"{uri}/Dockerfile"
        document = {"uri": self.uri, "languageId": "dockerfile", "version": 1, "text": DOCKERFILE}
        self.send("textDocument/didOpen", {"textDocument": document})

    def send(self, method, params, number=None):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        self.write(message)

    def write(self, message):
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def read(self):
        out = self.process.stdout
        while line := out.readline().strip():
            length = 0
            while line:
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = out.readline().strip()
            message = json.loads(out.read(length))
            if "method" in message and "id" in message:
                items = message["params"].get("items") if message["method"] == "workspace/configuration" else None
                self.write({"jsonrpc": "2.0", "id": message["id"], "result": items and [None] * len(items)})
            self.inbox.put((time.perf_counter(), message))

    def until(self, wanted, wait=120):
        """When the first message came that is wanted."""
        end = time.perf_counter() + wait
        while True:
            when, message = self.inbox.get(timeout=max(0.001, end - time.perf_counter()))
            if wanted(message):
                return when

    def plan(self, rebuilt):
        """When the client was told of a plan against HEAD with so many steps to run."""

        def wanted(message):
            params = message.get("params") or {}
            return (
                message.get("method") == "layerwise/planChanged"
                and params["baseline"]["kind"] == "head"
                and params["summary"]["rebuilt"] == rebuilt
            )

        return self.until(wanted)

    def cpu(self):
        """Milliseconds of the server and of the processes that it has waited for."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) * 10

    def rest(self):
        quiet, last = 0, None
        while quiet < 6:
            time.sleep(0.25)
            now = self.cpu()
            quiet, last = (quiet + 1 if now == last else 0), now
        return last

    def resident(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:"))) / 1024


def measure(server, name, runs, step, rebuilt):
    """`step(n)` changes the n-th file; the plan then has `rebuilt(n)` steps to run."""
    took, before = [], server.rest()
    for number in range(runs):
        start = time.perf_counter()
        step(number)
        took.append((server.plan(rebuilt(number)) - start) * 1000 - REST_MS)
        time.sleep(0.7)
    cpu = (server.rest() - before) / runs
    middle = statistics.median(took)
    print(f"  {name}: {middle:.0f} ms, at most {max(took):.0f} ms; {cpu:.0f} ms CPU each")
    return middle


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, help="the release binary; built if not given")
    parser.add_argument("--runs", type=int, default=10, help="changes of each kind")
    options = parser.parse_args()
    binary = options.binary
    if binary is None:
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "layerwise-cli"], cwd=ROOT, check=True)
        binary = ROOT / "target/release/layerwise"
    slowest = 0.0
    for folders in (1_000, 1):
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place)
            folder(path, folders)
            # What is written in the moment of the commit git compares by its bytes, each time.
            time.sleep(2)
            subprocess.run(["git", "-C", str(path), "status", "--short"], check=True)
            server = Server(str(binary.resolve()), path)
            server.plan(0)
            server.rest()
            where = f"in {folders:,} folders" if folders > 1 else "in one folder"
            print(f"{FILES:,} files {where}, the watcher's {REST_MS} ms not counted:")

            def file(number):
                return path / f"src/{number % folders % 40}/{number % folders}/file-{number}.js"

            def same(number):
                file(1).write_text(f"changed {number}\n" if number % 2 == 0 else "export default 1;\n")

            def another(number):
                if number % 2 == 0:
                    file(10 + number).write_text("changed\n")
                else:
                    file(9 + number).write_text(f"export default {9 + number};\n")

            def new(number):
                added = path / f"src/0/0/new-{number // 2}.js"
                added.write_text("new\n") if number % 2 == 0 else added.unlink()

            def gone(number):
                if number % 2 == 0:
                    file(500 + number).unlink()
                else:
                    file(499 + number).write_text(f"export default {499 + number};\n")

            runs = options.runs + options.runs % 2
            for name, step in (
                ("a file changed, each time another, or as it was again", another),
                ("the same file changed, or as it was again", same),
                ("a new file, or without it again", new),
                ("a file gone, or there again", gone),
            ):
                took = measure(server, name, runs, step, lambda number: 2 if number % 2 == 0 else 0)
                slowest = max(slowest, took)
            print(f"  resident: {server.resident():.0f} MiB")
            server.process.kill()
            server.process.wait()
    sys.exit(1 if slowest > BUDGET_MS else 0)


if __name__ == "__main__":
    main()
