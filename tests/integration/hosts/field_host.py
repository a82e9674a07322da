"""A standby as somebody else has set it up: its /etc, its homes and its sshd are a situation's.

A situation is what an administrator did there: a shell script that runs as root in the host's own
mounts before its sshd starts, and lines of sshd_config. All of it goes with the host's namespace.
"""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.integration.hosts.two_hosts import NamespaceHost, free_number, namespace_host
from tests.integration.house import build, edit, write

LOGIN = "pd-field"
_NUMBER = 61211
_MOUNTS = f"""\
hostname standby-7
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock /run/etc
chmod 1777 /run/lock
cp -a /etc/. /run/etc
for each in /tmp /var/tmp; do mount -t tmpfs -o mode=1777,size=16m tmpfs "$each"; done
for each in /root /home /usr/local; do mount -t tmpfs -o mode=755,size=16m tmpfs "$each"; done
mkdir -p /usr/local/bin /usr/local/sbin
mount --bind /run/etc /etc
(
  export HOME=/root BASE="$1"
  echo '{LOGIN}:x:{_NUMBER}:{_NUMBER}::/home/{LOGIN}:/bin/bash' >> /etc/passwd
  echo '{LOGIN}:x:{_NUMBER}:' >> /etc/group
  echo '{LOGIN}:*:19000:0:99999:7:::' >> /etc/shadow
  printf '%s\\n' 'Defaults env_reset' 'root ALL=(ALL:ALL) ALL' \\
    'Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' \\
    '{LOGIN} ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers
  rm -rf /etc/sudoers.d /etc/profile.d/*
  printf '%s\\n' 'account required pam_permit.so' 'session required pam_unix.so' > /etc/pam.d/sshd
  for home in /root /home/{LOGIN}; do mkdir -p "$home" && cp -r /etc/skel/. "$home"; done
  chown -R {LOGIN}: /home/{LOGIN}
  . "$1/situation.sh"
)
"""
_TAIL = "Match all\nSetEnv FIELD=1\n"  # the tests' own HOME and TMPDIR are nobody's in the field

CHECK = '''\
def test_who(host):
    """Commands, files and accounts are asked as they are elsewhere."""
    assert host.check_output("id -un; cat") == "root"
    assert host.run("printf '%s|' a 'b c' '$HOME' 'd!e'").stdout == "a|b c|$HOME|d!e|"
    assert host.run("echo no >&2; exit 3").rc == 3
    assert host.file("/srv/restored/data").content_string == "data\\n"
    assert host.user("root").uid == 0
    with host.sudo("daemon"):
        assert host.check_output("id -un") == "daemon"
'''
RESTORE = """\
- hosts: standby
  gather_facts: true
  tasks:
    - name: make the folder
      ansible.builtin.file: {path: /srv/restored, state: directory, mode: "0755"}
    - name: put the data back
      ansible.builtin.copy: {content: "data\\n", dest: /srv/restored/data, mode: "0644"}
    - name: by sh
      ansible.builtin.shell: id -un > /srv/restored/who
    - name: raw
      ansible.builtin.raw: echo raw > /srv/restored/raw
"""
TEARDOWN = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: remove it
      ansible.builtin.file: {path: /srv/restored, state: absent}
"""


class Situation(NamedTuple):
    """What somebody did on a standby, and what comes of a drill there."""

    script: str = ""
    sshd: str = ""
    login: str = LOGIN
    code: int = 0
    reason: str = ""
    hint: str = ""


class FieldHost:
    """The host, which begins anew for each situation."""

    def __init__(self, host: NamespaceHost) -> None:
        self.host = host
        self._config = host.server.folder / "sshd_config"
        self._settings = self._config.read_text("utf-8").partition("SetEnv")[0]

    def begin(self, situation: Situation) -> None:
        """Start it as the situation has it."""
        self._end()
        self.host.empty()
        self.host.run("nft", "flush", "ruleset")  # what a drill that was killed has left
        self.host.marker.write_text(f"{self.host.machine_id}\n")
        (self.host.home / "machine-id").write_text(f"{self.host.machine_id}\n")
        (self.host.home / "situation.sh").write_text(situation.script, "utf-8")
        keys = [line.split(" ")[0] for line in situation.sshd.splitlines()]
        ours = [each for each in self._settings.splitlines() if each.split(" ")[0] not in keys]
        text = "\n".join([*ours, situation.sshd, _TAIL])
        self._config.write_text(text, "utf-8")
        self.host.server.start()

    def _end(self) -> None:
        """Stop it; the sshd in its namespace ends a little later, and is not the next one."""
        server = self.host.server
        server.stop()
        with suppress(OSError):
            while True:
                socket.create_connection((server.address, server.port), timeout=1).close()
                time.sleep(0.02)

    def house(self, folder: Path, login: str) -> Path:
        """Write a house of drills whose standby is this host; return its folder."""
        build(folder)
        become = f"ansible_become: {'false' if login == 'root' else 'true'}"
        self.host.server.serve(folder, "field-dr", login=login, variables=(become,))
        edit(
            folder, "drills/shop.yml", "hosts: standby,",
            "hosts: standby, egress: denied, watch_files: true, "
            "absent_after_teardown: [/srv/restored],",
        )  # fmt: skip
        edit(
            folder, "drills/shop.yml", "  must_not",
            "  canary: {command: 'test $(id -u) = 0 && cat && printf %064d 0 | tr 0 a', "
            f"expect: 'file:{folder}/planted'}}\n  must_not",
        )  # fmt: skip
        (folder / "planted").write_text("a" * 64)
        (folder / "planted").chmod(0o600)
        write(folder, "drills/checks/shop/test_shop.py", CHECK)
        write(folder, "playbooks/restore.yml", RESTORE)
        write(folder, "playbooks/teardown.yml", TEARDOWN)
        return folder


@contextmanager
def field_host() -> Iterator[FieldHost]:
    """Make the host; it goes at the end. Takes root."""
    with ExitStack() as undo:
        # Below nothing that the host has of its own.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-field-", dir="/mnt"))
        Path(name).chmod(0o755)
        home = Path(name, "field-dr")
        home.mkdir()
        (home / "situation.sh").write_text("")
        host = namespace_host(undo, home, free_number(), 25, mounts=_MOUNTS, namespaces=("--uts",))
        yield FieldHost(host)
