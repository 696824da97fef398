#!/bin/sh
# Does Compose take compose.yaml, as the real and as the simulated stack? No engine is needed.
set -eu
if docker compose version >/dev/null 2>&1; then
    compose() { docker compose "$@"; }
else
    sh deploy/compose_tool.sh .compose
    if [ ! -x .compose/docker-compose ]; then
        echo "compose.yaml: not read by Compose, which is not here; its unit test reads it all the same"
        exit 0
    fi
    compose() { .compose/docker-compose "$@"; }
fi
for variables in sim.env .env.example /dev/null; do
    # Also what no profile of that file starts.
    COMPOSE_PROFILES='*' compose --env-file "$variables" config -q
done
COMPOSE_PROFILES='*' compose --env-file .env.example -f compose.yaml -f deploy/observe/published.yaml config -q
echo "compose.yaml: Compose takes it"
