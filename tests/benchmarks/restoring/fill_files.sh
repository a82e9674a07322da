# Makes $2 MB of files and backs them up with the tools that follow into /srv/b. Half of the bytes are
# in small files, half in large ones; the small ones pack to half, as text does.
set -eu
megabytes=$2
shift 2
wanted() { case " $tools " in *" $1 "*) ;; *) false ;; esac }
tools=$*
install -d /srv/b/tar
mkdir -p /srv/files/small /srv/files/large
python3 - "$megabytes" <<'END'
import os, sys
from pathlib import Path
megabytes = int(sys.argv[1])
for n in range(megabytes * 5):
    Path(f"/srv/files/small/{n}").write_text(os.urandom(50_000).hex())
for n in range(megabytes // 20 + 1):
    Path(f"/srv/files/large/{n}").write_bytes(os.urandom(10_000_000))
END
export RESTIC_REPOSITORY=/srv/b/restic RESTIC_PASSWORD=benchmark
export BORG_REPO=/srv/b/borg BORG_PASSPHRASE=benchmark BORG_BASE_DIR=/srv/own/borg
cd /
if wanted restic; then
  restic init --quiet
  restic backup --quiet /srv/files
fi
if wanted borg; then
  borg init --encryption=repokey
  borg create --compression zstd,1 ::files-1 srv/files
fi
if wanted tar; then
  tar -c --acls --xattrs srv/files | gzip -1 > /srv/b/tar/files-1.tar.gz
fi
