#!/bin/sh
# Shows what Layerwise does, on examples/node-app: its findings, the refactorings that an editor would offer, and what the
# next build runs again after an edit of a source file, before and after one of the refactorings.
#
# Runs $LAYERWISE, else builds it (release). Changes nothing but a copy in a temporary folder.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${LAYERWISE:-}" ]; then
    cargo build --release -p layerwise-cli
    LAYERWISE=${CARGO_TARGET_DIR:-target}/release/layerwise
fi
LAYERWISE=$(realpath "$LAYERWISE")

say() {
    printf '\n\033[1m# %s\033[0m\n' "$1"
}
run() {
    printf '\033[1;32m$\033[0m layerwise %s\n' "$*"
    "$LAYERWISE" "$@"
}
if [ ! -t 1 ] && [ -z "${CLICOLOR_FORCE:-}" ] || [ -n "${NO_COLOR:-}" ]; then
    say() {
        printf '\n# %s\n' "$1"
    }
    run() {
        printf '$ layerwise %s\n' "$*"
        "$LAYERWISE" "$@"
    }
fi

say 'What is wrong with this Dockerfile?'
run check examples/node-app

say 'What can be made of it? (in an editor: the code actions)'
run actions examples/node-app/Dockerfile

say 'Somebody edits src/index.js. What does the next build run again?'
run plan examples/node-app/Dockerfile --changed src/index.js

say 'Install the dependencies before the sources are copied:'
run apply reorder-copy examples/node-app/Dockerfile

say 'The same edit after that:'
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM
cp -R examples/node-app "$copy"
cd "$copy"
"$LAYERWISE" apply reorder-copy node-app/Dockerfile --write >/dev/null
run plan node-app/Dockerfile --changed src/index.js
