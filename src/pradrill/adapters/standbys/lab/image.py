"""Build the disk that every machine of the lab starts from: Debian, from its packages.

Nothing is downloaded but packages, nobody has to be root: mmdebstrap makes the system in a user
namespace, mke2fs puts it into a file system, and QEMU starts the kernel directly.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pradrill.adapters.standbys.files import lock_file, require, run, search_path, write_private
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import UNREADABLE, ConfigurationError, NotReadyError, PradrillError
from pradrill.ports import Say

PACKAGES = (
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "udev",
    "openssh-server",
    "python3",
    "apache2",
    "libapache2-mod-php",
    "php-cli",
    "php-gd",
    "php-mysql",
    "php-pgsql",
    "php-curl",
    "php-intl",
    "php-mbstring",
    "php-soap",
    "php-xml",
    "php-zip",
    "wordpress",
    "wordpress-theme-twentytwentythree",
    "mariadb-server",
    "mariadb-backup",
    "postgresql",
    "pgbackrest",
    "barman",
    "barman-cli",
    "restic",
    "borgbackup",
    "slapd",
    "sqlite3",
    "ldap-utils",
    "acl",
    "attr",
    "zstd",
    "ca-certificates",
    "curl",
    "iproute2",
    "iputils-ping",
    "procps",
    "rsync",
)
_SUITES = {"bookworm": ("mydumper",), "trixie": ()}
"""The Debians that the lab knows, each with the packages that only it has."""
_SIZE = "12G"
"""What a machine may fill; the file is sparse."""
_ROOM = 4 * 1024**3  # bytes that a build uses at its height
_DEADLINE = 3600

_BEFORE_KERNEL = """\
set -e
mkdir -p "$1/etc/initramfs-tools/conf.d"
printf 'MODULES=list\\nCOMPRESS=gzip\\n' > "$1/etc/initramfs-tools/conf.d/lab"
printf 'virtio_pci\\nvirtio_blk\\next4\\n' > "$1/etc/initramfs-tools/modules"
mkdir -p "$1/etc/postgresql-common/createcluster.d"
echo "initdb_options = '--data-checksums'" > "$1/etc/postgresql-common/createcluster.d/lab.conf"
"""
"""Runs before the packages: an initrd that holds what a lab machine needs, and boots faster;
data checksums in PostgreSQL's cluster."""

_AFTER_PACKAGES = """\
set -e
cat > "$1/etc/systemd/system/lab-seed.service" <<'UNIT'
[Unit]
Description=This machine's own identity, from its seed disk
DefaultDependencies=no
Requires=dev-vdb.device
After=dev-vdb.device systemd-remount-fs.service
Before=sysinit.target ssh.service systemd-networkd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/tar -x -C / -f /dev/vdb
[Install]
WantedBy=sysinit.target
UNIT
cat > "$1/etc/systemd/network/lab.network" <<'UNIT'
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
UNIT
printf '/dev/vda / ext4 noatime 0 1\\n' > "$1/etc/fstab"
printf '127.0.0.1 localhost\\n' > "$1/etc/hosts"
printf 'UseDNS no\\nMaxStartups 100\\nPasswordAuthentication no\\n' \
  > "$1/etc/ssh/sshd_config.d/lab.conf"
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"
: > "$1/etc/machine-id"
mkdir -p -m 0700 "$1/root/.ssh"
chroot "$1" systemctl enable lab-seed.service systemd-networkd.service ssh.service
chroot "$1" systemctl disable apache2.service mariadb.service postgresql.service slapd.service
chroot "$1" systemctl mask systemd-networkd-wait-online.service apt-daily.timer \
  apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer man-db.timer phpsessionclean.timer \
  dpkg-db-backup.timer systemd-timesyncd.service getty.target
"""
"""Runs after the packages: one network card, no service on its own, no timer that wakes up."""


