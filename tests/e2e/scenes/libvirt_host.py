"""A hypervisor: Debian's libvirt and QEMU without KVM, in a system and in namespaces of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGES = (
    *("libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients"),
    *("qemu-system-x86", "qemu-utils", "genisoimage", "dnsmasq-base", "iptables", "iproute2"),
    *("openssh-server", "python3", "procps"),
)
_SETTINGS = """
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
"""
_START = """
mount --make-rprivate / 2>/dev/null || :
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t sysfs sys "$1/sys" 2>/dev/null || :
mount -t tmpfs run "$1/run"
mkdir -p "$1/run/libvirt" "$1/run/sshd"
ip link set lo up
chroot "$1" sh -ec '
  virtlogd -d
  libvirtd -d
  for _ in $(seq 100); do virsh -q -c qemu:///system list >/dev/null 2>&1 && break; sleep 0.2; done
  virsh -q -c qemu:///system net-start default
  /usr/sbin/sshd'
echo up
exec sleep 36000
"""
BASE = "/var/lib/libvirt/images/base.qcow2"


class LibvirtHost:
    """The hypervisor while it runs; whoever is `inside` its network reaches it and its guests."""

    def __init__(self, root: Path, login: Path, holder: int) -> None:
        self.root = root
        self.login = login
        self.inside = ("nsenter", f"--net=/proc/{holder}/ns/net")

    @property
    def known_hosts(self) -> str:
        """Return the line that pins its key."""
        key = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text("utf-8").split()
        return f"127.0.0.1 {key[0]} {key[1]}\n"

    def virsh(self, *words: str) -> str:
        """Return what virsh prints there."""
        ssh = ("ssh", "-i", str(self.login), "-o", "StrictHostKeyChecking=no", "root@127.0.0.1")
        command = [*self.inside, *ssh, "virsh", "-q", "-c", "qemu:///system", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def volumes(self) -> set[str]:
        """Return the names of the files where volumes lie."""
        return {path.name for path in (self.root / BASE[1:]).parent.iterdir()}


def install(root: Path, image: Path) -> None:
    """Install the hypervisor's system, with an image that machines are cloned from."""
    include = f"--include={','.join(_PACKAGES)}"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", include, "bookworm", str(root)]
    subprocess.run(command, check=True)
    with (root / "etc/libvirt/qemu.conf").open("a", encoding="utf-8") as file:
        file.write(_SETTINGS)
    (root / "etc/machine-id").write_text(f"{os.urandom(16).hex()}\n", "ascii")
    shutil.copy(image, root / BASE[1:])


@contextmanager
def libvirt_host(root: Path, folder: Path) -> Iterator[LibvirtHost]:
    """Run an installed hypervisor; all that it runs ends with it. Takes root."""
    login = folder / "login"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(login)], check=True)
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(login.with_suffix(".pub"), root / "root/.ssh/authorized_keys")
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    with subprocess.Popen(
        [*unshare, "sh", "-ec", _START, "sh", root], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            yield LibvirtHost(root, login, int(children.split()[0]))
        finally:
            process.kill()
