#!/bin/sh
# Prints the command of README.md that stands below the marker `<!-- ci:NAME -->`, so that CI runs what users are told.
set -eu
cd "$(dirname "$0")/.."
command=$(awk -v marker="<!-- ci:$1 -->" '
    $0 == marker { found = 1; next }
    found && /^```/ { if (inside) exit; inside = 1; next }
    inside { print }
' README.md)
if [ -z "$command" ]; then
    echo "README.md has no command marked ci:$1" >&2
    exit 1
fi
printf '%s\n' "$command"
