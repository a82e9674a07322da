"""A standby with PostgreSQL and MariaDB, and the backup server that is left of their lost primary.

The standby reaches the backup server over SSH, at the address that the shipped drills name.
The primary was a third one: databases/primary.sh filled it and let the real tools back it up, then
all its processes were killed at once. daemon_hosts.py makes them.
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

from tests.integration.hosts.daemon_hosts import (
    ACCOUNTS,
    REPOSITORY,
    SCRIPTS,
    apart,
    daemon_host,
    give_own_files,
    link,
    state_of,
)
from tests.integration.hosts.machines import run_quietly
from tests.integration.hosts.sshd import descendants
from tests.integration.hosts.two_hosts import NamespaceHost, free_number
from tests.integration.house import edit

CIPHER_PASS = "un-mot-de-passe-long"  # noqa: S105 of a repository that lives for minutes
_PROGRAMS = {"postgres", "pgbackrest", "mariadbd", "mariabackup"}
_PLACES = ("var/lib/postgresql", "var/log/postgresql", "etc/postgresql")
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
        return state_of(
            self.standby, _PROGRAMS, data="var/lib", configuration=("etc/mysql", "etc/postgresql")
        )

    def house(self, folder: Path) -> Path:
        """Copy the shipped drills, for this standby and the loss of this primary."""
        for name in ("drills", "playbooks"):
            shutil.copytree(REPOSITORY / name, folder / name)
        self.standby.server.serve(folder, "db-dr")
        for name in ("postgresql", "mariadb", "sqlite"):
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
            give_own_files(home, "etc/mysql", empty=_PLACES)
            (home / "root/etc/pgbackrest.conf").touch(0o644)
            shutil.chown(home / "root/var/lib/postgresql", "postgres", "postgres")

        run_quietly(*apart(standby, SCRIPTS / "standby.sh", version))
        run_quietly("cp", "-a", str(standby), str(primary))
        (primary / "srv").rmdir()
        (primary / "srv").symlink_to(backup / "srv")
        loss = _lose(primary, version)
        shutil.copy(primary / "root/etc/pgbackrest.conf", backup / "root/etc/pgbackrest.conf")
        keeper = str(ACCOUNTS["keeper"])
        run_quietly("chown", "-R", f"{keeper}:{keeper}", str(backup / "srv"))
        shutil.rmtree(primary)

        number = free_number()
        hosts = [
            daemon_host(undo, home, number, first, *settings)
            for home, first, settings in ((standby, 1, ()), (backup, 5, ("Port 22",)))
        ]
        link((hosts[0], _STANDBY), (hosts[1], _BACKUP))
        hosts[0].marker.write_text(f"{hosts[0].machine_id}\n")
        yield DatabaseHosts(hosts[0], hosts[1], version, loss)


def _lose(home: Path, version: str) -> Loss:
    """Let the primary work and be backed up, then kill all of it."""
    with (home / "log").open("wb") as log:
        kit = (REPOSITORY / "playbooks/files/manifest-tables").read_text("utf-8")
        command = apart(home, SCRIPTS / "primary.sh", version, CIPHER_PASS, kit)
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
