"""A scene with one service on a primary, whose backups are on a server that keeps them.

What its machines run is in keeper/.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.scenes.place import REPOSITORY
from tests.e2e.scenes.scene import OTHER, Scene, cut_power, inside, make_key, say

from pradrill.adapters.standbys.lab import Lab, Machine

PASSWORD = "un-mot-de-passe"  # noqa: S105 of a repository that lives for minutes
_SCRIPTS = Path(__file__).parent / "keeper"


def script(name: str) -> str:
    """Return one of the scene's scripts."""
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


def kit() -> str:
    """Return the commands that install what writes the manifests, and plants what checks use."""
    scripts = ("manifest-tables", "manifest-files", "plant-moodle")
    return "".join(
        f"install -m 0755 /dev/stdin /usr/local/sbin/{name} <<'PRADRILL'\n"
        f"{(REPOSITORY / 'playbooks/files' / name).read_text('utf-8')}PRADRILL\n"
        for name in scripts
    )


def play(lab: Lab, folder: Path, live: Callable[[Machine], None]) -> Scene:
    """Set up both machines, let the primary live and back itself up, and cut its power."""
    backup, primary = lab.machine("backup"), lab.machine("primary")
    for machine in (backup, primary):
        machine.prepare(say)
        machine.down()
    backup.up(say, links={OTHER: primary.port_file()})
    primary.up(say, links={OTHER: backup.port_file()})
    key, public = make_key(folder)
    inside(backup, script("backup_server"), public)
    inside(primary, script("login"), backup.host_key, stdin=key)
    live(primary)
    killed = cut_power(primary)
    secrets = {
        "PRADRILL_BACKUP_KEY": key,
        "PRADRILL_BACKUP_HOST_KEY": backup.host_key,
        "PRADRILL_RESTIC_PASSWORD": PASSWORD,
        "PRADRILL_BORG_PASSPHRASE": PASSWORD,
    }
    return Scene(lab, secrets, killed)


def send(machine: Machine, folder: Path, to: str) -> None:
    """Copy a folder to a machine, without a config.php or history of its own."""
    pack = ["tar", "-C", str(folder), "--exclude=./config.php", "--exclude=./.git", "-cz", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        subprocess.run(
            [*machine.ssh_command(), f"mkdir -p {to} && tar -xz -C {to} --no-same-owner"],
            stdin=packing.stdout,
            check=True,
            timeout=1800,  # a real Moodle into an emulated machine took eight minutes
        )
    assert packing.returncode == 0
