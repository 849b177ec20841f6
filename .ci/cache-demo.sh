#!/bin/sh
# Runs examples/cache.sh against the engine that DOCKER_HOST names, without a network: the base image of examples/node-app is
# a stand-in whose npm and apt-get do nothing. What a program does is not in a cache key.
set -eu
cd "$(dirname "$0")/.."
docker build --quiet --network=none --tag node:22-bookworm - <<'EOF' >/dev/null
FROM busybox
RUN for name in npm node apt-get; do printf '#!/bin/sh\n' >/bin/$name; chmod +x /bin/$name; done
EOF
BUILD_FLAGS=--network=none exec sh examples/cache.sh
