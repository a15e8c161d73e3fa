#!/usr/bin/env bash
# Tests what docker-compose.yml promises, on the unmodified files, with its own project
# name, image name and ports, and removes everything afterwards. The commands with a
# marker <!-- example: compose NAME --> in docs/how-to are run as they are there. Needs a
# Docker engine that has or can pull the images, docker compose, and curl.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Ignore settings of the user's own system.
unset "${!MIGRATIONLINK_@}" "${!COMPOSE_@}" "${!TEMPORAL_@}" "${!OTEL_@}" LINK_TOKEN_DEMO
project=migrationlink-test-$$
image=migrationlink:test-$$
export MIGRATIONLINK_IMAGE=$image
export TEMPORAL_PORT=0 UI_PORT=0 SIMULATOR_PORT=0 # any free ones
demo_org=5f1b2c3d4e5f6a7b8c9d0e1f
org=5f1b2c3d4e5f6a7b8c9d0e20
waiting=5f1b2c3d4e5f6a7b8c9d0e21
simulator=

compose() { docker compose --file docker-compose.yml --env-file /dev/null --project-name "$project" --profile demo "$@"; }
starter() { compose run --rm -T starter "$@" 2>>"$work/run.log"; }

work=$(mktemp -d)
where=$PWD # where commands are typed
pages=$PWD/docs/how-to
begin=$SECONDS
step=preparing

