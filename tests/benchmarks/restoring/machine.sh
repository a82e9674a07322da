# Sets up a machine in namespaces as Debian's packages do: PostgreSQL and MariaDB with nothing of anybody's.
set -eu
for version in /usr/lib/postgresql/*; do :; done
pg_createcluster "${version##*/}" main --locale C.UTF-8 > /dev/null
mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db \
  --auth-root-authentication-method=socket > /dev/null 2>&1
