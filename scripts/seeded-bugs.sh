#!/usr/bin/env bash
# Enables each bug of internal/seeded and expects the tests to find it.
#   scripts/seeded-bugs.sh [BUG…]
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-tags=seeded"

# The tests that find each bug first: module, package and pattern.
found_by() {
    case $1 in
    early-end | no-doubt) echo ". ./workflows/link ^TestPromisesHoldUnderAnySchedule$" ;;
    undo-on-cancelled | lost-cancel) echo ". ./workflows/link ." ;;
    one-redirect | wall-clock | conflict-refused | post-without-read | removed-unconfirmed) echo ". ./activities ." ;;
    stale-cause) echo "dev ./e2e ^TestAWorkerKilledDuringTheWaitForAMigrationEndsNothing$" ;;
    any-success) echo "dev ./e2e ^TestARemovalThatHadNoEffectIsNeverReportedAsOne$" ;;
    local-trouble-final) echo "dev ./e2e ^TestAWorkerWithoutFreeFileDescriptorsFailsNoLink$" ;;
    forgotten-reset) echo "dev ./e2e ^TestAResetLinkKnowsItsOwnLink$" ;;
    *) return 1 ;;
    esac
}

bugs=("$@")
if [ ${#bugs[@]} -eq 0 ]; then
    mapfile -t bugs < <(sed -nE 's/.* Bug = "([a-z-]+)".*/\1/p' internal/seeded/bug.go)
fi
missed=()
for bug in "${bugs[@]}"; do
    read -r module package pattern <<<"$(found_by "$bug")" || true
    if [ -z "$pattern" ]; then
        echo "$bug: $0 names no test for it"
        exit 2
    fi
    output=$(mktemp)
    if MIGRATIONLINK_SEEDED_BUG=$bug go -C "$module" test -count=1 -timeout 20m -run "$pattern" "$package" >"$output" 2>&1; then
        missed+=("$bug")
        echo "$bug: MISSED"
    elif ! grep -q -- "^ *--- FAIL: " "$output"; then
        cat "$output" # it does not even build
        exit 1
    else
        echo "$bug: found by $(grep -oE -- "--- FAIL: Test[A-Za-z0-9_]+" "$output" | head -1 | cut -c11-)"
    fi
    rm -f "$output"
done
[ ${#missed[@]} -eq 0 ] || { echo "missed: ${missed[*]}"; exit 1; }
