# A primary with files of every kind, backed up with restic, borg and tar, and once by a job that
# forgot the ACLs; then it is used on. stdin: manifest-files.
set -eu
cat > /root/manifest-files
top=/srv/files
mkdir -p $top/projects/plans $top/public $top/drop $top/pradrill-heartbeat /var/backups/files
for n in $(seq 60); do head -c $((n * 997)) /dev/urandom > $top/projects/plans/plan-$n.dwg; done
echo shared > $top/public/read-me
ln -s ../public/read-me $top/projects/link
ln $top/public/read-me $top/public/same
truncate -s 1M $top/public/sparse
echo x > "$top/public/$(printf 'caf\351 \n')"
mkfifo $top/drop/pipe
cp /bin/true $top/drop/tool
chown -R www-data:games $top/projects
chown 4242:4343 $top/public/sparse
chmod 0640 $top/projects/plans/*
chmod 2770 $top/projects/plans
chmod 1777 $top/drop
chmod 4755 $top/drop/tool
setfacl -m u:backup:rwx,g:mail:rx,d:u:backup:rwx,d:g:mail:rx $top/projects/plans
setfacl -m u:backup:r $top/projects/plans/plan-7.dwg
setfattr -n user.origin -v 'CAD 3' $top/projects/plans/plan-7.dwg
setfattr -n trusted.scan -v clean $top/public/read-me
find $top -exec touch -h -d '-1 hour' {} +
cat > /usr/local/sbin/use <<'END'
while sleep 0.5; do
  date -u +%Y-%m-%dT%H:%M:%S.%6NZ > /srv/files/pradrill-heartbeat/new
  mv /srv/files/pradrill-heartbeat/new /srv/files/pradrill-heartbeat/heartbeat
  date > /srv/files/public/diary
done
END
systemd-run --quiet --unit in-use bash /usr/local/sbin/use
sleep 2
export RESTIC_REPOSITORY=sftp:keeper@10.0.2.100:/srv/restic/files RESTIC_PASSWORD=un-mot-de-passe
export BORG_REPO=ssh://keeper@10.0.2.100/srv/borg/files BORG_PASSPHRASE=un-mot-de-passe
restic init --quiet
borg init --encryption=repokey-blake2 2> /root/log || { cat /root/log; exit 1; }
folders="srv/files var/backups/files"
archive() { ssh keeper@10.0.2.100 "cat > /srv/archives/$1/files-20261124.tar.zst"; }
ssh keeper@10.0.2.100 mkdir /srv/archives/whole /srv/archives/poor
cd /
python3 /root/manifest-files write $top > /var/backups/files/manifest.jsonl
# The heartbeat's next file may be renamed while it is read: nobody needs it.
restic backup --quiet --exclude $top/pradrill-heartbeat/new /$(echo $folders | sed 's| | /|')
borg create --exclude "*/pradrill-heartbeat/new" ::files-20261124T0100 $folders || [ $? -eq 1 ]
tar -c --acls --xattrs --xattrs-include='*' --warning=no-file-changed $folders | zstd -q | archive whole
tar -c --warning=no-file-changed $folders | zstd -q | archive poor
sleep 10
