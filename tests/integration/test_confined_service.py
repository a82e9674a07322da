"""A drill as pradrill-due.service runs it: as root, without any of root's powers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts

REPOSITORY = Path(__file__).parents[2]
SERVICE = REPOSITORY / "src/packaging/systemd/pradrill-due.service"


@pytest.mark.nightly
def test_a_drill_that_is_due_needs_none_of_roots_powers(hosts: TwoHosts, tmp_path: Path) -> None:
    """Without capabilities, as the unit says, it is found due, passes, and is recorded."""
    settings = SERVICE.read_text("utf-8").splitlines()
    assert {"CapabilityBoundingSet=", "NoNewPrivileges=yes"} <= set(settings)

    house = hosts.house(tmp_path)
    state = ["--state", str(house / "state")]
    words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
    words += [sys.executable, "-m", "pradrill", *state, "due", "--run", "-v"]
    result = subprocess.run(
        words, cwd=house, capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("PASSED  shop")
    assert "step 1 of " in result.stderr
    assert hosts.standby.touched() == ["torn-down"]
