-- Makes postgres_password the password of the database:
--   docker compose exec -T postgres psql -U temporal <deploy/compose/password.sql
\set ON_ERROR_STOP 1
-- A statement that fails would be in the log.
SET log_min_error_statement = panic;
\set password `printf %s "$(cat /run/keys/postgres_password)"`
SELECT :'password' <> '' AS given \gset
\if :given
ALTER USER temporal PASSWORD :'password';
\else
DO $$BEGIN RAISE 'postgres_password is empty or cannot be read'; END$$;
\endif
