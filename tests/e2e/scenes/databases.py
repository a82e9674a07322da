"""The databases' scene: a primary with PostgreSQL and MariaDB, backed up by the real tools.

What its machines run is in databases/.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.e2e.scenes.keeper import kit
from tests.e2e.scenes.scene import OTHER, Scene, cut_power, inside, make_key, say

from pradrill.adapters.standbys.lab import Lab, Machine

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
SCRIPTS = Path(__file__).parent / "databases"


def play(lab: Lab, folder: Path) -> Scene:
    """Set up both machines, back up with every tool, write on, and cut the primary's power."""
    secrets = set_up(lab, folder)
    backup, primary = lab.machine("backup"), lab.machine("primary")
    back_up = (SCRIPTS / "back_up.sh").read_text("utf-8")
    keeper = "runuser -u keeper -- pgbackrest --stanza=main --log-level-console=warn"
    inside(backup, f"{keeper} stanza-create")
    inside(primary, back_up)
    inside(backup, f"{keeper} backup")
    return Scene(lab, secrets, lose(primary))


def play_barman(lab: Lab, folder: Path) -> Scene:
    """Set up both machines, back PostgreSQL up with Barman, write on, and cut the power."""
    secrets = set_up(lab, folder)
    backup, primary, standby = (lab.machine(name) for name in ("backup", "primary", "standby"))
    barman = (SCRIPTS / "barman.sh").read_text("utf-8")
    inside(primary, _KEEP_FOR_BARMAN)
    secrets["PRADRILL_BARMAN_KEY"] = inside(backup, barman, standby.host_key)
    killed = lose(primary)
    inside(backup, "runuser -u keeper -- barman -q archive-wal main")  # as its cron does
    return Scene(lab, secrets, killed)


def lose(primary: Machine) -> datetime:
    """Let the primary write on for a while, cut its power, and return when that was."""
    inside(primary, _WRITE_ON)
    return cut_power(primary)


def set_up(lab: Lab, folder: Path) -> dict[str, str]:
    """Set up a backup server and a primary that reach each other; return the secrets."""
    backup, primary, standby = (lab.machine(name) for name in ("backup", "primary", "standby"))
    for machine in (backup, primary, standby):
        machine.prepare(say)
        machine.down()
    backup.up(say, links={OTHER: primary.port_file(), STANDBY: standby.port_file()})
    primary.up(say, links={OTHER: backup.port_file()})
    key, public = make_key(folder)
    version = inside(primary, "pg_lsclusters -h | awk '{print $1}'")
    server, shop = (
        (SCRIPTS / f"{name}.sh").read_text("utf-8") for name in ("backup_server", "primary")
    )
    inside(backup, server, public, primary.host_key, CIPHER_PASS, version, stdin=key)
    inside(primary, kit() + shop, public, backup.host_key, stdin=key)
    return {
        "PRADRILL_BACKUP_KEY": key,
        "PRADRILL_BACKUP_HOST_KEY": backup.host_key,
        "PRADRILL_PGBACKREST_CIPHER_PASS": CIPHER_PASS,
        "PRADRILL_DATABASE_PASSWORD": "l'entrée",
    }
