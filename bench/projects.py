#!/usr/bin/env python3
"""What layerwise says of real projects with their build contexts.

    bench/projects.py [--binary PATH] [--projects DIR] [--select RULES] [--show]

Each JSON file of DIR (default: ../shared/projects) is laid out under target/projects: its texts as they are, all other files as
empty space of their size, with their modes and as the working tree of a git repository's root. Then `layerwise check` runs over
it. Prints the diagnostics per Dockerfile by rule and severity, and with --show each of them.

Exit status: 0; 2 where something is missing.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def lay_out(project, root):
    """Writes the files of a project below `root`, once."""
    done = root / ".git" / "laid-out"
    if done.exists():
        return
    texts = project["texts"]
    for mode, size, name in project["files"]:
        path = root / name
        if ".." in path.parts or not path.is_relative_to(root):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode == "160000":
            path.mkdir(exist_ok=True)
        elif mode == "120000":
            # Where it leads to is not known.
            if not path.is_symlink():
                path.symlink_to(texts.get(name, "nowhere"))
        elif name in texts:
            path.write_text(texts[name])
        else:
            with open(path, "wb") as file:
                file.truncate(size)
        if mode == "100755":
            path.chmod(0o755)
    done.parent.mkdir(parents=True, exist_ok=True)
    done.write_text("")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / "target/release/layerwise")
    parser.add_argument("--projects", default=ROOT / "../shared/projects", type=pathlib.Path)
    parser.add_argument("--select", default="")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    if not options.projects.is_dir():
        print(f"{options.projects}: no such folder; --projects names one", file=sys.stderr)
        sys.exit(2)
    rules = collections.Counter()
    files = collections.defaultdict(set)
    checked = 0
    for path in sorted(options.projects.glob("*.json")):
        project = json.loads(path.read_text())
        root = ROOT / "target/projects" / path.stem
        lay_out(project, root)
        names = [root / name for name in project["dockerfiles"] if (root / name).is_file()]
        checked += len(names)
        command = [options.binary, "check", "--format", "json", "--fail-on", "never"]
        command += ["--select", options.select] if options.select else []
        done = subprocess.run([*command, *names], stdout=subprocess.PIPE, check=True)
        for finding in json.loads(done.stdout):
            key = (finding["code"], finding["rule"], finding["severity"])
            rules[key] += 1
            name = str(pathlib.Path(finding["file"]).relative_to(root)) if root in pathlib.Path(finding["file"]).parents else finding["file"]
            files[key].add((path.stem, name))
            if options.show:
                line = finding["range"]["start"]["line"]
                print(f"{path.stem}/{name}:{line}: {finding['severity']} {finding['code']} {finding['rule']}: {finding['message']}")
    print(f"{checked} Dockerfiles of {len(list(options.projects.glob('*.json')))} projects, {sum(rules.values())} findings, {sum(rules.values()) / max(checked, 1):.2f} per file")
    for key, count in rules.most_common():
        code, rule, severity = key
        print(f"{code:5} {rule:36} {severity:8} {count:5} in {len(files[key]):4} files")


if __name__ == "__main__":
    main()
