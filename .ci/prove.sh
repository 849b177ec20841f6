#!/bin/sh
# Builds a few projects of tests/prove before and after a refactoring, with the private engine of .ci/oracle.sh and base images
# made from Debian packages. Where there can be none, it says SKIPPED and passes.
set -eu
cd "$(dirname "$0")/.."
cargo build --quiet --package layerwise-dev
timeout 480 "${CARGO_TARGET_DIR:-target}/debug/layerwise-dev" prove --sample
