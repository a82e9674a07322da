"""A standby whose login is not root, and whose sudo asks for a password, as Debian's does."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.integration.hosts.sshd import PYTHON
from tests.integration.hosts.two_hosts import NamespaceHost, free_number, namespace_host
from tests.integration.house import build, edit, write

LOGIN = "pd-deploy"
PASSWORD = "Gué {{ lu }} 'n\" $HOME"  # noqa: S105 of a login that lives for seconds
_NUMBER = 61210
_MOUNTS = """\
for each in passwd group shadow sudoers; do mount --bind "$1/etc/$each" "/etc/$each"; done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock
"""
_SUDOERS = f"""\
Defaults env_reset, use_pty
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
{LOGIN} ALL=(ALL:ALL) ALL
"""
CHECK = '''\
def test_who(host):
    """It is root, also by way of another account, and nothing is to be read."""
    assert host.check_output("id -un; cat") == "root"
    with host.sudo("daemon"):
        assert host.check_output("id -un; cat") == "daemon"
'''
RESTORE = """\
- hosts: standby
  gather_facts: false
  become: true
  tasks:
    - name: put the data back
      ansible.builtin.shell: id -un > /srv/restored
"""
TEARDOWN = RESTORE.replace("put the data back", "remove it").replace("id -un >", "rm -f")


class SudoHost:
    """The host, and the houses of drills whose standby it is."""

    def __init__(self, host: NamespaceHost) -> None:
        self.host = host

    def set_password(self, password: str) -> None:
        """Let sudo ask the login for another password."""
        _write_shadow(self.host.home / "etc/shadow", password)

    def offer_password(self, password: str) -> None:
        """Lay accounts with another password into /srv, where the host's root finds them."""
        _write_shadow(self.host.srv / "shadow", password)

    def house(self, folder: Path) -> Path:
        """Write a house of drills whose standby is this host; return its folder."""
        build(folder)
        lines = (PYTHON, "ansible_become: true")
        server, name = self.host.server, self.host.home.name
        server.serve(folder, name, login=LOGIN, variables=lines)
        edit(
            folder, "drills/shop.yml", "hosts: standby,",
            f"hosts: standby, become_password: 'file:{folder}/sudo',",
        )  # fmt: skip
        edit(folder, "drills/shop.yml", '"date -u', '"test $(id -u) = 0 && cat && date -u')
        write(folder, "drills/checks/shop/test_shop.py", CHECK)
        write(folder, "playbooks/restore.yml", RESTORE)
        write(folder, "playbooks/teardown.yml", TEARDOWN)
        secret = folder / "sudo"
        secret.write_text(f"{PASSWORD}\n", "utf-8")
        secret.chmod(0o600)
        return folder


@contextmanager
def sudo_host() -> Iterator[SudoHost]:
    """Make the host, marked as a standby; it goes at the end. Takes root."""
    with ExitStack() as undo:
        # Not below pytest's folder, which the login may not enter.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-sudo-", dir="/var/tmp"))
        Path(name).chmod(0o755)
        home = Path(name, "ops-dr")
        (home / "etc").mkdir(parents=True)
        lines = {
            "passwd": f"{LOGIN}:x:{_NUMBER}:{_NUMBER}::/nonexistent:/bin/bash",
            "group": f"{LOGIN}:x:{_NUMBER}:",
        }
        for each, line in lines.items():
            (home / "etc" / each).write_text(f"{Path('/etc', each).read_text('utf-8')}{line}\n")
        (home / "etc/sudoers").write_text(_SUDOERS)
        (home / "etc/sudoers").chmod(0o440)
        _write_shadow(home / "etc/shadow", PASSWORD)
        host = namespace_host(undo, home, free_number(), 9, mounts=_MOUNTS)
        (home / "sshd").chmod(0o1777)
        host.marker.write_text(f"{host.machine_id}\n")
        yield SudoHost(host)


def _write_shadow(path: Path, password: str) -> None:
    words = ["openssl", "passwd", "-6", "-stdin"]
    process = subprocess.run(words, input=password, capture_output=True, text=True, check=True)
    lines = Path("/etc/shadow").read_text("utf-8").splitlines()
    lines.append(f"{LOGIN}:{process.stdout.strip()}:19000:0:99999:7:::")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    path.chmod(0o600)
