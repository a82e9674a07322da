# Makes a PostgreSQL database of $1 indexed rows and $2 MB of others, and backs it up with the tools
# that follow into /srv/b.
set -eu
rows=$1 megabytes=$2
shift 2
wanted() { case " $tools " in *" $1 "*) ;; *) false ;; esac }
tools=$*
version=$(pg_lsclusters -h | awk '{print $1}')
data=/var/lib/postgresql/$version/main
port=$(sshd -T | awk '$1 == "port" {print $2; exit}')
cd /
as="runuser -u postgres --"
sql() { $as psql -Xq "$@"; }
for each in postgresql pgbackrest; do
  install -d -m 0777 /srv/b/$each
done
# Barman reaches postgres on the standby over SSH; here both are the same account of this machine.
ssh=$(getent passwd postgres | cut -d: -f6)/.ssh
install -d -o postgres -m 0700 "$ssh"
[ -e "$ssh/id_ed25519" ] || $as ssh-keygen -q -t ed25519 -N '' -f "$ssh/id_ed25519"
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
# Packed by what is pgBackRest's default (gzip), but quickly: to unpack it takes the same.
cat > /etc/pgbackrest.conf <<END
[global]
repo1-path=/srv/b/pgbackrest
start-fast=y
compress-level=1
log-level-file=off
[main]
pg1-path=$data
END
# What comes in goes to the disk once: without a log of it.
conf_d=/etc/postgresql/$version/main/conf.d
printf '%s\n' 'wal_level = minimal' 'max_wal_senders = 0' 'fsync = off' > "$conf_d/fill.conf"
systemctl start "postgresql@$version-main"
sql -c 'create role shop login' -c 'create database shop owner shop'
sql shop -c "create table orders as select n id, md5(n::text) what, repeat(md5((n * 7)::text), 8) more
  from generate_series(1, $rows) n" -c 'alter table orders add primary key (id)' \
  -c 'create index on orders (what)'
# Pages that pack to half, as most data does, and repeat each other further apart than packing sees;
# frozen, or reading them would write to the log.
sql shop -c "create table papers (one text); alter table papers alter one set storage plain;
  copy papers from program 'python3 -c \"
import os, random
some = os.urandom(16_000_000).hex()
for _ in range($megabytes * 125):
    at = random.randrange(31_992_000)
    print(some[at : at + 8000])\"' with (freeze)" \
  -c 'vacuum freeze' -c checkpoint
if wanted pg_dump; then
  $as pg_dump -Fd -j2 -Z1 -f /srv/b/postgresql/d shop
fi
# Only from here on, and after the last vacuum, or the log of how the rows came in would be kept twice.
rm "$conf_d/fill.conf"
cat > "$conf_d/keep.conf" <<'END'
archive_mode = on
autovacuum = off
archive_command = 'pgbackrest --stanza=main archive-push %p && rsync -a %p /srv/b/barman/main/incoming/%f'
END
systemctl restart "postgresql@$version-main"
$as pgbackrest --stanza=main stanza-create
if wanted pgbackrest; then
  $as pgbackrest --stanza=main --process-max=2 backup
fi
if wanted barman; then
  $as barman -q switch-wal --force --archive --archive-timeout 60 main
  $as barman -q backup main
  $as barman -q switch-wal --force --archive --archive-timeout 60 main
fi
rm "$conf_d/keep.conf"
