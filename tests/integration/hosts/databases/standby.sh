# Sets PostgreSQL and MariaDB up as Debian's packages do: stopped, and with nothing of anybody's. $1
# PostgreSQL's version; without it, MariaDB alone.
set -eu
[ $# -eq 0 ] || pg_createcluster "$1" main --locale C.UTF-8 -- --data-checksums --no-sync > /dev/null &
cat > /etc/mysql/mariadb.conf.d/50-server.cnf <<'END'
[mariadbd]
user = mysql
bind-address = 127.0.0.1
innodb_log_file_size = 8M
END
mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db \
  --auth-root-authentication-method=socket > /dev/null
wait $!
[ $# -eq 0 ] || echo 'fsync = off' > "/etc/postgresql/$1/main/conf.d/tests.conf"  # no power goes here
