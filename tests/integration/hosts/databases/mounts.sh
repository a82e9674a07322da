# Gives a host of daemon_hosts.py what its daemons keep: what lies in $1/root is mounted where it lies
# there. Its /run is empty, as after a boot, and /tmp is its own.
for each in etc/passwd etc/shadow etc/group etc/pgbackrest.conf etc/postgresql etc/mysql \
  etc/ldap etc/apache2 etc/php etc/wordpress etc/samba etc/barman.conf etc/barman.d etc/ssh/ssh_host_ed25519_key.pub \
  var/backups var/lib var/cache/samba var/log/samba var/log/postgresql var/log/apache2 var/www \
  usr/local/sbin; do
  [ ! -e "$1/root/$each" ] || mount --bind "$1/root/$each" "/$each"
done
mount -t proc proc /proc
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock /run/systemd/system
install -d -o postgres -g postgres -m 2775 /run/postgresql
