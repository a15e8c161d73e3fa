#!/bin/sh
# Backs up Temporal's two databases, as of one moment, into a new folder in FOLDER. See
# docs/how-to/back-up.md.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
case $1 in /*) ;; *) set -- "$PWD/$1" ;; esac
cd "$(dirname "$0")/../.."
umask 077
to=$1/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$to.part"
trap 'docker compose start temporal >/dev/null' EXIT
trap 'exit 130' INT TERM HUP # a shell may not run the other one by itself then
docker compose stop temporal
for database in temporal temporal_visibility; do
    docker compose exec -T postgres pg_dump -U temporal -Fc $database >"$to.part/$database.dump"
done
mv "$to.part" "$to" # complete from now on
echo "$to"
