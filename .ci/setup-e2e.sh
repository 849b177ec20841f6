#!/bin/sh
# Makes the Python environment of tests/e2e under .cache/e2e and prints its interpreter's path. Does nothing where it is
# already there with the same requirements. Exit status 3: there is no Python that can make one (the reason is on stderr).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
env=$root/.cache/e2e
requirements=$root/tests/e2e/requirements.txt

if ! cmp -s "$requirements" "$env/requirements.txt"; then
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        echo "no python3 (3.10 or newer) with venv and pip" >&2
        exit 3
    fi
    rm -rf "$env"
    python3 -m venv "$env"
    if ! "$env/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2; then
        echo "pip cannot install tests/e2e/requirements.txt" >&2
        exit 3
    fi
    # Last, so that an environment that was made only half is made again.
    cp "$requirements" "$env/requirements.txt"
fi
echo "$env/bin/python"
