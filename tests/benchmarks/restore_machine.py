"""Where restore_speed.py restores: a machine of the lab, one in namespaces, or one that is named.

One in namespaces has this machine's processors and disk: a restore takes a minute there, not ten.
Its sshd and its daemons are Debian's, with their packages' settings; only systemd is stood in for
(tests/integration/hosts/daemon_hosts.py). It takes root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.integration.hosts.daemon_hosts import apart, daemon_host, give_own_files
from tests.integration.hosts.two_hosts import free_number

from pradrill.adapters.ansible.environment import CONFIGURATION
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab
from pradrill.adapters.standbys.lab.site import write_site

SCRIPTS = Path(__file__).parent / "restoring"
BIN = Path(sys.executable).parent
DEADLINE = 7200
HOST = "restorer"
ROOM = 40 * 2**30
"""The bytes of the lab machine's disk, which begin.sh gives to its file system."""
_OWN = ("etc/mysql", "etc/ldap", "etc/apache2", "etc/php", "etc/wordpress", "etc/barman.d")
_DATA = ("var/lib/ldap", "var/lib/wordpress", "var/lib/apache2", "var/lib/php", "var/www")
_EMPTY = ("var/backups", "var/lib/postgresql", "var/log/postgresql", "var/log/apache2")


class Machine(NamedTuple):
    """Where it is restored, as Ansible and SSH reach it."""

    name: str
    inventory: Path
    ssh_config: Path

    def run(self, script: str, *words: str) -> str:
        """Run a script on the machine and return what it prints."""
        result = subprocess.run(
            ["ssh", "-F", self.ssh_config, self.name, "bash", "-s", "--", *words],
            input=script,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        if result.returncode != 0:
            sys.exit(f"{script[:80]}: {result.stdout[-500:]} {result.stderr.strip()[-1500:]}")
        return result.stdout.strip()

    def do(self, name: str, *words: str) -> None:
        """Run one of the benchmark's own scripts."""
        self.run((SCRIPTS / f"{name}.sh").read_text("utf-8"), *words)

    def play(self, playbook: Path, variables: Path) -> None:
        """Run a playbook as pradrill does: pinned, pipelined, one connection, in no haste."""
        configuration = variables.with_name("ansible.cfg")
        configuration.write_text(CONFIGURATION, "utf-8")
        arguments = ("-i", self.inventory, "-l", self.name, "-e", f"@{variables}")
        result = subprocess.run(
            [BIN / "ansible-playbook", *arguments, playbook],
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(configuration),
                "ANSIBLE_SSH_ARGS": f"-F {self.ssh_config}",
                "ANSIBLE_PIPELINING": "True",
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        if result.returncode != 0:
            sys.exit(f"{playbook.name}: {result.stdout[-3000:]} {result.stderr[-500:]}")


@contextmanager
def machine(kind: str, folder: Path, state: Path, tell: Callable[[str], None]) -> Iterator[Machine]:
    """Give a fresh machine to restore on; it goes at the end."""
    with _in_namespaces(folder) if kind == "namespaces" else _in_lab(folder, state, tell) as there:
        yield there


@contextmanager
def _in_lab(folder: Path, state: Path, tell: Callable[[str], None]) -> Iterator[Machine]:
    lab = Lab(state / "lab", SteadyClock())
    if not lab.built:
        lab.build(tell)
        os.truncate(state / "lab/image/base.img", ROOM)
    fresh = lab.machine(HOST)
    fresh.down()
    fresh.up(tell)
    try:
        site = write_site(fresh, folder=folder)
        yield Machine(site.hosts[0].name, site.inventory, site.ssh_config)
    finally:
        fresh.down()


@contextmanager
def _in_namespaces(folder: Path) -> Iterator[Machine]:
    with ExitStack() as undo:
        # Not below /tmp: the machine has another one.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-speed-", dir="/var/tmp"))
        Path(name).chmod(0o755)
        home = Path(name, HOST)
        (home / "srv").mkdir(parents=True)
        give_own_files(home, *_OWN, *_DATA, empty=_EMPTY)
        root = home / "root"
        (root / "etc/postgresql").mkdir()
        shadow = Path("/etc/shadow").read_text("utf-8")
        unlocked = shadow.replace("\npostgres:!:", "\npostgres:*:")  # or sshd lets Barman not in
        (root / "etc/shadow").write_text(unlocked, "utf-8")
        (root / "etc/shadow").chmod(0o600)
        (root / "etc/pgbackrest.conf").touch(0o644)
        (root / "etc/barman.conf").touch(0o644)
        (root / "etc/ssh").mkdir()
        (root / "etc/ssh/ssh_host_ed25519_key.pub").symlink_to(home / "sshd/host.pub")
        shutil.chown(root / "var/lib/postgresql", "postgres", "postgres")
        shutil.chown(root / "var/log/postgresql", "root", "postgres")
        (root / "var/log/postgresql").chmod(0o1775)
        subprocess.run(apart(home, SCRIPTS / "machine.sh"), check=True)

        host = daemon_host(undo, home, free_number(), 1, "Port 22")
        host.marker.write_text(f"{host.machine_id}\n")
        site = host.server.site(folder, folder)
        machine = Machine(HOST, site.inventory, site.ssh_config)
        keys = home / "sshd/authorized_keys"
        machine.run(f"""
            runuser -u postgres -- sh -c 'mkdir -p -m 0700 "$1" &&
              ssh-keygen -q -t ed25519 -N "" -f "$1/id_ed25519"' sh ~postgres/.ssh
            cat ~postgres/.ssh/id_ed25519.pub >> {keys}""")  # Barman's, of the sshd's one list
        yield machine
