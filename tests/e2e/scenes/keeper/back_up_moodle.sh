# Backs the primary's Moodle up, once as it is and once with a rotten file; then it is used on.
# $1 mariadb or pgsql; stdin: the backup job.
set -eu
cat > /root/backup-moodle
mkdir -p -m 0700 /var/backups/moodle
plant=/usr/local/sbin/plant-moodle
[ ! -e /var/www/moodle/lib/plant.php ] || plant=/var/www/moodle/lib/plant.php  # the miniature's
runuser -u www-data -- php $plant /var/www/moodle > /var/backups/moodle/planted-password
# Production's cache servers, which a copy must not use; a real Moodle here would look for them.
mkdir -p /var/moodledata/muc
echo "<?php \$configuration = ['stores' => ['redis' => ['server' => 'cache.exemple.fr']]];" > /var/moodledata/muc/config.php
chown -R www-data:www-data /var/moodledata/muc
export RESTIC_REPOSITORY=sftp:keeper@10.0.2.100:/srv/restic/moodle RESTIC_PASSWORD=un-mot-de-passe
restic init --quiet
sleep 2
sh /root/backup-moodle "$1"
rotten=$(awk '$2 > 1000 {print $1; exit}' /root/documents)  # one of the scene's, whatever the site holds
printf X | dd of="$rotten" bs=1 seek=500 conv=notrunc status=none
restic backup --quiet --tag rotten /var/backups/moodle /var/moodledata /var/www/moodle
sleep 10
echo "$rotten"
