# Makes databases of $1 rows and $2 MB of files, backs them up with every tool into /srv/b, and leaves
# the services stopped and empty: a standby that has its backups at hand.
set -eu
rows=$1 megabytes=$2
version=$(pg_lsclusters -h | awk '{print $1}')
data=/var/lib/postgresql/$version/main
port=$(sshd -T | awk '$1 == "port" {print $2; exit}')
cd /
mkdir -p /etc/pradrill
cat /etc/machine-id > /etc/pradrill/standby
systemctl stop "postgresql@$version-main" mariadb
if [ ! -e /srv/own ]; then
  mkdir /srv/own
  cp -a "$data" /srv/own/postgresql
  cp -a /var/lib/mysql /srv/own/mariadb
fi
rm -rf "$data" /var/lib/mysql /srv/b "/etc/postgresql/$version/main/conf.d/zz-pradrill.conf"
cp -a /srv/own/postgresql "$data"
cp -a /srv/own/mariadb /var/lib/mysql

install -d -m 0755 /srv/b
for each in postgresql mariadb mydumper mariabackup pgbackrest tar; do
  install -d -m 0777 /srv/b/$each
done
# Barman reaches postgres on the standby over SSH; here both are the same account of this machine.
ssh=$(getent passwd postgres | cut -d: -f6)/.ssh
install -d -o postgres -m 0700 "$ssh"
[ -e "$ssh/id_ed25519" ] || runuser -u postgres -- ssh-keygen -q -t ed25519 -N '' -f "$ssh/id_ed25519"
cp "$ssh/id_ed25519.pub" "$ssh/authorized_keys"
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" > "$ssh/known_hosts"
[ "$port" != 22 ] || sed -i 's/^\[127.0.0.1\]:22/127.0.0.1/' "$ssh/known_hosts"
chown -R postgres "$ssh"
install -d -o postgres /srv/b/barman /srv/b/barman/main /srv/b/barman/main/incoming /etc/barman.d
cat > /etc/barman.conf <<END
[barman]
barman_user = postgres
barman_home = /srv/b/barman
log_file = /srv/b/barman/log
configuration_files_directory = /etc/barman.d
[main]
description = main
conninfo = host=/var/run/postgresql user=postgres dbname=postgres
streaming_conninfo = host=/var/run/postgresql user=postgres dbname=postgres
backup_method = postgres
immediate_checkpoint = true
archiver = on
path_prefix = /usr/lib/postgresql/$version/bin
END
cat > /etc/pgbackrest.conf <<END
[global]
repo1-path=/srv/b/pgbackrest
start-fast=y
compress-type=zst
compress-level=1
log-level-file=off
[main]
pg1-path=$data
END
cat > "/etc/postgresql/$version/main/conf.d/keep.conf" <<'END'
archive_mode = on
archive_command = 'pgbackrest --stanza=main archive-push %p && rsync -a %p /srv/b/barman/main/incoming/%f'
END
sql() { runuser -u postgres -- psql -Xq "$@"; }
systemctl start "postgresql@$version-main" mariadb
runuser -u postgres -- pgbackrest --stanza=main stanza-create
sql -c 'create role shop login' -c 'create database shop owner shop'
sql shop -c "create table orders as select n id, md5(n::text) what, repeat(md5((n * 7)::text), 8) more
  from generate_series(1, $rows) n" -c 'alter table orders add primary key (id)' \
  -c 'create index on orders (what)'
mariadb -e "create database shop; use shop; create table orders (id int primary key, what char(32),
  more varchar(300), key (what)) select seq id, md5(seq) what, repeat(md5(seq * 7), 8) more
  from seq_1_to_$rows"
runuser -u postgres -- pg_dump -Fd -j2 -Z1 -f /srv/b/postgresql/d shop
mariadb-dump --single-transaction shop > /srv/b/mariadb/d.sql
if command -v mydumper > /dev/null; then
  mydumper --database shop --outputdir /srv/b/mydumper/d --threads 2 --socket /run/mysqld/mysqld.sock
fi
mariabackup --backup --stream=xbstream 2> /dev/null > /srv/b/mariabackup/d.xb
as="runuser -u postgres --"
$as pgbackrest --stanza=main --process-max=2 backup
$as barman -q switch-wal --force --archive --archive-timeout 60 main
$as barman -q backup main
$as barman -q switch-wal --force --archive --archive-timeout 60 main

# Half of the files are small, half of the bytes are in large ones; half of each can be packed.
rm -rf /srv/files
mkdir -p /srv/files/small /srv/files/large
for n in $(seq 1 $((megabytes * 5))); do
  { head -c 50000 /dev/urandom; head -c 50000 /usr/lib/postgresql/$version/bin/postgres; } \
    > /srv/files/small/$n
done
for n in $(seq 1 $((megabytes / 20 + 1))); do
  head -c 10000000 /dev/urandom > /srv/files/large/$n
done
export RESTIC_REPOSITORY=/srv/b/restic RESTIC_PASSWORD=benchmark
export BORG_REPO=/srv/b/borg BORG_PASSPHRASE=benchmark BORG_BASE_DIR=/srv/own/borg
restic init --quiet
restic backup --quiet /srv/files
borg init --encryption=repokey
borg create --compression zstd,1 ::files-1 srv/files
tar -c --acls --xattrs srv/files | zstd -q -1 > /srv/b/tar/files-1.tar.zst
du -sm /srv/files | cut -f 1 > /srv/own/megabytes
rm "/etc/postgresql/$version/main/conf.d/keep.conf"
