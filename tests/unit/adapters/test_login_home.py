"""Where Ansible may lay its files is found whatever a login is called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pradrill.adapters.ssh import probe


@pytest.mark.parametrize("name", ["CORP\\\\alice", "nobody-knows-it", "a b", "~", "*", "-n"])
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_name_that_the_shell_does_not_know_has_its_home_looked_at(
    tmp_path: Path, name: str, shell: str
) -> None:
    """It answers, and with nothing where the login may write there."""
    command = tmp_path / "id"
    command.write_text(f"#!/bin/sh\nprintf '%s\\n' '{name}'\n")
    command.chmod(0o755)
    answer = subprocess.run(
        [shell, "-c", probe._SCRATCH],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert answer.stdout == ""
