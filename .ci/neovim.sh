#!/bin/sh
# Runs tests/editors/neovim: the real server ($LAYERWISE, else one that is built now) in real headless Neovim. Where
# Neovim cannot be had it says so and passes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

status=0
nvim=$(.ci/setup-neovim.sh) || status=$?
if [ "$status" -eq 3 ]; then
    echo "SKIPPED: tests/editors/neovim (a real editor) did not run: no Neovim, see above"
    exit 0
elif [ "$status" -ne 0 ]; then
    exit "$status"
fi
if [ -z "${LAYERWISE:-}" ]; then
    cargo build --quiet -p layerwise-cli
    LAYERWISE=${CARGO_TARGET_DIR:-target}/debug/layerwise
fi

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
trap 'exit 130' INT TERM
mkdir "$home/bin" "$home/tmp"
ln -s "$(realpath "$LAYERWISE")" "$home/bin/layerwise"
failed=0
for test in tests/editors/neovim/test_*.lua; do
    PATH="$home/bin:$PATH" HOME=$home TMPDIR=$home/tmp XDG_CONFIG_HOME=$home XDG_STATE_HOME=$home XDG_DATA_HOME=$home \
        timeout 300 "$nvim" --headless --clean -c "luafile $root/$test" -c cquit </dev/null || failed=1
done
exit "$failed"
