"""The estate's scene: a primary with a directory, and an intranet with its database.

What it runs, and what brings its backups onto the standbys, is in estate/.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.e2e.scenes.place import REPOSITORY
from tests.e2e.scenes.scene import inside, say

from pradrill.adapters.standbys.lab import Lab

SITE = "intranet.exemple.fr"
SCRIPTS = Path(__file__).parent / "estate"


def play(lab: Lab) -> bytes:
    """Let the primary live and back itself up, and lose it; return a tar file of its backups."""
    primary = lab.machine("primary")
    primary.down()
    primary.up(say)
    fill = (REPOSITORY / "playbooks/files/fill-wordpress.php").read_text("utf-8")
    inside(primary, (SCRIPTS / "primary.sh").read_text("utf-8"), SITE, stdin=fill)
    process = subprocess.run(
        [*primary.ssh_command(), "tar -c -C /srv/backups ."], capture_output=True, check=True
    )
    primary.down()
    return process.stdout
