# A primary with a shop in PostgreSQL and in MariaDB, which write the time every second; PostgreSQL's
# log goes to the backup server. $1 the public key, $2 the backup server's host key; stdin: the key.
set -eu
key=$(cat)
for home in /root ~postgres; do
  install -d -m 0700 $home/.ssh
  echo "$key" > $home/.ssh/id_ed25519
  echo "10.0.2.100 $2" > $home/.ssh/known_hosts
  cat > $home/.ssh/config <<'END'
# A new login costs an emulated machine seconds.
KexAlgorithms curve25519-sha256
ControlMaster auto
ControlPath ~/.ssh/shared-%h
ControlPersist 10m
END
  chmod 0600 $home/.ssh/id_ed25519 $home/.ssh/config
done
echo "$1" > ~postgres/.ssh/authorized_keys
chown -R postgres:postgres ~postgres/.ssh

version=$(pg_lsclusters -h | awk '{print $1}')
cat > /etc/pgbackrest.conf <<END
[global]
repo1-host=10.0.2.100
repo1-host-user=keeper
log-level-file=off
[main]
pg1-path=/var/lib/postgresql/$version/main
END
cat > /etc/postgresql/$version/main/conf.d/primary.conf <<'END'
archive_mode = on
archive_command = 'pgbackrest --stanza=main archive-push %p'
archive_timeout = 60
END
systemctl start postgresql@$version-main
runuser -u postgres -- psql -Xq <<'END'
create role shop login;
create database shop owner shop;
\c shop
set role shop;
create table customers (id serial primary key, name text not null);
insert into customers (name) select 'customer ' || n from generate_series(1, 500) n;
create table orders (
  id bigint generated always as identity primary key,
  customer int not null references customers, what text not null, at timestamptz not null);
insert into orders (customer, what, at)
  select 1 + n % 500, md5(n::text), now() - n * interval '1 minute' from generate_series(1, 20000) n;
create index on orders (at);
create table pradrill_heartbeat (at timestamptz primary key);
create view newest as select max(id) n from orders;
create function no_void() returns trigger language plpgsql as
  $$ begin new.what := coalesce(new.what, '-'); return new; end $$;
create trigger no_void before insert on orders for each row execute function no_void();
END
systemctl start mariadb
mariadb <<'END'
create database shop;
use shop;
create table customers (id int auto_increment primary key, name varchar(80) not null);
insert into customers (name) select concat('customer ', seq) from seq_1_to_500;
create table orders (
  id bigint auto_increment primary key, customer int not null, what varchar(80) not null,
  at datetime(6) not null, key (at), foreign key (customer) references customers (id));
insert into orders (customer, what, at)
  select 1 + seq % 500, md5(seq), utc_timestamp(6) - interval seq minute from seq_1_to_20000;
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
# What the backups' manifests count.
manifest-tables write mariadb shop > /root/manifest-mariadb.json
manifest-tables write postgresql shop > /root/manifest-postgresql.json
cp /root/manifest-postgresql.json /var/lib/postgresql/$version/main/pradrill-manifest.json
chmod 0644 /var/lib/postgresql/$version/main/pradrill-manifest.json
cat > /usr/local/sbin/beat <<'END'
while sleep 1; do echo "insert into pradrill_heartbeat values ($1);"; done
END
systemd-run --quiet --unit beat-postgresql \
  bash -c 'bash /usr/local/sbin/beat "clock_timestamp()" | runuser -u postgres -- psql -Xq shop'
systemd-run --quiet --unit beat-mariadb \
  bash -c 'bash /usr/local/sbin/beat "utc_timestamp(6)" | mariadb --unbuffered shop'
