# Makes $2 MB of files and backs them up with every tool into /srv/b. Half of the files are small,
# half of the bytes are in large ones; half of the small ones' bytes can be packed.
set -eu
megabytes=$2
install -d /srv/b/tar
mkdir -p /srv/files/small /srv/files/large
program=$(ls /usr/lib/postgresql/*/bin/postgres)
for n in $(seq 1 $((megabytes * 5))); do
  { head -c 50000 /dev/urandom; head -c 50000 "$program"; } > /srv/files/small/$n
done
for n in $(seq 1 $((megabytes / 20 + 1))); do
  head -c 10000000 /dev/urandom > /srv/files/large/$n
done
export RESTIC_REPOSITORY=/srv/b/restic RESTIC_PASSWORD=benchmark
export BORG_REPO=/srv/b/borg BORG_PASSPHRASE=benchmark BORG_BASE_DIR=/srv/own/borg
restic init --quiet
restic backup --quiet /srv/files
borg init --encryption=repokey
cd /
borg create --compression zstd,1 ::files-1 srv/files
tar -c --acls --xattrs srv/files | zstd -q -1 > /srv/b/tar/files-1.tar.zst