exec 3>&1
clean_up() {
    local code=$?
    trap '' INT TERM
    exec >&3 2>&1 # the command that failed may have a log
    if [ $code -ne 0 ]; then
        echo "FAILED while $step; last output:"
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

# start sets the name of the next step; done_in prints how long it took, in seconds.
start() { step=$*; from=$SECONDS; }
done_in() { printf '%4d s  %s%s\n' $((SECONDS - from)) "$step" "${1:+: $1}"; }
fail() { echo "$*" >&2; exit 1; }

# documented PAGE NAME prints a block of a page.
documented() {
    awk -v marker="<!-- example: compose $2" '
        open && /^ *```$/ { exit }
        open { print substr($0, indent + 1); next }
        found { indent = match($0, /[^ ]/) - 1; open = 1 }
        { at = index($0, marker); found = at && substr($0, at + length(marker)) ~ /^(,.*)? -->$/ }
    ' "$pages/$1.md" | grep . || fail "docs/how-to/$1.md has no example $2"
}

# The command temporal, and a password manager, as the pages have them.
temporal() { docker compose run --rm -T --no-deps --entrypoint temporal namespace "$@"; }
pass() { echo link-token-of-acme; }
export -f temporal pass

# typed PAGE NAME [EDIT] runs a block of a page, in this project and with its addresses
# and paths. EDIT is for sed.
typed() {
    documented "$1" "$2" | sed -e "s|127.0.0.1:8080|${simulator#https://}|; s|/srv/migrationlink|$work/srv|; s|ORG_ID|$org|" -e "${3-}" >"$work/typed.sh"
    (cd "$where" && COMPOSE_PROJECT_NAME=$project bash -euo pipefail "$work/typed.sh") </dev/null
}

# shown PAGE NAME runs the command of a block, and compares what it prints.
shown() {
    typed "$1" "$2" '/^\$ /!d; s/^\$ //' 2>&1 | alike >"$work/shown.log"
    documented "$1" "$2" | sed 1d | alike | diff - "$work/shown.log"
}
# alike removes what differs between two runs, the lines of docker compose, and those of
# progress, which a terminal draws in place.
alike() {
    sed -E '/^ *(Container|Network|Volume) /d; /^[0-9:]{8} (creating|syncing)/d; s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/RUN/g; s/[0-9]+ polls?/POLLS/g; s/[0-9]+(ms|s|m)\b/DURATION/g'
}

# eventually SECONDS COMMAND… retries the command until it succeeds.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not within its time: $*"
        sleep 0.3
    done
}

control() { curl --silent --show-error --fail --insecure --max-time 10 "$simulator/simulator/$1" "${@:2}"; }

# count FIELD prints what the manager has counted for $org.
count() { control state | tr -d ' \n' | sed -n "s/.*\"$org\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"; }

polled_more_than() { local now; now=$(count gets 2>>"$work/run.log") && [ "${now:-0}" -gt "$1" ]; }
# The link continues: the manager is asked for its status again.
goes_on() { eventually 90 polled_more_than "$(count gets)"; }
is_syncing() { starter status --manager demo --org $org -o json | grep -q '"phase":"syncing"'; }
is_healthy() { [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" = healthy ]; }

link() { starter link --manager demo --org "$1" --token-ref env:LINK_TOKEN_DEMO "${@:2}"; }

# Not the settings of somebody's own system, until there are some for production.
export COMPOSE_FILE=docker-compose.yml COMPOSE_ENV_FILES=/dev/null

start "docker compose up --wait, which builds the image"
typed run-in-compose demo >"$work/up.log" 2>&1
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
shown run-in-compose first-link
typed run-in-compose simulator 2>>"$work/run.log" | grep $demo_org >>"$work/run.log"
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
typed upgrade upgrade 3d >"$work/upgrade.log" 2>&1
[ "$(compose ps -q worker | wc -l)" = 4 ] || fail "new workers did not start beside the old"
typed upgrade upgrade '$!d' >>"$work/upgrade.log" 2>&1
[ "$(compose ps --format '{{.Image}}' worker | sort | uniq -c | xargs)" = "2 $image-2" ] || fail "the old workers are still there"
goes_on
done_in

start ending SYNCED with one effective POST
control orgs/$org --request PUT --data '{"sync":"after-delay","syncDelay":"0s"}' >"$work/control.log"
link $org | grep "is SYNCED" # the same request: joins the link under way
[ "$(count posts) $(count effectivePosts)" = "1 1" ] || fail "$(count posts) POSTs, $(count effectivePosts) of them effective"
done_in

start backing up and restoring
control orgs/$waiting --request PUT --data '{"sync":"never"}' >"$work/control.log"
link $waiting --detach >"$work/link.log"
backup=$(typed back-up back-up 2>>"$work/backup.log" | tail -n 1)
mkdir "$work/half"
head -c 1000 "$backup/temporal.dump" >"$work/half/temporal.dump"
cp "$backup/temporal_visibility.dump" "$work/half"
! typed back-up restore "s|$work/srv/.*|$work/half|" >>"$work/backup.log" 2>&1 || fail "half a backup was restored"
eventually 60 is_healthy "$temporal" # half a backup has stopped nothing
typed back-up database >>"$work/backup.log" 2>&1
typed back-up restore "s|$work/srv/.*|$backup|" >>"$work/backup.log" 2>&1
typed back-up look 2>>"$work/backup.log" | grep $waiting >>"$work/backup.log"
starter list -o json | grep -q '"orgId":"'$org'".*"state":"completed"'
typed back-up terminate "s|link.prod.$org|link.demo.$waiting|" >>"$work/backup.log" 2>&1
typed back-up go-on >>"$work/backup.log" 2>&1
starter list -o json | grep -q '"orgId":"'$waiting'".*"state":"terminated"'
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

start "removing all of it, and starting as in production"
typed run-in-compose remove >"$work/production.log" 2>&1
[ -z "$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project")" ] || fail "there are volumes left"
where=$work/checkout
mkdir -p "$where" "$work/srv/config" "$work/srv/secrets" "$work/srv/link-tokens"
cp -r docker-compose.yml deploy "$where"
typed run-in-compose identity 2>>"$work/production.log"
mv "$where/identity" "$work/srv/secrets"
recipient=$(sed -n 's/^# public key: //p' "$work/srv/secrets/identity")
echo first >"$work/srv/secrets/postgres_password"
cp deploy/compose/secrets/demo_public_key "$work/srv/secrets/prod_public_key"
cp deploy/compose/secrets/demo_private_key "$work/srv/secrets/prod_private_key"
sed 's/managers.demo/managers.prod/; s/demo_\(.*\)_key/prod_\1_key/' deploy/compose/worker/worker.toml >"$work/srv/config/worker.toml"
printf '[tokens]\nidentities = ["file:/run/keys/identity"]\n' >>"$work/srv/config/worker.toml"
documented run-in-compose env | sed "s|/srv/migrationlink|$work/srv|; s|migrationlink:0.1.0|$image-2|; s|age1.*|$recipient|" >"$where/.env"
documented run-in-compose override | sed "s|/srv/migrationlink|$work/srv|" >"$where/docker-compose.override.yml"
unset COMPOSE_FILE COMPOSE_ENV_FILES MIGRATIONLINK_IMAGE
typed run-in-compose start >>"$work/production.log" 2>&1
typed run-in-compose start 's/ up / --profile demo up /; s/$/ simulator/' >>"$work/production.log" 2>&1 # in place of a manager
done_in

start "a proxy, of which only the file is checked"
documented ops-manager-behind-a-proxy proxy >"$work/proxy.yaml"
docker compose -f docker-compose.yml -f "$work/proxy.yaml" config worker | grep -q 'HTTPS_PROXY: http://proxy.example.com:3128' || fail "the workers have no proxy"
done_in

start "the commands of production"
typed run-in-compose keys >>"$work/production.log" 2>&1
typed run-in-compose check >>"$work/production.log" 2>&1
eventually 60 typed run-in-compose probe >>"$work/production.log" 2>&1
typed run-in-compose health >>"$work/production.log" 2>&1
echo link-token-of-acme >"$where/token.txt"
typed run-in-compose seal 2>>"$work/production.log"
grep "BEGIN AGE ENCRYPTED FILE" "$where/sealed.age" >>"$work/production.log"
typed run-in-compose pipe >>"$work/production.log" 2>&1
typed monitor log >>"$work/production.log" 2>&1
done_in

start "rotating the password of PostgreSQL"
echo second >"$work/srv/secrets/postgres_password"
typed rotate-secrets password >>"$work/production.log" 2>&1
eventually 60 typed run-in-compose health >>"$work/production.log" 2>&1
typed run-in-compose start >>"$work/production.log" 2>&1 # the schema's container takes the password
done_in

# Their images are not pulled for this.
start "Prometheus and Grafana beside it, of which only the files are checked"
documented monitor files >>"$where/.env"
services=$(typed monitor observability 's/ up -d$/ config --services/')
for service in prometheus grafana worker temporal; do
    grep -q "^$service$" <<<"$services" || fail "no $service"
done
done_in

start stopping with SIGTERM
containers=$(compose ps -q worker simulator)
compose stop worker simulator >"$work/stop.log" 2>&1
for container in $containers; do
    [ "$(docker inspect -f '{{.State.ExitCode}}' "$container")" = 0 ] || fail "a program ended otherwise than with 0"
done
done_in

echo "ok: docker-compose.yml keeps its promises, in $((SECONDS - begin)) s"
