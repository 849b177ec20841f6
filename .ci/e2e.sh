#!/bin/sh
# Runs tests/e2e against the real binary: $LAYERWISE, else one that is built now. Arguments go to pytest. Without Python
# it says so and passes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

status=0
python=$(.ci/setup-e2e.sh) || status=$?
if [ "$status" -eq 3 ]; then
    echo "SKIPPED: tests/e2e (a real client over stdio) did not run: no usable Python, see above"
    exit 0
elif [ "$status" -ne 0 ]; then
    exit "$status"
fi
if [ -z "${LAYERWISE:-}" ]; then
    cargo build --quiet -p layerwise-cli
    LAYERWISE=${CARGO_TARGET_DIR:-target}/debug/layerwise
fi
LAYERWISE=$(realpath "$LAYERWISE")
export LAYERWISE
exec "$python" -m pytest -p no:cacheprovider tests/e2e "$@"
