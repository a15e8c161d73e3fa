#!/usr/bin/env bash
# Tries what docker-compose.yml promises, on the unmodified files, under a project
# name, an image name and ports of its own, and removes everything again. It needs
# a Docker engine that has or can pull the images, docker compose, and curl.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Nothing that somebody has set for a system of their own.
unset "${!MIGRATIONLINK_@}" "${!COMPOSE_@}" "${!TEMPORAL_@}" "${!OTEL_@}" LINK_TOKEN_DEMO
project=migrationlink-test-$$
image=migrationlink:test-$$
export MIGRATIONLINK_IMAGE=$image
export TEMPORAL_PORT=0 UI_PORT=0 SIMULATOR_PORT=0 # any free ones
demo_org=5f1b2c3d4e5f6a7b8c9d0e1f
org=5f1b2c3d4e5f6a7b8c9d0e20

compose() { docker compose --file docker-compose.yml --env-file /dev/null --project-name "$project" --profile demo "$@"; }
starter() { compose run --rm -T starter "$@" 2>>"$work/run.log"; }

work=$(mktemp -d)
begin=$SECONDS
step=preparing

clean_up() {
    local code=$?
    trap '' INT TERM
    if [ $code -ne 0 ]; then
        echo "FAILED while $step; what was said last:"
        tail -n 40 "$work"/*.log || true
        compose ps --all || true
        compose logs --no-color --tail 20 || true
    fi
    compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
    docker image rm "$image" "$image-2" >/dev/null 2>&1 || true
    rm -r "$work"
    exit $code
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start names what comes next; done_in says how long it took, in seconds.
start() { step=$*; from=$SECONDS; }
done_in() { printf '%4d s  %s%s\n' $((SECONDS - from)) "$step" "${1:+: $1}"; }
fail() { echo "$*" >&2; exit 1; }

# eventually SECONDS COMMAND… runs it until it succeeds.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not within its time: $*"
        sleep 0.3
    done
}

control() { curl --silent --show-error --fail --insecure --max-time 10 "$simulator/simulator/$1" "${@:2}"; }

# count FIELD prints what the manager counted of $org.
count() { control state | tr -d ' \n' | sed -n "s/.*\"$org\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"; }

polled_more_than() { local now; now=$(count gets 2>>"$work/run.log") && [ "${now:-0}" -gt "$1" ]; }
# The link goes on: the manager is asked for its status again.
goes_on() { eventually 90 polled_more_than "$(count gets)"; }
is_syncing() { starter status --manager demo --org $org -o json | grep -q '"phase":"syncing"'; }
is_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }

link() { starter link --manager demo --org "$1" --token-ref env:LINK_TOKEN_DEMO "${@:2}"; }

start "docker compose up --wait, which builds the image"
compose up -d --wait >"$work/up.log" 2>&1
simulator=https://$(compose port simulator 8080)
size=$(docker image inspect -f '{{.Size}}' "$MIGRATIONLINK_IMAGE")
done_in "$((size / 1000000)) MB, $(docker run --rm "$MIGRATIONLINK_IMAGE" --version)"
[ "$size" -lt 60000000 ] || fail "the image is larger than 60 MB"

start measuring a worker at rest
worker=$(compose ps -q worker | sed -n 1p)
# From the container's start, after Temporal's, to the line "worker ready".
ready=$({
    docker inspect -f '{{.State.StartedAt}}' "$worker"
    docker logs "$worker" 2>&1 | grep '"worker ready"' | sed 's/.*"time":"\([^"]*\)".*/\1/'
} | awk -F '[T:Z]' '{t[NR] = $2 * 3600 + $3 * 60 + $4} END {printf "%.2f", t[2] - t[1]}')
memory=$(docker stats --no-stream --format '{{.MemUsage}}' "$worker")
done_in "ready after $ready s, ${memory%% *}"
awk "BEGIN {exit !($ready < 2)}" || fail "a worker takes longer than 2 s"
case $memory in [0-9].*MiB* | [1-5][0-9].*MiB*) ;; *) fail "a worker takes more than 60 MiB" ;; esac

start linking
link $demo_org | grep "is SYNCED"
done_in

first=$(compose ps -q worker | sed -n 1p)
second=$(compose ps -q worker | sed -n 2p)
temporal=$(compose ps -q temporal)

