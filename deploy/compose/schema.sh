#!/bin/sh
# Creates Temporal's two databases, or upgrades them to this version.
set -eu
SQL_PASSWORD=$(cat /run/keys/postgres_password)
export SQL_PASSWORD
for database in temporal temporal_visibility; do
    schema=${database#temporal_}
    temporal-sql-tool --db $database create >/tmp/log 2>&1 || {
        cat /tmp/log
        ! grep -q "password authentication failed" /tmp/log ||
            echo "schema: PostgreSQL does not take the new postgres_password: it goes on with the one of its first start." \
                "Change it there, as docs/how-to/rotate-secrets.md says." >&2
        exit 1
    }
    temporal-sql-tool --db $database setup-schema -v 0.0
    temporal-sql-tool --db $database update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
