#!/bin/sh
# Creates what links need in a new Temporal: the namespace, and the Nexus endpoint for
# callers in other namespaces. What exists is not changed.
set -eu
until temporal operator cluster health >/dev/null 2>&1; do sleep 0.5; done
if ! temporal operator namespace describe -n default >/dev/null 2>&1; then
    temporal operator namespace create -n default --retention 720h
fi
# The server needs a moment until it knows a new namespace.
until temporal workflow list -n default --limit 1 >/dev/null 2>&1; do sleep 0.5; done
if ! temporal operator nexus endpoint get --name migration-link >/dev/null 2>&1; then
    temporal operator nexus endpoint create --name migration-link \
        --target-namespace default --target-task-queue migration-link
fi