start making a link that is not SYNCED until it is told to be
control orgs/$org --request PUT --data '{"sync":"never"}' >"$work/control.log"
link $org --detach >"$work/link.log"
eventually 30 is_syncing
done_in

start killing one worker for good
docker kill "$first" >/dev/null
goes_on
done_in

start killing Temporal, and starting it
docker kill "$temporal" >/dev/null
docker start "$temporal" >/dev/null
eventually 60 is_healthy "$temporal"
goes_on
done_in

start restarting PostgreSQL
docker restart "$(compose ps -q postgres)" >/dev/null
goes_on
done_in

start "cutting the other worker off from the manager's network for 20 s"
docker network disconnect "${project}_manager" "$second"
before=$(count gets)
sleep 20
[ "$(count gets)" = "$before" ] || fail "the manager was asked by a worker that cannot reach it"
docker network connect "${project}_manager" "$second"
goes_on
done_in

start "upgrading: new workers beside the old, and in their place"
docker tag "$image" "$image-2"
export MIGRATIONLINK_IMAGE=$image-2
compose up -d --no-deps --no-recreate --scale worker=4 --wait worker >"$work/upgrade.log" 2>&1
[ "$(compose ps -q worker | wc -l)" = 4 ] || fail "new workers did not start beside the old"
compose up -d --no-deps --wait worker >>"$work/upgrade.log" 2>&1
[ "$(compose ps --format '{{.Image}}' worker | sort | uniq -c | xargs)" = "2 $image-2" ] || fail "the old workers are still there"
goes_on
done_in

start ending SYNCED with one effective POST
control orgs/$org --request PUT --data '{"sync":"after-delay","syncDelay":"0s"}' >"$work/control.log"
link $org | grep "is SYNCED" # the same request: joins the link under way
[ "$(count posts) $(count effectivePosts)" = "1 1" ] || fail "$(count posts) POSTs, $(count effectivePosts) of them effective"
done_in

start backing up and restoring
# As somebody types them, for this project.
typed() { COMPOSE_PROJECT_NAME=$project COMPOSE_PROFILES=demo COMPOSE_ENV_FILES=/dev/null "$@"; }
backup=$(typed deploy/compose/backup.sh "$work/backup" 2>>"$work/backup.log" | tail -n 1)
head -c 1000 "$backup/temporal.dump" >"$work/temporal.dump"
cp "$backup/temporal_visibility.dump" "$work"
! typed deploy/compose/restore.sh "$work" >>"$work/backup.log" 2>&1 || fail "half a backup was restored"
eventually 60 is_healthy "$temporal" # half a backup has stopped nothing
typed deploy/compose/restore.sh "$backup" >>"$work/backup.log" 2>&1
compose up -d --wait temporal worker >>"$work/backup.log" 2>&1
starter list -o json | grep -q '"orgId":"'$org'".*"state":"completed"'
done_in

start "refusing the demo's secrets where somebody's own are"
mkdir "$work/own"
echo own >"$work/own/postgres_password"
MIGRATIONLINK_SECRETS_DIR=$work/own compose run --rm -T keys >"$work/keys.log" 2>&1
! compose run --rm -T keys >>"$work/keys.log" 2>&1 || fail "they were replaced"
grep -q "refused to replace your secrets, from $work/own," "$work/keys.log"
[ "$(compose exec -T postgres cat /run/keys/postgres_password)" = own ] || fail "they were replaced"
done_in

start "telling that PostgreSQL has another password, and changing it"
! compose run --rm -T --no-deps schema >"$work/schema.log" 2>&1 || fail "PostgreSQL took it"
grep -q "PostgreSQL does not take the new postgres_password" "$work/schema.log"
compose exec -T postgres psql -q -U temporal <deploy/compose/password.sql
compose run --rm -T --no-deps schema >"$work/schema.log" 2>&1
done_in

start stopping with SIGTERM
containers=$(compose ps -q worker simulator)
compose stop worker simulator >"$work/stop.log" 2>&1
for container in $containers; do
    [ "$(docker inspect -f '{{.State.ExitCode}}' "$container")" = 0 ] || fail "a program ended otherwise than with 0"
done
done_in

echo "ok: docker-compose.yml keeps its promises, in $((SECONDS - begin)) s"
