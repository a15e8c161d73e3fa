#!/bin/sh
# Creates Temporal's two databases, or brings them to this version.
set -eu
SQL_PASSWORD=$(cat /run/keys/postgres_password)
export SQL_PASSWORD
for database in temporal temporal_visibility; do
    schema=${database#temporal_}
    temporal-sql-tool --db $database create
    temporal-sql-tool --db $database setup-schema -v 0.0
    temporal-sql-tool --db $database update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
