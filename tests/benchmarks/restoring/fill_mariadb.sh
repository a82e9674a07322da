# Makes a MariaDB database of $1 indexed rows in four tables and $2 MB of others, and backs it up with
# the tools that follow into /srv/b.
set -eu
rows=$1 megabytes=$2
shift 2
wanted() { case " $tools " in *" $1 "*) ;; *) false ;; esac }
tools=$*
for each in mariadb mydumper mariabackup; do
  install -d -m 0777 /srv/b/$each
done
systemctl start mariadb
mariadb -e 'create database shop'
for n in 1 2 3 4; do
  mariadb shop -e "create table orders_$n (id int primary key, what char(32), more varchar(300))
    select seq id, md5(seq) what, repeat(md5(seq * 7), 8) more from seq_1_to_$((rows / 4));
    alter table orders_$n add key (what)"
done
# In three steps: MariaDB takes minutes for many repetitions at once.
[ "$megabytes" = 0 ] || mariadb shop -e "create table papers (id int primary key, one longblob);
  set @page = repeat(md5(1), 500); set @chapter = repeat(@page, 10); set @book = repeat(@chapter, 6);
  insert into papers select seq, @book from seq_1_to_$megabytes"
if wanted mariadb-dump; then
  mariadb-dump --single-transaction shop > /srv/b/mariadb/d.sql
fi
if wanted mydumper; then
  mydumper --database shop --outputdir /srv/b/mydumper/d --threads 2 --socket /run/mysqld/mysqld.sock
fi
if wanted mariabackup; then
  mariabackup --backup --stream=xbstream 2> /dev/null > /srv/b/mariabackup/d.xb
fi
