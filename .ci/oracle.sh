#!/bin/sh
# Builds a representative part of tests/oracle/cases and some random cases with a real engine, and compares it with the plan.
# The engine is a private one that lies under target/oracle and is downloaded there if need be (60 MB); it ends with this
# script. Where there can be none, it says SKIPPED and passes.
set -eu
cd "$(dirname "$0")/.."
cargo build --quiet --package layerwise-dev
dev=${CARGO_TARGET_DIR:-target}/debug/layerwise-dev
# Nobody waits for a build that hangs: without its parent, the engine ends.
timeout 600 "$dev" oracle run --sample
timeout 300 "$dev" oracle random --seed 20 --count 20
# The plan beside the builder's own output, as the README shows it.
if [ -z "${LAYERWISE:-}" ]; then
    cargo build --quiet --package layerwise-cli
    LAYERWISE=${CARGO_TARGET_DIR:-target}/debug/layerwise
fi
LAYERWISE=$(realpath "$LAYERWISE") timeout 300 "$dev" oracle exec .ci/cache-demo.sh
