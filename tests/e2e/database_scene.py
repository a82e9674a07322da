"""The databases' scene: a primary with PostgreSQL and MariaDB, backed up by the real tools."""

from __future__ import annotations

import shlex
import subprocess
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tests.e2e.conftest import say

from pradrill.adapters.standbys.lab import Lab, Machine

OTHER = "10.0.2.100:22"
"""Where each machine of the scene finds the other one."""
STANDBY = "10.0.2.101:22"
"""Where the backup server finds the standby."""
CIPHER_PASS = "un-mot-de-passe-long"  # noqa: S105 of a repository that lives for minutes
_WRITE_ON = """
runuser -u postgres -- psql -XAtq -c 'alter system set archive_timeout = 3' \\
  -c 'select pg_reload_conf()'
sleep 10
"""
"""Rows that the dumps do not have, and, of PostgreSQL's, logs that the repository has."""
_KEEP_FOR_BARMAN = """
set -eu
cd /etc/postgresql/*/main/conf.d
cat > zz-barman.conf <<'END'
archive_command = 'rsync -a %p keeper@10.0.2.100:/srv/barman/main/incoming/%f'
END
runuser -u postgres -- psql -XAtq -c 'select pg_reload_conf()'
"""
_SCRIPTS = Path(__file__).parent / "databases"


class Scene(NamedTuple):
    """A backup server that is left of it, and when the primary's power went."""

    lab: Lab
    secrets: dict[str, str]
    killed: datetime

    def on_backup(self, script: str) -> str:
        """Run a script on the backup server."""
        return inside(self.lab.machine("backup"), script)


def inside(
    machine: Machine, script: str, *words: str, stdin: str = "", deadline: float = 300
) -> str:
    """Run a script on a machine and return what it prints."""
    result = subprocess.run(
        [*machine.ssh_command(), shlex.join(["bash", "-c", script, "script", *words])],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=deadline,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout.strip()


def play(lab: Lab, folder: Path) -> Scene:
    """Set up both machines, back up with every tool, write on, and cut the primary's power."""
    secrets = set_up(lab, folder)
    backup, primary = lab.machine("backup"), lab.machine("primary")
    back_up = (_SCRIPTS / "back_up.sh").read_text("utf-8")
    keeper = "runuser -u keeper -- pgbackrest --stanza=main --log-level-console=warn"
    inside(backup, f"{keeper} stanza-create")
    inside(primary, back_up)
    inside(backup, f"{keeper} backup")
    return Scene(lab, secrets, lose(primary))


def play_barman(lab: Lab, folder: Path) -> Scene:
    """Set up both machines, back PostgreSQL up with Barman, write on, and cut the power."""
    secrets = set_up(lab, folder)
    backup, primary, standby = (lab.machine(name) for name in ("backup", "primary", "standby"))
    barman = (_SCRIPTS / "barman.sh").read_text("utf-8")
    inside(primary, _KEEP_FOR_BARMAN)
    secrets["PRADRILL_BARMAN_KEY"] = inside(backup, barman, standby.host_key)
    killed = lose(primary)
    inside(backup, "runuser -u keeper -- barman -q archive-wal main")  # as its cron does
    return Scene(lab, secrets, killed)


def lose(primary: Machine) -> datetime:
    """Let the primary write on for a while, cut its power, and return when that was."""
    inside(primary, _WRITE_ON)
    before, after = primary.kill()
    primary.down()
    return before + (after - before) / 2


def set_up(lab: Lab, folder: Path) -> dict[str, str]:
    """Set up a backup server and a primary that reach each other; return the secrets."""
    backup, primary, standby = (lab.machine(name) for name in ("backup", "primary", "standby"))
    for machine in (backup, primary, standby):
        machine.prepare(say)
        machine.down()
    backup.up(say, links={OTHER: primary.port_file(), STANDBY: standby.port_file()})
    primary.up(say, links={OTHER: backup.port_file()})
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "scene", "-f"]
    subprocess.run([*command, str(folder / "key")], check=True)
    key, public = (folder / "key").read_text(), (folder / "key.pub").read_text().strip()
    version = inside(primary, "pg_lsclusters -h | awk '{print $1}'")
    server, shop = (
        (_SCRIPTS / f"{name}.sh").read_text("utf-8") for name in ("backup_server", "primary")
    )
    inside(backup, server, public, primary.host_key, CIPHER_PASS, version, stdin=key)
    inside(primary, shop, public, backup.host_key, stdin=key)
    return {
        "PRADRILL_BACKUP_KEY": key,
        "PRADRILL_BACKUP_HOST_KEY": backup.host_key,
        "PRADRILL_PGBACKREST_CIPHER_PASS": CIPHER_PASS,
        "PRADRILL_DATABASE_PASSWORD": "l'entrée",
    }
