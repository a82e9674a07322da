"""A standby with PostgreSQL and MariaDB, and the backup server that is left of their lost primary.

Both are hosts in namespaces (two_hosts.py), here with processes, accounts and a /var/lib of their
own. The standby reaches the backup server over SSH, at the address that the shipped drills name.
The primary was a third one: databases/primary.sh filled it and let the real tools back it up, then
all its processes were killed at once. Only systemd is stood in for: databases/systemctl.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.integration.hosts.machines import propagation, run_quietly
from tests.integration.hosts.sshd import descendants
from tests.integration.hosts.two_hosts import NamespaceHost, free_number, namespace_host
from tests.integration.house import edit, write

REPOSITORY = Path(__file__).parents[3]
CIPHER_PASS = "un-mot-de-passe-long"  # noqa: S105 of a repository that lives for minutes
_SCRIPTS = Path(__file__).parent / "databases"
_MOUNTS = (_SCRIPTS / "mounts.sh").read_text("utf-8")
_NAMESPACES = ("--pid", "--fork")
_ACCOUNTS = {"mysql": 61201, "keeper": 61202}
"""Whom no package of the tests makes."""
_PROGRAMS = {"postgres", "pgbackrest", "mariadbd", "mariabackup"}
_STANDBY, _BACKUP = "10.0.2.101", "10.0.2.100"
"""Where the shipped drills have them."""
_INVENTORY = """\
  inventory: ../inventory.yml
  hosts: standby
  known_hosts: ../known_hosts
"""


class Loss(NamedTuple):
    """When the primary was backed up, and when it died."""

    dumps_begin: datetime
    dumps_end: datetime
    log_end: datetime
    death: datetime

    def since(self, instant: datetime) -> float:
        """Return how many seconds before the loss something was."""
        return (self.death - instant).total_seconds()


class DatabaseHosts:
    """The standby, the backup server, and how the primary was lost."""

    def __init__(
        self, standby: NamespaceHost, backup: NamespaceHost, version: str, loss: Loss
    ) -> None:
        self.standby = standby
        self.backup = backup
        self.version = version
        """PostgreSQL's."""
        self.loss = loss
        self.secrets = {
            "PRADRILL_BACKUP_KEY": backup.server.key.read_text("utf-8"),
            "PRADRILL_BACKUP_HOST_KEY": backup.server.host_key,
            "PRADRILL_PGBACKREST_CIPHER_PASS": CIPHER_PASS,
            "PRADRILL_DATABASE_PASSWORD": "l'entrée",
        }

    def state_of_standby(self) -> list[str]:
        """Return what of databases lies on the standby, and which of their programs run there."""
        root = self.standby.home / "root"
        data = [*root.glob("var/lib/*"), *root.glob("var/lib/*/*/"), *root.glob("var/lib/*/*/*/")]
        configuration = [*root.glob("etc/mysql/**/*"), *root.glob("etc/postgresql/**/*")]
        programs = [each for each in self.standby.server.programs() if each in _PROGRAMS]
        return sorted([*(str(path.relative_to(root)) for path in data + configuration), *programs])

    def house(self, folder: Path) -> Path:
        """Copy the shipped drills, for this standby and the loss of this primary."""
        for name in ("drills", "playbooks"):
            shutil.copytree(REPOSITORY / name, folder / name)
        server = self.standby.server
        write(
            folder,
            "inventory.yml",
            f"""\
            standby:
              hosts:
                db-dr:
                  ansible_host: {server.address}
                  ansible_port: {server.port}
                  ansible_user: root
                  ansible_ssh_private_key_file: {server.key}
                  ansible_python_interpreter: /usr/bin/python3
                  dr_role: standby
            """,
        )
        shutil.copy(server.known_hosts, folder / "known_hosts")
        for name in ("postgresql", "mariadb"):
            self._adapt(folder / f"drills/{name}.yml")
        edit(folder, "drills/postgresql.yml", "postgresql/15/", f"postgresql/{self.version}/")
        plan = folder / "drills/plan.yml"
        primary = "{addresses: [192.0.2.10], machine_ids: [0123456789abcdef0123456789abcdef]}"
        plan.write_text(plan.read_text("utf-8").replace("{vm: primary}", primary), "utf-8")
        return folder

    def _adapt(self, drill: Path) -> None:
        """Make a shipped drill this standby's: an inventory takes the place of the lab."""
        text = drill.read_text("utf-8")
        for old, new in (
            (r"  vm: standby .*\n  links: .*\n", _INVENTORY),
            (r"prepare:\n(  .*\n)+\n", ""),
            (r"disruption: launch ", f"disruption: {self.loss.death.isoformat()} "),
            (r"stable_for: 10s", "stable_for: 100ms"),
        ):
            text, count = re.subn(old, new, text)
            assert count == 1, old
        drill.write_text(text, "utf-8")


