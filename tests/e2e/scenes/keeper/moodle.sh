# A primary with Moodle, whose code is in /var/www/moodle already: installed, filled, and in use.
# $1 mariadb or pgsql; $2 what signs people in elsewhere
set -eu
kind=$1 elsewhere=${2:-cas} code=/var/www/moodle data=/var/moodledata
pass="l'entrée"
chown -R root:root $code
install -d -o www-data -g www-data -m 0750 $data
for php in /etc/php/*/cli/conf.d; do echo 'max_input_vars = 5000' > "$php/99-moodle.ini"; done
if [ "$kind" = mariadb ]; then
  systemctl start mariadb
  sql() { mariadb --default-character-set=utf8mb4 "$@"; }
  sql <<END
create database moodle character set utf8mb4 collate utf8mb4_unicode_ci;
create user moodle@localhost identified by '${pass//\'/\'\'}';
grant all on moodle.* to moodle@localhost;
END
else
  systemctl start "postgresql@$(pg_lsclusters -h | awk '{print $1 "-" $2}')"
  sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
  sql <<END
create role moodle login password '${pass//\'/\'\'}';
create database moodle owner moodle template template0 encoding 'UTF8';
END
fi
site=/root/site
if [ ! -e $site ]; then
  php $code/admin/cli/install.php --non-interactive --agree-license --lang=en \
    --wwwroot=https://moodle.exemple.fr --dataroot=$data --dbtype="$kind" --dbname=moodle \
    --dbuser=moodle --dbpass="$pass" --fullname='Exemple SAS' --shortname=exemple \
    --adminuser=admin --adminpass='Un-mot-de-passe-1' --adminemail=admin@exemple.fr > /root/install.log ||
    { tail -n 5 /root/install.log; exit 1; }
else  # a site that was given
  if [ "$kind" = mariadb ]; then sql moodle < $site/mariadb.sql; else
    { echo 'set role moodle;'; cat $site/pgsql.sql; } | sql -d moodle > /dev/null
  fi
  cp -a $site/moodledata/. $data/
  cat > $code/config.php <<END
<?php
unset(\$CFG);
global \$CFG;
\$CFG = new stdClass();
\$CFG->dbtype = '$kind';
\$CFG->dblibrary = 'native';
\$CFG->dbhost = 'localhost';
\$CFG->dbname = 'moodle';
\$CFG->dbuser = 'moodle';
\$CFG->dbpass = '${pass//\'/\\\'}';
\$CFG->prefix = 'mdl_';
\$CFG->dboptions = ['dbcollation' => 'utf8mb4_unicode_ci'];
\$CFG->wwwroot = 'https://moodle.exemple.fr';
\$CFG->dataroot = '$data';
\$CFG->directorypermissions = 02770;
require_once(__DIR__ . '/lib/setup.php');
END
fi
# What production has and a copy must not: a proxy before it, mail, folders of its own, Redis, cron.
sed -i "s|^require_once.*setup.php.*|\$CFG->sslproxy = true;\n\$CFG->smtphosts = 'smtp.exemple.fr';\n&|" $code/config.php
sed -i "s|^require_once.*setup.php.*|\$CFG->tempdir = '/srv/moodle-temp';\n&|" $code/config.php
install -d -o www-data /srv/moodle-temp
chgrp www-data $code/config.php
chmod 0640 $code/config.php
chown -R www-data:www-data $data
cfg() { runuser -u www-data -- php $code/admin/cli/cfg.php "$@"; }
cfg --component="auth_$elsewhere" --name=hostname --set=cas.exemple.fr
cfg --name=auth --set="$elsewhere"
cfg --name=alternateloginurl --set=https://sso.exemple.fr/login
mkdir -p $data/sessions
echo old > $data/sessions/sess_0123456789

cat > /root/fill.py <<'END'
import hashlib, os, random, sys, time
random.seed(1)
now = int(time.time())
os.makedirs("/var/moodledata/filedir", exist_ok=True)
for n in range(60):
    content = random.randbytes(random.randrange(1, 60_000))
    said = hashlib.sha1(content).hexdigest()
    folder = f"/var/moodledata/filedir/{said[:2]}/{said[2:4]}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{said}", "wb") as file:
        file.write(content)
    with open("/root/documents", "a") as documents:
        print(f"{folder}/{said}", len(content), file=documents)
    name = f"document-{n}.pdf"
    path = hashlib.sha1(f"/1/mod_resource/content/{n}/{name}".encode()).hexdigest()
    print("insert into mdl_files (contenthash, pathnamehash, contextid, component, filearea, itemid, "
          "filepath, filename, filesize, mimetype, timecreated, timemodified) values "
          f"('{said}', '{path}', 1, 'mod_resource', 'content', {n}, '/', '{name}', "
          f"{len(content)}, 'application/pdf', {now}, {now});")
print("insert into mdl_sessions (sid, userid, timecreated, timemodified) values "
      f"('0123456789', 2, {now}, {now});")
END
python3 /root/fill.py | sql $([ "$kind" = mariadb ] && echo moodle || echo -d moodle)
chown -R www-data:www-data $data
cat > /usr/local/sbin/use <<'END'
while sleep 1; do
  echo "insert into mdl_logstore_standard_log (eventname, component, action, target, crud, edulevel,
    contextid, contextlevel, contextinstanceid, userid, timecreated) values ('viewed', 'core',
    'viewed', 'course', 'r', 0, 1, 50, 1, 2, $1);"
  echo "insert into pradrill_heartbeat values ($2);"
done
END
if [ "$kind" = mariadb ]; then
  sql moodle -e 'create table pradrill_heartbeat (at datetime(6) primary key)'
  systemd-run --quiet --unit in-use \
    bash -c 'bash /usr/local/sbin/use "unix_timestamp()" "utc_timestamp(6)" | mariadb --unbuffered moodle'
else
  sql -d moodle -c 'create table pradrill_heartbeat (at timestamptz primary key)'
  systemd-run --quiet --unit in-use bash -c 'bash /usr/local/sbin/use \
    "extract(epoch from now())::bigint" "clock_timestamp()" | runuser -u postgres -- psql -Xq moodle'
fi
