"""A state directory that is full or read-only: what is touched is put back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill

from pradrill.errors import BusyError
from pradrill.register.runs.store import FileRunStore


@contextmanager
def small_disk(folder: Path, size: str = "2m") -> Iterator[Path]:
    """Mount a disk of that size on a folder."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> None:
    """Leave no byte of room."""
    with suppress(OSError), (disk / "filler").open("ab", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while filler.write(bytes(size)):
                    pass


def fill_at(house: Path, word: str, *disks: Path) -> subprocess.CompletedProcess[str]:
    """Run the drill, and fill the disks once its journal holds a word."""
    with subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", str(house / "state"), "run", "shop"],
        cwd=house,
        env={**os.environ, "TMPDIR": str(disks[-1])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        while running.poll() is None:
            journals = list((house / "state/runs").glob("2*/journal.jsonl"))
            if journals and word in journals[0].read_text():
                break
            time.sleep(0.01)
        for disk in disks:
            fill(disk)
        out, err = running.communicate(timeout=120)
    return subprocess.CompletedProcess([], running.returncode, out, err)


@pytest.mark.parametrize(
    "word",
    [
        pytest.param('"step_started", "phase": "restore"', marks=pytest.mark.nightly),
        pytest.param('"event": "check_pass"', marks=pytest.mark.nightly),
        '"step_started", "phase": "teardown"',
    ],
)
def test_a_disk_that_fills_in_the_middle_keeps_no_standby_from_its_teardown(
    hosts: TwoHosts, tmp_path: Path, word: str
) -> None:
    """Exit 14 and one sentence, after a teardown that needs neither state directory nor /tmp.

    The next command finds the run, tears it down once more and records it as CRASHED; one whose
    journal is whole it records as it ended.
    """
    house = hosts.house(tmp_path)
    with (
        tempfile.TemporaryDirectory(dir="/run", prefix="pdt-") as short,
        small_disk(Path(short)) as temporary,
        small_disk(house / "state") as state,
    ):
        result = fill_at(house, word, state, temporary)
        assert result.returncode == 14, result
        assert "Traceback" not in result.stderr
        assert result.stderr.count("HINT: ") == 1, result.stderr
        assert hosts.standby.touched() == ["torn-down"]
        (state / "filler").unlink()
        (temporary / "filler").unlink()
        hosts.standby.empty()
        assert pradrill(house, "runs").returncode == 0
        record = json.loads(pradrill(house, "show", "--json").stdout)
        if record["state"] == "FINISHED":  # its last facts had just room: the journal is whole
            assert "run_ended" in _journal(state)
            assert hosts.standby.touched() == []
        else:
            assert (record["state"], record["verdict"]) == ("CRASHED", "INCONCLUSIVE")
            assert hosts.standby.touched() == ["torn-down"]


def _journal(state: Path) -> str:
    return next(state.glob("runs/2*/journal.jsonl")).read_text("utf-8")


def test_a_standby_is_held_by_a_state_that_has_become_read_only(tmp_path: Path) -> None:
    """What its disk keeps from being written down is torn down all the same, by one process."""
    with small_disk(tmp_path / "state") as state:
        store = FileRunStore(state)
        with store.hold("web-dr", "first"):
            pass
        subprocess.run(["mount", "-o", "remount,ro", state], check=True)
        with store.hold("web-dr", "second"), pytest.raises(BusyError):
            store.hold("web-dr", "third").__enter__()


def test_each_attempt_on_a_full_disk_is_one_entry(hosts: TwoHosts, tmp_path: Path) -> None:
    """Exit 14, a sentence and a hint each time; entered once each, when there is room again."""
    house = hosts.house(tmp_path)
    with small_disk(house / "state") as state:
        fill(state)
        for _ in range(3):
            result = pradrill(house, "run", "shop")
            assert result.returncode == 14, result
            assert result.stderr.count("HINT: ") == 1, result.stderr
            assert "Traceback" not in result.stderr
        assert hosts.standby.touched() == []
        (state / "filler").unlink()
        entries = pradrill(house, "register", "list", "--json").stdout.splitlines()
        bodies = [json.loads(entry)["body"] for entry in entries]
        assert [body["drill"] for body in bodies] == ["shop"] * 3, bodies
