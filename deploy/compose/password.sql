-- Makes postgres_password the password of the database:
--   docker compose exec -T postgres psql -U temporal <deploy/compose/password.sql
\set password `cat /run/keys/postgres_password`
ALTER USER temporal PASSWORD :'password';
