"""A scene with one service on a primary, whose backups are on a server that keeps them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.conftest import say
from tests.e2e.database_scene import OTHER, Scene, inside

from pradrill.adapters.standbys.lab import Lab, Machine
from pradrill.domain.values.reason import as_reason

PASSWORD = "un-mot-de-passe"  # noqa: S105 of a repository that lives for minutes
_SCRIPTS = Path(__file__).parent / "keeper"


def script(name: str) -> str:
    """Return one of the scene's scripts."""
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


def play(lab: Lab, folder: Path, live: Callable[[Machine], None]) -> Scene:
    """Set up both machines, let the primary live and back itself up, and cut its power."""
    backup, primary = lab.machine("backup"), lab.machine("primary")
    for machine in (backup, primary):
        machine.prepare(say)
        machine.down()
    backup.up(say, links={OTHER: primary.port_file()})
    primary.up(say, links={OTHER: backup.port_file()})
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "scene", "-f"]
    subprocess.run([*command, str(folder / "key")], check=True)
    key, public = (folder / "key").read_text(), (folder / "key.pub").read_text().strip()
    inside(backup, script("backup_server"), public)
    inside(primary, script("login"), backup.host_key, stdin=key)
    live(primary)
    before, after = primary.kill()
    primary.down()
    secrets = {
        "PRADRILL_BACKUP_KEY": key,
        "PRADRILL_BACKUP_HOST_KEY": backup.host_key,
        "PRADRILL_RESTIC_PASSWORD": PASSWORD,
        "PRADRILL_BORG_PASSPHRASE": PASSWORD,
    }
    return Scene(lab, secrets, before + (after - before) / 2)


def send(machine: Machine, folder: Path, to: str) -> None:
    """Copy a folder to a machine, without a config.php or history of its own."""
    pack = ["tar", "-C", str(folder), "--exclude=./config.php", "--exclude=./.git", "-cz", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        subprocess.run(
            [*machine.ssh_command(), f"mkdir -p {to} && tar -xz -C {to} --no-same-owner"],
            stdin=packing.stdout,
            check=True,
            timeout=900,
        )
    assert packing.returncode == 0


def failed_checks(record: dict[str, Any]) -> dict[str, str]:
    """Return the name of each failed check, and what it said."""
    return {
        each["check"].split("::")[-1]: as_reason(each["detail"]).text
        for each in record["checks"]
        if each["outcome"] != "passed"
    }
