#!/bin/sh
# Gets what tests/visualizer needs: node 20, the packages of its lock file (in tests/visualizer/node_modules, once) and
# Chromium, whose path it prints; CHROMIUM names another one. Exit status 3: it cannot be had here (the reason is on stderr).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
tests=$root/tests/visualizer

missing() {
    echo "$1" >&2
    exit 3
}

if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then
    missing "no node (20 or newer)"
fi
if ! cmp -s "$tests/package-lock.json" "$tests/node_modules/.layerwise-lock"; then
    npm --prefix "$tests" ci --ignore-scripts --no-audit --no-fund >&2 || missing "npm cannot install tests/visualizer/package-lock.json"
    # Last, so that what was installed only half is installed again.
    cp "$tests/package-lock.json" "$tests/node_modules/.layerwise-lock"
fi
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
if [ -z "$chromium" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >&2; then
        missing "apt-get cannot install chromium"
    fi
    chromium=$(command -v chromium || true)
fi
[ -n "$chromium" ] || missing "no Chromium"
"$chromium" --version >/dev/null 2>&1 || missing "$chromium does not run on this machine"
echo "$chromium"
