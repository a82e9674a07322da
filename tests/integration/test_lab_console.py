"""What a machine of the lab prints fills nobody's disk."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from tests.integration.test_leases import until

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import qemu
from pradrill.adapters.standbys.lab.qemu import Hardware, Qemu

LONGEST = 100_000
_SECTOR = bytes.fromhex("baf803 b041 ee ebfd")  # out to the first serial port, again and again


def test_a_machine_that_prints_without_end_goes_on_and_writes_down_so_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root inside may write to its console for days: the first bytes are kept, and it runs on."""
    monkeypatch.setattr(qemu, "LONGEST_CONSOLE", LONGEST)
    (tmp_path / "raw").write_bytes(_SECTOR.ljust(510, b"\0") + b"\x55\xaa" + bytes(2**20))
    disk = tmp_path / "disk.qcow2"
    words = ("-f", "raw", "-O", "qcow2", tmp_path / "raw", disk)
    subprocess.run(["qemu-img", "convert", *words], check=True)
    folder = tmp_path / "run"
    folder.mkdir()
    machine = Qemu("web", folder, SteadyClock())
    machine.start(Hardware("tcg", "qemu64", disk, (), ()), {})
    try:
        until(lambda: machine.console.stat().st_size >= LONGEST, "it prints nothing")
        time.sleep(1)
        assert machine.console.stat().st_size == LONGEST
        assert set(machine.console.read_bytes()[-9_000:]) == {ord("A")}
        assert machine.state() == "running"
    finally:
        machine.kill()
