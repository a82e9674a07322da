# A primary with a shop in PostgreSQL and in MariaDB, which write the time twice a second. Each tool
# backs it up onto /srv, which is the backup server's; then it writes on. When only its death is left,
# this prints three instants: the dumps began, the dumps were done, the last log was kept.
# $1 PostgreSQL's version, $2 the repository's password, $3 what writes the manifests.
set -eu
exec 3>&1 >&2  # what tools print goes to the log
version=$1
cat > /etc/pgbackrest.conf <<END
[global]
repo1-path=/srv/pgbackrest
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=$2
repo1-bundle=y
compress-type=zst
start-fast=y
log-level-file=off
log-level-console=warn
[main]
pg1-path=/var/lib/postgresql/$version/main
END
cat > "/etc/postgresql/$version/main/conf.d/primary.conf" <<'END'
archive_mode = on
archive_command = 'pgbackrest --stanza=main archive-push %p'
END
as_postgres() { runuser -u postgres -- "$@"; }
sql() { as_postgres psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

systemctl start mariadb &
systemctl start "postgresql@$version-main"
sql <<'END'
create role shop login;
create database shop owner shop;
\c shop
set role shop;
create table customers (id serial primary key, name text not null);
insert into customers (name) select 'customer ' || n from generate_series(1, 500) n;
create table orders (
  id bigint generated always as identity primary key,
  customer int not null references customers, what text not null);
insert into orders (customer, what) select 1 + n % 500, md5(n::text) from generate_series(1, 5000) n;
create table pradrill_heartbeat (at timestamptz primary key);
create view newest as select max(id) n from orders;
create function no_void() returns trigger language plpgsql as
  $$ begin new.what := coalesce(new.what, '-'); return new; end $$;
create trigger no_void before insert on orders for each row execute function no_void();
END
wait $!
mariadb <<'END'
create database shop;
use shop;
create table customers (id int auto_increment primary key, name varchar(80) not null);
insert into customers (name) select concat('customer ', seq) from seq_1_to_500;
create table orders (
  id bigint auto_increment primary key, customer int not null, what varchar(80) not null,
  foreign key (customer) references customers (id));
insert into orders (customer, what) select 1 + seq % 500, md5(seq) from seq_1_to_5000;
create table pradrill_heartbeat (at datetime(6) primary key);
create view newest as select max(id) n from orders;
delimiter ;;
create trigger no_void before insert on orders for each row begin
  /* what nobody names */ set new.what = coalesce(new.what, '-'); end;;
create event by_night on schedule every 1 day do begin /* a line of none */ delete from orders where id < 0; end;;
delimiter ;
create function total(first int, second int) returns int return first + second;
create user shop@localhost identified via unix_socket;
grant all on shop.* to shop@localhost;
END
beat() { while sleep 0.5; do echo "insert into pradrill_heartbeat values ($1);"; done; }
beat 'clock_timestamp()' | sql shop &
beat 'utc_timestamp(6)' | mariadb --unbuffered shop &
sleep 0.7

# What the backups' manifests count.
python3 -c "$3" write mariadb shop > /tmp/manifest-mariadb.json
python3 -c "$3" write postgresql shop > /tmp/manifest-postgresql.json
install -o postgres /tmp/manifest-postgresql.json \
  "/var/lib/postgresql/$version/main/pradrill-manifest.json"
install -d -o postgres /srv/pgbackrest /srv/backups/postgresql
install -d /srv/backups/mariadb /srv/backups/mariabackup
dumps=$(date +%s.%N)
as_postgres pgbackrest --stanza=main stanza-create
as_postgres pgbackrest --stanza=main backup &
pgbackrest=$!
cd /srv/backups
as_postgres pg_dump -Fd -j2 -f /srv/backups/postgresql/shop-20261124T0100 shop
mariadb-dump --single-transaction --hex-blob --routines --events --triggers shop | zstd -q > mariadb/shop-20261124T0100.sql.zst
mariabackup --backup --stream=xbstream 2> /tmp/mariabackup.log |
  zstd -q > mariabackup/shop-20261124T0100.xb.zst
grep -q 'completed OK' /tmp/mariabackup.log
for each in */shop-*; do
  case $each in postgresql/*) from=postgresql ;; *) from=mariadb ;; esac
  cp /tmp/manifest-$from.json "$each.manifest.json"
done
wait $pgbackrest
done=$(date +%s.%N)

sleep 1  # what the dumps lack, and the log has
segment=$(sql -c 'select pg_walfile_name(pg_switch_wal())')
kept=$(date +%s.%N)
tries=0
until [ "$(sql -c "select last_archived_wal >= '$segment' from pg_stat_archiver")" = t ]; do
  tries=$((tries + 1))
  [ $tries -lt 100 ]
  sleep 0.2
done
sleep 1  # what nothing has
echo "$dumps $done $kept" >&3
sleep infinity
