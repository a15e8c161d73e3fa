#!/bin/sh
# Copies each secret to the containers that need it, with one volume for each group of
# containers.
#
# Compose mounts a secret with the owner and mode of its file on the host. A file from a
# checkout is then readable by everybody, which workers refuse, and a file with mode 600
# is readable by no user of the containers. This script sets the right owners and modes.
# `docker compose up -d` runs it again: workers reload a new key without a restart.
set -eu
umask 077
secrets=/run/secrets
nonroot=65532 # the user of the worker's image

# A command in a shell without MIGRATIONLINK_SECRETS_DIR must not give running workers
# the demo's keys.
own=/keys/worker/.own # the folder of somebody's own, or no file
if [ -n "$MIGRATIONLINK_SECRETS_DIR" ]; then
    echo "$MIGRATIONLINK_SECRETS_DIR" >$own
elif [ -e $own ]; then
    echo "keys: refused to replace your secrets, from $(cat $own), with those of the demo, which everybody knows." \
        "Set MIGRATIONLINK_SECRETS_DIR in the file .env beside docker-compose.yml." >&2
    exit 1
fi

hand_out() { # FILE OWNER MODE DIRECTORY
    # Atomically: somebody may read it at the same time.
    install -o "$2" -g "$2" -m "$3" "$1" "$4/.new"
    mv -f "$4/.new" "$4/${1##*/}"
}

# All containers with the volume may read it: they run as different users.
hand_out "$secrets/postgres_password" 0 444 /keys/database

# All others belong to the workers. Keys that are no longer secrets here are removed.
for key in /keys/worker/*; do
    [ -e "$secrets/${key##*/}" ] || rm -f "$key"
done
for secret in "$secrets"/*; do
    [ "${secret##*/}" = postgres_password ] || hand_out "$secret" $nonroot 400 /keys/worker
done

# The simulated manager's certificate is self-signed. It is renewed a month before it
# expires.
simulator=/keys/simulator
if ! openssl x509 -in $simulator/tls.pem -noout -checkend 2592000 >/dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj /CN=simulator -addext subjectAltName=DNS:simulator,DNS:localhost,IP:127.0.0.1 \
        -keyout $simulator/tls.key -out $simulator/tls.pem 2>/dev/null
fi
cp $simulator/tls.pem /tmp/simulator.pem
hand_out /tmp/simulator.pem 0 444 /keys/worker
chown -R $nonroot:$nonroot $simulator
