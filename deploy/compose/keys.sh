#!/bin/sh
# Hands out the secrets, each to those that need it, one volume an audience.
#
# Compose mounts a secret with the owner and the mode of its file on the host, so
# that a checkout's lets everybody read it, which workers refuse, and one that is
# 600 none of the containers' users. Here it gets the right ones. `docker compose
# up -d` runs this again: workers take over a new key without a restart.
set -eu
umask 077
secrets=/run/secrets
nonroot=65532 # the user of the worker's image

# A command in a shell that does not know the folder must not give running workers
# the demo's keys.
own=/keys/worker/.own # the folder of somebody's own, or no file
if [ -n "$MIGRATIONLINK_SECRETS_DIR" ]; then
    echo "$MIGRATIONLINK_SECRETS_DIR" >$own
elif [ -e $own ]; then
    echo "keys: refused to replace your secrets, from $(cat $own), with those of the demo, which are known to all." \
        "Set MIGRATIONLINK_SECRETS_DIR in the file .env beside docker-compose.yml." >&2
    exit 1
fi

hand_out() { # FILE OWNER MODE DIRECTORY
    # In one step, as somebody may read it meanwhile.
    install -o "$2" -g "$2" -m "$3" "$1" "$4/.new"
    mv -f "$4/.new" "$4/${1##*/}"
}

# Whoever has the volume may read it: they run as different users.
hand_out "$secrets/postgres_password" 0 444 /keys/database

# All others are the workers'. A key that is no secret here any more goes away.
for key in /keys/worker/*; do
    [ -e "$secrets/${key##*/}" ] || rm -f "$key"
done
for secret in "$secrets"/*; do
    [ "${secret##*/}" = postgres_password ] || hand_out "$secret" $nonroot 400 /keys/worker
done

# The simulated manager's certificate vouches for itself. It is renewed a month
# before its end.
simulator=/keys/simulator
if ! openssl x509 -in $simulator/tls.pem -noout -checkend 2592000 >/dev/null 2>&1; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj /CN=simulator -addext subjectAltName=DNS:simulator,DNS:localhost,IP:127.0.0.1 \
        -keyout $simulator/tls.key -out $simulator/tls.pem 2>/dev/null
fi
cp $simulator/tls.pem /tmp/simulator.pem
hand_out /tmp/simulator.pem 0 444 /keys/worker
chown -R $nonroot:$nonroot $simulator
