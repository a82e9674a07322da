# A backup server: the account that keeps the backups, and pgBackRest's and Barman's side of it.
# $1 the key that every machine here logs in with, public; $2 the primary's host key; $3 the
# repository's password; $4 PostgreSQL's version; stdin: the key.
set -eu
useradd --create-home --shell /bin/bash keeper
install -d -o keeper -g keeper -m 0700 ~keeper/.ssh /srv/pgbackrest /srv/backups \
  /srv/backups/postgresql /srv/backups/mariadb /srv/backups/mydumper /srv/backups/mariabackup
cat > ~keeper/.ssh/id_ed25519
cat > ~keeper/.ssh/config <<'END'
# A new login costs an emulated machine seconds.
KexAlgorithms curve25519-sha256
ControlMaster auto
ControlPath ~/.ssh/shared-%h
ControlPersist 10m
END
echo "$1" > ~keeper/.ssh/authorized_keys
echo "10.0.2.100 $2" > ~keeper/.ssh/known_hosts
chmod 0600 ~keeper/.ssh/*
chown -R keeper:keeper ~keeper/.ssh
cat > /etc/pgbackrest.conf <<'END'
[global]
repo1-path=/srv/pgbackrest
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=PASS
repo1-bundle=y
compress-type=zst
compress-level=1
start-fast=y
log-level-file=off
[main]
pg1-host=10.0.2.100
pg1-host-user=postgres
pg1-path=/var/lib/postgresql/15/main
END
sed -i "s/=PASS/=$3/" /etc/pgbackrest.conf
sed -i "s|/15/|/$4/|" /etc/pgbackrest.conf
chmod 0644 /etc/pgbackrest.conf
