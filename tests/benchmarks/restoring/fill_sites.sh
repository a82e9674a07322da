# Makes what is left of a WordPress and of a Moodle when only their restore is looked at: a database
# of $1 rows and $2 MB of files each, in restic snapshots under /srv/b.
set -eu
rows=$1 megabytes=$2
export RESTIC_REPOSITORY=/srv/b/restic RESTIC_PASSWORD=benchmark
mkdir -p /var/backups/wordpress /var/backups/moodle /var/lib/wordpress/wp-content/uploads \
  /var/www/moodle/admin/cli /var/www/moodledata/filedir
systemctl start mariadb
mariadb -e "create database site; use site; create table orders (id int primary key, what char(32),
  more varchar(300)) select seq id, md5(seq) what, repeat(md5(seq * 7), 8) more from seq_1_to_$rows;
  alter table orders add key (what); create table mdl_task_scheduled (disabled int);
  create table mdl_sessions (sid int); create table mdl_config (name char(40), value char(40));
  create table mdl_config_plugins (plugin char(40), name char(40), value char(40))"
mariadb-dump --single-transaction site > /var/backups/wordpress/wordpress.sql
cp /var/backups/wordpress/wordpress.sql /var/backups/moodle/moodle.sql
python3 - "$megabytes" <<'END'
import os, random, sys
from pathlib import Path
some = os.urandom(32_000_000)
for n in range(int(sys.argv[1]) * 5):
    at = random.randrange(31_800_000)
    content = some[at : at + 200_000]  # to restic each is another
    Path(f"/var/lib/wordpress/wp-content/uploads/{n}").write_bytes(content)
    Path(f"/var/www/moodledata/filedir/{n}").write_bytes(content)
END
printf "<?php\nrequire_once(__DIR__ . '/lib/setup.php');\n" > /var/www/moodle/config.php
echo '<?php' | tee /var/www/moodle/admin/cli/purge_caches.php > /var/www/moodle/admin/cli/cfg.php
restic init --quiet
restic backup --quiet --tag wordpress /var/backups/wordpress /etc/wordpress \
  /etc/apache2/sites-available /var/lib/wordpress/wp-content
restic backup --quiet --tag moodle /var/backups/moodle /var/www/moodle /var/www/moodledata
