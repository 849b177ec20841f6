#!/bin/sh
# Runs tests/visualizer: the page that the binary makes ($LAYERWISE, else one that is built now) in real Chromium, and the
# types of its sources. Screenshots go to target/visualizer. Where Chromium or node cannot be had it says so and passes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

status=0
CHROMIUM=$(.ci/setup-visualizer.sh) || status=$?
if [ "$status" -eq 3 ]; then
    echo "SKIPPED: tests/visualizer (the page in a real browser) did not run, see above"
    exit 0
elif [ "$status" -ne 0 ]; then
    exit "$status"
fi
if [ -z "${LAYERWISE:-}" ]; then
    cargo build --quiet -p layerwise-cli
    LAYERWISE=${CARGO_TARGET_DIR:-target}/debug/layerwise
fi
LAYERWISE=$(realpath "$LAYERWISE")
export LAYERWISE CHROMIUM

tests/visualizer/node_modules/.bin/tsc --project tests/visualizer
timeout 600 node --test --test-reporter=spec --test-concurrency=1 tests/visualizer/*.test.mjs