@contextmanager
def database_hosts() -> Iterator[DatabaseHosts]:
    """Make both hosts, and lose their primary; all goes at the end. Takes root."""
    version = max((path.name for path in Path("/usr/lib/postgresql").iterdir()), key=int)
    with ExitStack() as undo:
        # Not below /tmp: each host has another one.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-db-", dir="/var/tmp"))
        folder = Path(name)
        folder.chmod(0o755)
        standby, backup, primary = (folder / each for each in ("db-dr", "backup", "primary"))
        for home in (standby, backup):
            (home / "srv").mkdir(parents=True)
            _give_own_files(home)

        run_quietly(*_apart(standby, "standby.sh", version))
        run_quietly("cp", "-a", str(standby), str(primary))
        (primary / "srv").rmdir()
        (primary / "srv").symlink_to(backup / "srv")
        loss = _lose(primary, version)
        shutil.copy(primary / "root/etc/pgbackrest.conf", backup / "root/etc/pgbackrest.conf")
        keeper = str(_ACCOUNTS["keeper"])
        run_quietly("chown", "-R", f"{keeper}:{keeper}", str(backup / "srv"))
        shutil.rmtree(primary)

        number = free_number()
        hosts = [
            namespace_host(
                undo, home, number, first, *settings, mounts=_MOUNTS, namespaces=_NAMESPACES
            )
            for home, first, settings in ((standby, 1, ()), (backup, 5, ("Port 22",)))
        ]
        for host in hosts:
            (host.home / "sshd").chmod(0o1777)  # it is the TMPDIR of every account's commands
        _link(*hosts)
        hosts[0].marker.write_text(f"{hosts[0].machine_id}\n")
        yield DatabaseHosts(hosts[0], hosts[1], version, loss)


def _give_own_files(home: Path) -> None:
    """Write what a host has of its own, where databases/mounts.sh finds it."""
    root = home / "root"
    for place in ("var/lib", "var/log/postgresql", "etc/postgresql", "usr/local/sbin"):
        (root / place).mkdir(parents=True)
    for place in ("postgresql", "mysql"):
        (root / "var/lib" / place).mkdir()
    shutil.chown(root / "var/lib/postgresql", "postgres", "postgres")
    shutil.chown(root / "var/lib/mysql", _ACCOUNTS["mysql"], _ACCOUNTS["mysql"])
    shutil.copytree("/etc/mysql", root / "etc/mysql", symlinks=True)
    (root / "etc/pgbackrest.conf").touch(0o644)
    shutil.copy(_SCRIPTS / "systemctl", root / "usr/local/sbin")
    for name, rest in (("passwd", ":/nonexistent:/bin/sh"), ("group", "")):
        lines = Path("/etc", name).read_text("utf-8").splitlines()
        others = [line for line in lines if line.partition(":")[0] not in _ACCOUNTS]
        for account, number in _ACCOUNTS.items():
            fields = f"{number}:{number}:" if name == "passwd" else f"{number}:"
            others.append(f"{account}:*:{fields}{rest}")
        (root / "etc" / name).write_text("\n".join(others) + "\n", "utf-8")


def _apart(home: Path, script: str, *words: str) -> list[str]:
    """Return the command that runs one of the scripts where a host's own files are mounted."""
    mounts = f'{_MOUNTS}mount --bind "$1/srv" /srv; shift; exec bash "$@"'
    unshare = ["unshare", "--net", "--mount", *_NAMESPACES, *propagation()]
    return [*unshare, "sh", "-ec", mounts, "sh", str(home), str(_SCRIPTS / script), *words]


def _lose(home: Path, version: str) -> Loss:
    """Let the primary work and be backed up, then kill all of it."""
    with (home / "log").open("wb") as log:
        command = _apart(home, "primary.sh", version, CIPHER_PASS)
        primary = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    assert primary.stdout is not None
    instants = [float(word) for word in primary.stdout.readline().split()]
    before = time.time()
    for pid in descendants(primary.pid)[:1]:  # the first in its namespace, with which all others go
        os.kill(pid, signal.SIGKILL)
    primary.wait(30)
    primary.stdout.close()
    death = (before + time.time()) / 2
    assert instants, (home / "log").read_text("utf-8")
    return Loss(*(datetime.fromtimestamp(each, UTC) for each in (*instants, death)))


def _link(standby: NamespaceHost, backup: NamespaceHost) -> None:
    """Let both reach each other, and nobody else, at the addresses of the shipped drills."""
    inside = {each: f"/proc/{each.network}/ns/net" for each in (standby, backup)}
    link = ("ip", "link", "add", "pdway", "netns", str(standby.network), "type", "veth")
    run_quietly(*link, "peer", "name", "pdway", "netns", str(backup.network))
    for host, here, there in ((standby, _STANDBY, _BACKUP), (backup, _BACKUP, _STANDBY)):
        ip = ("nsenter", f"--net={inside[host]}", "ip")
        run_quietly(*ip, "address", "add", here, "peer", there, "dev", "pdway")
        run_quietly(*ip, "link", "set", "pdway", "up")
