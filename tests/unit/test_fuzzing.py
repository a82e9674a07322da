"""What is tried with a few examples by day is tried with thousands at night, each time others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parent
FILES = sorted(UNIT.rglob("test_hostile_*.py"))


@pytest.mark.nightly
@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_what_others_write_is_read_or_refused_in_thousands_of_ways(file: Path) -> None:
    """Every property of that file holds for many more examples than by day."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", file],
        cwd=UNIT.parents[1],
        env={**environment, "PRADRILL_EXAMPLES": "1000"},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-10_000:]
