#!/bin/sh
# The plan and the builder, side by side: an edit of src/index.js in examples/node-app, what Layerwise says that the next
# build runs again, and what `docker build --progress=plain` then does; before and after the reorder-copy refactoring. Ends
# with status 1 if the two disagree about any step.
#
# Runs $LAYERWISE, else builds it (release), and docker (with $BUILD_FLAGS), whose build cache it fills. Changes nothing but
# a copy in a temporary folder.
set -eu
cd "$(dirname "$0")/.."

if ! docker version >/dev/null 2>&1; then
    echo "SKIPPED: examples/cache.sh (the plan beside a real build): docker does not answer"
    exit 0
fi
if [ -z "${LAYERWISE:-}" ]; then
    cargo build --release -p layerwise-cli
    LAYERWISE=${CARGO_TARGET_DIR:-target}/release/layerwise
fi
LAYERWISE=$(realpath "$LAYERWISE")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM
cp -R examples/node-app "$copy/app"
cd "$copy/app"
# Nothing of another run of this script is in the cache.
echo "// $copy" >>src/index.js

build() {
    docker build ${BUILD_FLAGS:-} --progress=plain . >"$copy/log" 2>&1 || {
        cat "$copy/log" >&2
        exit 2
    }
}

# Prints each step with what the plan said and what the log says.
compare() {
    awk '
        FILENAME == ARGV[1] {
            if (match($0, /^  [=!?.-] (cached|rebuilt|depends|metadata|not built) +[0-9]+  /)) {
                split($0, word, " ")
                state = word[2] == "not" ? "not built" : word[2]
                line = word[2] == "not" ? word[4] : word[3]
                text = substr($0, RSTART + RLENGTH)
                # What it costs stands behind two spaces.
                sub(/  ~?[0-9][^ ]* [A-Za-z]+(, ~?[0-9][^ ]* [A-Za-z]+)*$/, "", text)
                order[++count] = line
                plan[line] = state
                step[line] = text
            }
            next
        }
        {
            number = $1
            if (match($0, /^#[0-9]+ \[[^]]*[0-9]+\/[0-9]+\] /)) name[number] = substr($0, RSTART + RLENGTH)
            else if ($2 == "CACHED" && number in name) did[name[number]] = "CACHED"
            else if ($2 == "DONE" && number in name) did[name[number]] = "DONE " $3
        }
        END {
            printf "%4s  %-40s %-12s %s\n", "line", "step", "the plan", "the builder"
            for (i = 1; i <= count; i++) {
                line = order[i]
                real = "-"
                # A base image is not said to be cached; it is not built either.
                if (step[line] ~ /^FROM /) real = "(not a step)"
                else if (step[line] in did) real = did[step[line]]
                agree = 1
                if (plan[line] == "cached" && real ~ /^DONE/) agree = 0
                if (plan[line] == "rebuilt" && real == "CACHED") agree = 0
                if (plan[line] == "metadata" && real != "-") agree = 0
                if (plan[line] ~ /^(cached|rebuilt)$/ && real == "-") agree = 0
                if (!agree) wrong++
                printf "%4s  %-40.40s %-12s %s%s\n", line, step[line], plan[line], real, agree ? "" : "   <- they disagree"
            }
            exit wrong > 0
        }' "$copy/plan" "$copy/log"
}

edit() {
    "$LAYERWISE" plan Dockerfile --changed src/index.js >"$copy/plan"
    build
    echo "// $1 $copy" >>src/index.js
    build
    sed -n 2p "$copy/plan"
    compare
}

printf '# An edit of src/index.js\n'
edit first
printf '\n# The same after `layerwise apply reorder-copy Dockerfile --write`\n'
"$LAYERWISE" apply reorder-copy Dockerfile --write >/dev/null
edit second
