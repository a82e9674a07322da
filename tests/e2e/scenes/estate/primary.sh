# The primary of an estate: a directory, and an intranet with its database; each backed up as the
# restore playbooks say. $1 the intranet's name; stdin: what fills a WordPress.
set -eu
site=$1 password=of-production
cat > /tmp/fill.php
mkdir -p /srv/backups/directory /srv/backups/intranet-sql /srv/backups/intranet

systemctl stop slapd
base=$(slapcat -n 1 | sed -n '1s/^dn: //p')
{
  printf 'dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n' "$base"
  printf %s "$(head -c 18 /dev/urandom | base64)" > /srv/backups/directory/planted-password
  chmod 0600 /srv/backups/directory/planted-password
  for name in ines marc thuy pradrill; do
    printf 'dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\n' \
      $name "$base" $name $name $name
    printf 'mail: %s@exemple.fr\nuserPassword: %s\n\n' \
      $name "$(slappasswd -T /srv/backups/directory/planted-password)"
  done
  printf 'dn: ou=groups,%s\nobjectClass: organizationalUnit\nou: groups\n\n' "$base"
  printf 'dn: cn=staff,ou=groups,%s\nobjectClass: groupOfNames\ncn: staff\n' "$base"
  printf "member: uid=%s,ou=people,$base\n" ines marc thuy
} | slapadd -n 1
slapcat -n 0 > /srv/backups/directory/config.ldif
slapcat -n 1 | gzip > /srv/backups/directory/data.ldif.gz

systemctl start mariadb
mariadb <<END
create database intranet character set utf8mb4;
create user intranet@localhost identified by '$password';
grant all on intranet.* to intranet@localhost;
END
cat > /etc/wordpress/config-default.php <<END
<?php
define('DB_NAME', 'intranet');
define('DB_USER', 'intranet');
define('DB_PASSWORD', '$password');
define('DB_HOST', 'localhost');
define('WP_CONTENT_DIR', '/var/lib/wordpress/wp-content');
END
chgrp www-data /etc/wordpress/config-default.php
install -d -o www-data -g www-data /var/lib/wordpress/wp-content/uploads
runuser -u www-data -- php -- "$site" < /tmp/fill.php > /dev/null
mariadb-dump --single-transaction intranet | gzip > /srv/backups/intranet-sql/intranet.sql.gz
tar -czf "/srv/backups/intranet/wp-content-$(date -u +%F).tar.gz" -C /var/lib/wordpress/wp-content .
