#!/usr/bin/env bash
# Runs a query of this folder with psql and prints its result.
#
#   export.sh usage at=now > "$RUNNER_TEMP/usage.ndjson"
#
# The connection comes from the environment: PGHOST, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE, PGSSLROOTCERT.
set -euo pipefail

query=$(dirname "$0")/$1.sql
shift

# FETCH_COUNT reads the rows in parts: memory does not grow with the number of customers.
psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --set=FETCH_COUNT=1000 \
  "${@/#/--set=}" --file="$query"
