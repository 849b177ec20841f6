#!/usr/bin/env python3
"""Counts what `layerwise check` finds in a folder of Dockerfiles, and prints findings to read by hand.

    bench/noise.py [--binary PATH] [--files FOLDER] [--select RULES] [--sample N] [--seed S] [--around LINES]

The files are FOLDER's, else those of ../shared/corpus/files (8,828 real Dockerfiles; LAYERWISE_SHARED names another place for
../shared). The table has, per rule and severity, how many findings there are, in how many files, and which share of the
files that is; --select ALL runs the rules that are off by default too. --sample prints N findings of those counted, chosen
by --seed, each with its file, line, message and the lines around it (--around of them on each side): reading them is the
only way to know how many are right. Exit status: 0, or 2 if nothing could be counted.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys

from server import ROOT, build

SEVERITIES = ["error", "warning", "info", "hint"]


def findings(binary, folder, select):
    """The diagnostics of a folder's files, as the protocol has them."""
    options = ["--select", select] if select else []
    command = [binary, "check", "--no-context", "--fail-on", "never", "--format", "json", *options, folder]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise SystemExit(f"layerwise: exit status {done.returncode}: {' '.join(lines[-3:])}")
    found = json.loads(done.stdout)
    # Syntax errors are reported whatever is selected.
    wanted = [name.strip() for name in (select or "ALL").split(",")]
    chosen = "ALL" in wanted or "E000" in wanted or "syntax-error" in wanted
    return [d for d in found if chosen or d["code"] != "E000"]


def place(diagnostic):
    """The first and the last line (from 1) that a diagnostic is about."""
    span = diagnostic["range"]
    return span["start"]["line"], span["end"]["line"]


def table(found, files):
    rules = collections.defaultdict(list)
    for diagnostic in found:
        rules[diagnostic["code"], diagnostic["rule"], diagnostic["severity"]].append(diagnostic["file"])
    print(f"{'code':<6}{'rule':<40}{'severity':<10}{'findings':>9}{'files':>8}{'share':>9}")
    order = sorted(rules.items(), key=lambda row: (SEVERITIES.index(row[0][2]), -len(row[1]), row[0]))
    for (code, rule, severity), where in order:
        hit = len(set(where))
        print(f"{code:<6}{rule:<40}{severity:<10}{len(where):>9,}{hit:>8,}{hit / files:>9.2%}")
    print()
    for severity in SEVERITIES:
        of = [d["file"] for d in found if d["severity"] == severity]
        hit = len(set(of))
        print(f"{severity:<10}{len(of):>9,} findings{len(of) / files:>7.2f} per file{hit:>8,} files{hit / files:>9.2%}")
    hit = len({d["file"] for d in found})
    print(f"{'all':<10}{len(found):>9,} findings{len(found) / files:>7.2f} per file{hit:>8,} files{hit / files:>9.2%}")


def show(diagnostic, around):
    path = pathlib.Path(diagnostic["file"])
    first, last = place(diagnostic)
    code, rule, severity = (diagnostic[key] for key in ("code", "rule", "severity"))
    print(f"\n{'=' * 80}\n{path}:{first}  {code} {rule} ({severity})\n{diagnostic['message']}")
    for fix in diagnostic.get("fixes", []):
        print(f"fix ({fix['applicability']}): {fix['title']}")
    lines = path.read_text(errors="replace").split("\n")
    for number in range(max(1, first - around), min(len(lines), last + around) + 1):
        print(f"{'>' if first <= number <= last else ' '}{number:>5}  {lines[number - 1]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--files", type=pathlib.Path)
    parser.add_argument("--select", help="rules by name or code, separated by commas; ALL for every rule")
    parser.add_argument("--sample", type=int, default=0, help="how many findings to print")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--around", type=int, default=8, help="how many lines to print on each side of a finding")
    args = parser.parse_args()
    binary = args.binary.resolve() if args.binary else build("-p", "layerwise-cli", "--bin", "layerwise")
    shared = pathlib.Path(os.environ.get("LAYERWISE_SHARED", ROOT.parent / "shared"))
    folder = args.files or shared / "corpus" / "files"
    if not folder.is_dir():
        raise SystemExit(f"no folder {folder}")
    files = sum(path.is_file() for path in folder.rglob("*"))
    if not files:
        raise SystemExit(f"no files in {folder}")
    found = findings(binary, folder, args.select)
    print(f"{files:,} files, {args.select or 'the default rules'}")
    table(found, files)
    chosen = random.Random(args.seed).sample(found, min(args.sample, len(found)))
    for diagnostic in sorted(chosen, key=lambda d: (d["code"], d["file"], place(d))):
        show(diagnostic, args.around)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SystemExit as end:
        if isinstance(end.code, str):
            print(f"bench/noise.py: {end.code}", file=sys.stderr)
            sys.exit(2)
        raise
