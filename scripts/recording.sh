#!/bin/sh
# Records `make demo` and renders it as docs/images/demo.svg. Needs asciinema and npm.
set -eu
cd "$(dirname "$0")/.."

columns=98 rows=16
cast=$(mktemp)
trap 'rm -f "$cast"' EXIT

# The first compilation takes minutes, so that it is not part of the recording.
go -C dev build -o ../bin/dev .

asciinema rec --quiet --overwrite --cols "$columns" --rows "$rows" --idle-time-limit 4 \
	--command 'sleep 1; printf "$ make demo\n"; sleep 1; bin/dev demo; printf "\n$ "; sleep 4; printf " "' "$cast"
npx --yes svg-term-cli@2.1.1 --in "$cast" --out docs/images/demo.svg \
	--window --no-cursor --width "$columns" --height "$rows"
