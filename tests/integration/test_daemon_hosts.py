"""Hosts on which daemons run: what their scripts may count on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.integration.hosts.daemon_hosts import apart


def test_a_script_is_read_though_its_place_is_covered() -> None:
    """A host's own /tmp hides a script that lies in ours, as its /srv hides a checkout."""
    with TemporaryDirectory(dir="/tmp") as covered, TemporaryDirectory(dir="/var/tmp") as home:
        script = Path(covered, "script.sh")
        script.write_text(f'[ ! -e {script} ] && echo "$1"\n')
        Path(home, "srv").mkdir()
        run = apart(Path(home), script, "hidden")
        result = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "hidden\n"), result.stderr
