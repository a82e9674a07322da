# A primary with an application's database of SQLite's, in use; backed up by .backup and by .dump, each
# with its manifest. stdin: manifest-tables.
set -eu
cat > /root/manifest-tables
database=/var/lib/app/app.db
install -d -o www-data -g www-data /var/lib/app
sqlite3 -batch -bail $database <<'END'
pragma journal_mode = wal;
pragma user_version = 7;
create table accounts (login text primary key, password text not null);
insert into accounts select 'user' || value, lower(hex(randomblob(20))) from generate_series(1, 300);
create table orders (
  id integer primary key autoincrement, login text not null references accounts, what text not null);
create index orders_by_login on orders (login);
create table totals (login text primary key references accounts, orders int not null);
create trigger orders_count after insert on orders begin
  insert into totals values (new.login, 1)
    on conflict (login) do update set orders = orders + 1;
end;
insert into orders (login, what)
  select 'user' || (1 + value % 300), lower(hex(randomblob(20))) from generate_series(1, 9000);
create view customers as select login, count(*) as orders from orders group by login;
create table pradrill_heartbeat (at real primary key);
END
chown www-data:www-data $database*
cat > /usr/local/sbin/use <<'END'
while sleep 1; do
  echo "insert into pradrill_heartbeat values ((julianday('now') - 2440587.5) * 86400.0);"
done
END
systemd-run --quiet --unit in-use bash -c \
  "bash /usr/local/sbin/use | runuser -u www-data -- sqlite3 -cmd '.timeout 5000' $database"
sleep 3
cd /root
ssh keeper@10.0.2.100 mkdir -p /srv/backups/sqlite /srv/backups/sqlite-text
manifest() { python3 /root/manifest-tables write sqlite $database '' accounts.password > "$1.manifest.json"; }
manifest app-20261124T0100.db
sqlite3 $database ".backup app-20261124T0100.db"
manifest app-20261124T0100.sql.zst
sqlite3 $database .dump | zstd -q > app-20261124T0100.sql.zst
scp -q app-20261124T0100.db* keeper@10.0.2.100:/srv/backups/sqlite/
scp -q app-20261124T0100.sql.zst* keeper@10.0.2.100:/srv/backups/sqlite-text/
sleep 10