class Image:
    """The base image: either ours, with a kernel beside it, or a QCOW2 that its user brought."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = folder / "base.img"
        self.kernel = folder / "vmlinuz"
        self.initrd = folder / "initrd"
        self._card = folder / "image.json"

    @property
    def built(self) -> bool:
        """Tell whether it is there, whole: one of an older pradrill may lack packages."""
        try:
            card = json.loads(self._card.read_text(encoding="utf-8"))
        except (OSError, *UNREADABLE):
            return False
        if not isinstance(card, dict):
            return False
        return "source" in card or card == _described(str(card.get("suite")))

    @property
    def brought(self) -> bool:
        """Tell whether it is the user's own, which starts by itself and reads cloud-init."""
        return not self.kernel.exists()

    @property
    def format(self) -> str:
        """Return the disk's format in QEMU's words."""
        return "qcow2" if self.brought else "raw"

    def build(self, say: Say, image: Path | None = None) -> None:
        """Build it, or copy the user's own; what is not finished leaves nothing behind.

        Raises NotReadyError (programs, room), BusyError, PradrillError (the build's own words).
        """
        with lock_file(self.folder.with_suffix(".lock"), "the lab's image"):
            for leftover in self.folder.parent.glob("image.new.*"):
                shutil.rmtree(leftover, ignore_errors=True)

            new = Path(tempfile.mkdtemp(prefix="image.new.", dir=self.folder.parent))
            try:
                description = _copy(image, new, say) if image else _bootstrap(new, say)
                write_private(new / "image.json", json.dumps(description, indent=2) + "\n")
                shutil.rmtree(self.folder, ignore_errors=True)
                new.rename(self.folder)
            finally:
                shutil.rmtree(new, ignore_errors=True)


def _copy(image: Path, new: Path, say: Say) -> dict[str, object]:
    require(["qemu-img"])
    if not image.is_file():
        raise ConfigurationError(f"there is no image {image}", hint="Name a QCOW2 file.")

    if not is_alone(run(["qemu-img", "info", "--output=json", image])):
        raise ConfigurationError(
            f"{image} is not a QCOW2 image on its own",
            hint="Convert it: qemu-img convert -O qcow2 IMAGE NEW.qcow2.",
        )

    say(f"copying {image}")
    shutil.copyfile(image, new / "base.img")

    return {"source": str(image)}


def is_alone(info: str) -> bool:
    """Tell whether qemu-img says of an image that it is a QCOW2, all of which is in its file.

    Another file could be any of this machine's, and the machine would read it as its disk.
    """
    try:
        its = json.loads(info)
        there = its.get("backing-filename") or its["format-specific"]["data"].get("data-file")
        return its["format"] == "qcow2" and not there
    except UNREADABLE:
        return False


def _bootstrap(new: Path, say: Say) -> dict[str, object]:
    rootless = os.geteuid() != 0
    require(["mmdebstrap", "mke2fs", "qemu-img", *(["fakeroot", "newuidmap"] if rootless else [])])
    room = shutil.disk_usage(new).free
    if room < _ROOM:
        raise NotReadyError(
            f"{new.parent} has {room / 1e9:.1f} GB left and the image needs {_ROOM / 1e9:.1f}",
            hint="Make room, or put the state elsewhere: pradrill --state FOLDER.",
        )

    suite = _suite()
    described = _described(suite)
    packages = described["packages"]
    say(f"building a Debian {suite} with {len(packages)} packages and what they need")
    _mmdebstrap(suite, packages, new, say)
    say("making its file system")
    root = new / "root"
    root.mkdir()
    unpack = (
        f"tar -x --numeric-owner -f {new}/root.tar -C {root} --exclude=./dev/* && "
        f"cp -L {root}/vmlinuz {new}/vmlinuz && cp -L {root}/initrd.img {new}/initrd && "
        f"mke2fs -q -t ext4 -d {root} {new}/base.img {_SIZE}"
    )

    run([*(["fakeroot", "--"] if rootless else []), "sh", "-c", unpack], deadline=_DEADLINE)
    (new / "root.tar").unlink()
    shutil.rmtree(root)

    return described


def _described(suite: str) -> dict[str, Any]:
    """Return what an image that we build is, as it stands in its card."""
    return {"suite": suite, "packages": [*PACKAGES, *_SUITES.get(suite, ())]}


def _suite() -> str:
    """Return the host's own Debian when the lab knows it."""
    try:
        suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        suite = ""
    return suite if suite in _SUITES else next(iter(_SUITES))


def _mmdebstrap(suite: str, packages: Sequence[str], new: Path, say: Say) -> None:
    with subprocess.Popen(
        [
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            f"--essential-hook={_BEFORE_KERNEL}",
            f"--customize-hook={_AFTER_PACKAGES}",
            suite,
            str(new / "root.tar"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PATH": search_path(), "TMPDIR": os.environ.get("TMPDIR", "/tmp")},  # noqa: S108 mmdebstrap makes its own folder there
    ) as building:
        assert building.stderr is not None  # noqa: S101 it is piped
        output = ""
        try:
            for line in building.stderr:
                output += line
                if line.startswith("I: ") and "..." in line:
                    say(line.removeprefix("I: ").strip())
        except BaseException:
            building.terminate()
            raise
    if building.returncode != 0:
        raise PradrillError(
            f"mmdebstrap failed: {last_line(output)}",
            hint="Is a Debian mirror within reach? Its whole output: mmdebstrap "
            f"--variant=minbase {suite} /tmp/try.tar.",
        )
