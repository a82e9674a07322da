# Backs the primary's databases up, each as its tool wants it, onto the backup server.
set -eu
cd /root
runuser -u postgres -- pg_dump -Fd -j2 -f /var/lib/postgresql/shop-20261124T0100 shop
mv /var/lib/postgresql/shop-20261124T0100 postgresql-shop
mariadb-dump --single-transaction --hex-blob --routines --events --triggers shop | zstd -q > shop.sql.zst
if command -v mydumper > /dev/null; then
  mydumper --database shop --routines --events --triggers --outputdir mydumper-shop --threads 2 --socket /run/mysqld/mysqld.sock
fi
mariabackup --backup --stream=xbstream --parallel=2 2> mariabackup.log | zstd -q > shop.xb.zst
grep -q 'completed OK' mariabackup.log
send() { scp -q -r "$1" "keeper@10.0.2.100:/srv/backups/$2/$3"; }
manifest() {
  case $1 in postgresql) from=manifest-postgresql.json ;; *) from=manifest-mariadb.json ;; esac
  send $from "$1" "$2.manifest.json"
}
send postgresql-shop postgresql shop-20261124T0100
manifest postgresql shop-20261124T0100
send shop.sql.zst mariadb shop-20261124T0100.sql.zst
manifest mariadb shop-20261124T0100.sql.zst
send shop.xb.zst mariabackup shop-20261124T0100.xb.zst
manifest mariabackup shop-20261124T0100.xb.zst
if [ -d mydumper-shop ]; then
  send mydumper-shop mydumper shop-20261124T0100
  manifest mydumper shop-20261124T0100
fi
