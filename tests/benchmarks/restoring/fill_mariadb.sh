# Makes a MariaDB database of $1 rows and backs it up with every tool into /srv/b.
set -eu
rows=$1
for each in mariadb mydumper mariabackup; do
  install -d -m 0777 /srv/b/$each
done
systemctl start mariadb
mariadb -e "create database shop; use shop; create table orders (id int primary key, what char(32),
  more varchar(300), key (what)) select seq id, md5(seq) what, repeat(md5(seq * 7), 8) more
  from seq_1_to_$rows"
mariadb-dump --single-transaction shop > /srv/b/mariadb/d.sql
if command -v mydumper > /dev/null; then
  mydumper --database shop --outputdir /srv/b/mydumper/d --threads 2 --rows 100000 \
    --socket /run/mysqld/mysqld.sock
fi
mariabackup --backup --stream=xbstream 2> /dev/null > /srv/b/mariabackup/d.xb
