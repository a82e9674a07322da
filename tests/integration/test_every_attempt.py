"""Every attempt is in the register, also one that kill -9 ends before its run has begun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.house import DRILL, build, pradrill

_SECONDS = 60


def entries(folder: Path) -> list[dict[str, Any]]:
    """Return what `pradrill register list` says of a house's state directory."""
    result = pradrill(folder, "register", "list", "--json")
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def kill_when_known(part: str, folder: Path, *words: str) -> None:
    """Start a command that will wait for ever; kill -9 it once that much is on the disk."""
    command = [sys.executable, "-m", "pradrill", "--state", str(folder / "state"), *words]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _SECONDS
        while not any(part in p.read_text() for p in folder.glob("state/runs/.2*/alive")):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < end, "nothing of the attempt is on the disk"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("words", "trigger"), [(["run", "shop"], "cli"), (["due", "--run"], "due")]
)
def test_an_attempt_killed_before_its_run_is_an_entry(
    tmp_path: Path, words: list[str], trigger: str
) -> None:
    """Killed when all is resolved and nothing has begun: in the register after the next command."""
    build(tmp_path)
    os.mkfifo(tmp_path / "log")  # nobody reads it: opening it takes for ever
    kill_when_known('"services":["shop"]', tmp_path, "--log", str(tmp_path / "log"), *words)
    (entry,) = entries(tmp_path)
    body = entry["body"]
    assert entry["kind"] == "attempt"
    assert (body["drill"], body["services"], body["trigger"]) == ("shop", ["shop"], trigger)
    assert "killed" in body["because"]
    assert list((tmp_path / "state/runs").iterdir()) == []
    assert pradrill(tmp_path, "register", "verify").returncode == 0


def test_an_attempt_killed_while_it_reads_its_drill_is_an_entry(tmp_path: Path) -> None:
    """What a person typed is entered even when the drill's file was never read."""
    build(tmp_path)
    (tmp_path / "drills/shop.yml").unlink()
    os.mkfifo(tmp_path / "drills/shop.yml")
    kill_when_known('"drill":"shop"', tmp_path, "run", "shop")
    (tmp_path / "drills/shop.yml").unlink()
    (tmp_path / "drills/shop.yml").write_text(DRILL)
    (entry,) = entries(tmp_path)
    assert (entry["kind"], entry["body"]["drill"]) == ("attempt", "shop")
