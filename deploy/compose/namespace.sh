#!/bin/sh
# Makes what links need of a Temporal that is new: the namespace, and the Nexus
# endpoint for callers from others. What is there is left as it is.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 0.5; done
if ! temporal operator namespace describe -n default >/dev/null 2>&1; then
    temporal operator namespace create -n default --retention 720h
fi
# The server takes a moment to know a new one.
until temporal workflow list -n default --limit 1 >/dev/null 2>&1; do sleep 0.5; done
if ! temporal operator nexus endpoint get --name migration-link >/dev/null 2>&1; then
    temporal operator nexus endpoint create --name migration-link \
        --target-namespace default --target-task-queue migration-link
fi
