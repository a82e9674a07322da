# Puts the machine back: services stopped and as they were before, no files, nothing in its memory.
set -eu
version=$(pg_lsclusters -h | awk '{print $1}')
data=/var/lib/postgresql/$version/main
for each in "postgresql@$version-main" mariadb apache2 slapd; do systemctl stop "$each"; done
rm -rf "$data" "$data.standby" /var/lib/mysql /var/lib/mysql.standby /var/lib/mysql.new /srv/files \
  /var/backups/wordpress /var/lib/wordpress/wp-content /var/backups/moodle /var/www/moodle \
  /var/www/moodledata /etc/apache2/sites-*/pradrill-*.conf /srv/new /etc/ldap/slapd.d /var/lib/ldap \
  /var/lib/pradrill-restore /etc/mysql/mariadb.conf.d/99-pradrill.cnf \
  "/etc/postgresql/$version/main/conf.d/zz-pradrill.conf"
cp -a /srv/own/postgresql "$data"
cp -a /srv/own/mariadb /var/lib/mysql
cp -a /srv/own/slapd.d /etc/ldap/slapd.d
cp -a /srv/own/ldap /var/lib/ldap
sync
# Under the lab's machine there is another memory: in it the backups are, each time.
[ -e /usr/local/sbin/systemctl ] || find /srv/b -type f -exec cat {} + > /dev/null
echo 3 > /proc/sys/vm/drop_caches 2> /dev/null || :
