#!/bin/sh
# Replaces Temporal's two databases with those of a backup by backup.sh. Temporal and
# the workers are stopped afterwards. See docs/how-to/back-up.md.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER/TIME" >&2; exit 2; }
case $1 in /*) ;; *) set -- "$PWD/$1" ;; esac
cd "$(dirname "$0")/../.."
databases="temporal temporal_visibility"
# Check that both files are complete before anything is removed.
for database in $databases; do
    docker compose exec -T postgres pg_restore -f /dev/null <"$1/$database.dump"
done
docker compose stop worker temporal
for database in $databases; do
    docker compose exec -T postgres pg_restore -U temporal -d postgres --clean --create --if-exists --exit-on-error <"$1/$database.dump"
done
echo "restored from $1; compare running links with the managers before you start workers: docs/how-to/back-up.md"
