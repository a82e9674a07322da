# A backup server: an account that keeps what its key may write. $1 the public key.
set -eu
useradd --create-home --shell /bin/bash keeper
install -d -o keeper -g keeper -m 0700 ~keeper/.ssh /srv/restic /srv/borg /srv/archives /srv/backups
echo "$1" > ~keeper/.ssh/authorized_keys
chown keeper:keeper ~keeper/.ssh/authorized_keys
