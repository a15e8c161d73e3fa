#!/bin/sh
# Tests the alerts, and parses every query of the dashboard with promtool.
set -eu
cd "$(dirname "$0")"
if ! command -v promtool >/dev/null; then
    echo "promtool is missing, so alerts and dashboard are NOT tested: apt-get install --no-install-recommends prometheus"
    exit 0
fi
promtool check config prometheus/prometheus.yml
promtool test rules rules_test.yml

# A JSON string is also a YAML string.
queries=$(mktemp)
trap 'rm -f "$queries"' EXIT
{
    printf 'groups:\n- name: dashboard\n  rules:\n'
    sed -n 's/\$__rate_interval/5m/g; s/^ *"expr": \(".*"\),*$/\1/p' grafana/dashboards/migrationlink.json |
        awk '{print "  - {record: \"query:" NR "\", expr: " $0 "}"}'
} >"$queries"
promtool check rules "$queries"
