#!/bin/sh
# Makes, or brings up to date, the two databases of Temporal. May be repeated: what is there is left as it is.
# SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD are read by `temporal-sql-tool` itself.
set -eu

tool() {
  database=$1
  shift
  temporal-sql-tool --database "$database" "$@"
}

for part in temporal visibility; do
  case $part in temporal) database=temporal ;; *) database=temporal_visibility ;; esac
  tool "$database" create-database
  # A second set-up of the version table is refused; whether it was needed is told by the update.
  tool "$database" setup-schema --version 0.0 || echo "$database has its version table already"
  tool "$database" update-schema --schema-name "postgresql/v12/$part"
done
