# Makes the machine a standby with no backups, whose services are stopped and empty, and keeps how
# they are now for reset.sh.
set -eu
version=$(pg_lsclusters -h | awk '{print $1}')
data=/var/lib/postgresql/$version/main
mkdir -p /etc/pradrill
cat /etc/machine-id > /etc/pradrill/standby
for each in "postgresql@$version-main" mariadb slapd; do systemctl stop "$each"; done
if [ ! -e /srv/own ]; then
  mkdir /srv/own
  cp -a "$data" /srv/own/postgresql
  cp -a /var/lib/mysql /srv/own/mariadb
  cp -a /etc/ldap/slapd.d /srv/own/slapd.d
  cp -a /var/lib/ldap /srv/own/ldap
fi
rm -rf /srv/b
[ -e /usr/local/sbin/systemctl ] || resize2fs /dev/vda 2> /dev/null || :  # the lab's machine has a larger disk here
install -d -m 0755 /srv/b
