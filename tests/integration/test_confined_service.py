"""A drill as pradrill.service runs it: as root, with one of root's powers, to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts

from pradrill.adapters.schedules.systemd import packaged_units


@pytest.mark.nightly
def test_a_drill_that_is_due_needs_one_of_roots_powers(hosts: TwoHosts, tmp_path: Path) -> None:
    """With the unit's capabilities alone it is found due, passes, and is recorded."""
    settings = packaged_units()["pradrill.service"].splitlines()
    assert {"CapabilityBoundingSet=CAP_DAC_READ_SEARCH", "NoNewPrivileges=yes"} <= set(settings)

    house = hosts.house(tmp_path)
    state = ["--state", str(house / "state")]
    words = [
        "setpriv",
        "--bounding-set=-all,+dac_read_search",
        "--inh-caps=-all",
        "--no-new-privs",
        "--",
    ]
    words += [sys.executable, "-m", "pradrill", *state, "due", "--run", "-v"]
    result = subprocess.run(
        words, cwd=house, capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("PASSED  shop")
    assert "step 1 of " in result.stderr
    assert hosts.standby.touched() == ["torn-down"]
