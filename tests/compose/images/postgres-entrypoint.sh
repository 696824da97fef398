#!/bin/bash
# What the stack uses of the official image's entrypoint: a new folder becomes a cluster with a superuser `postgres`,
# the password from POSTGRES_PASSWORD_FILE, and an empty database POSTGRES_DB; then the server starts.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086  several options in one variable, as there
    initdb -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -w start -o "-c listen_addresses=''"
    createdb -U postgres "$POSTGRES_DB"
    pg_ctl -w -m fast stop
fi
# Debian's own default is the loopback address only.
exec "$@" -c listen_addresses='*'
