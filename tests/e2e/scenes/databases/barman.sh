# Barman's side of a backup server: backs the primary up over SSH, and may reach the standby. Prints the
# public key that it reaches the standby with. $1 the standby's host key.
set -eu
cd /
install -d -o keeper -g keeper -m 0700 /srv/barman /srv/barman/main /srv/barman/main/incoming
mkdir -p /etc/barman.d
echo "10.0.2.101 $1" >> ~keeper/.ssh/known_hosts
# The database listens on its socket only.
cat > /etc/barman.conf <<END
[barman]
barman_user = keeper
barman_home = /srv/barman
log_file = /srv/barman/log
configuration_files_directory = /etc/barman.d
[main]
description = the shop
conninfo = host=127.0.0.1 port=6432 user=postgres dbname=postgres
streaming_conninfo = host=127.0.0.1 port=6432 user=postgres dbname=postgres
backup_method = postgres
immediate_checkpoint = true
archiver = on
path_prefix = $(ls -d /usr/lib/postgresql/*/bin)
END
as() { runuser -u keeper -- "$@"; }
as ssh -f -N -o ControlPath=none -L 127.0.0.1:6432:/var/run/postgresql/.s.PGSQL.5432 \
  postgres@10.0.2.100 > /dev/null 2>&1 < /dev/null
{
  as barman -q switch-wal --force --archive --archive-timeout 120 main
  as barman -q backup main
  as barman -q switch-wal --force --archive --archive-timeout 120 main
} >&2
as ssh-keygen -y -f ~keeper/.ssh/id_ed25519
