"""What every scene is: a primary that was lost, and the backup server that is left of it."""

from __future__ import annotations

import shlex
import subprocess
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pradrill.adapters.standbys.lab import Lab, Machine

OTHER = "10.0.2.100:22"
"""Where each machine of a scene finds the other one."""


class Scene(NamedTuple):
    """A backup server that is left of a primary, and when the primary's power went."""

    lab: Lab
    secrets: dict[str, str]
    killed: datetime

    def on_backup(self, script: str) -> str:
        """Run a script on the backup server."""
        return inside(self.lab.machine("backup"), script)


def say(line: str) -> None:
    """Show what the lab does when a test that uses it fails."""
    print(line)  # noqa: T201 pytest captures it


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


def make_key(folder: Path) -> tuple[str, str]:
    """Make the key that a scene's machines log in with; return it, and its public half."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "scene", "-f"]
    subprocess.run([*command, str(folder / "key")], check=True)
    return (folder / "key").read_text(), (folder / "key.pub").read_text().strip()


def cut_power(primary: Machine) -> datetime:
    """Cut a primary's power, and return when that was."""
    before, after = primary.kill()
    primary.down()
    return before + (after - before) / 2
