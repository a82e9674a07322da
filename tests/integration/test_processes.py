"""Own processes, found by the marker in their environment."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pradrill.system import processes

RUN = f"run-{os.getpid()}"


@pytest.fixture
def sleepers() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Return three processes: of two parts of a run, and of a run whose name begins like it."""
    markers = {
        "one": processes.part(RUN, "one"),
        "two": processes.part(RUN, "two"),
        "other": f"{RUN}0",
    }
    with ExitStack() as ends:
        started = {}
        for name, marker in markers.items():
            process = subprocess.Popen(
                ["sleep", "600"], env={**os.environ, processes.MARKER: marker}
            )
            ends.callback(process.wait)
            ends.callback(process.kill)
            started[name] = process
        yield started


def alive(sleepers: dict[str, subprocess.Popen[bytes]], ended: int) -> set[str]:
    """Return those that have not ended, once as many as should have can be waited for."""
    for _ in range(100):  # a process loses its environment a moment before it has ended
        if sum(process.poll() is not None for process in sleepers.values()) >= ended:
            break
        time.sleep(0.02)
    return {name for name, process in sleepers.items() if process.poll() is None}


def test_a_part_of_a_run_ends_alone(sleepers: dict[str, subprocess.Popen[bytes]]) -> None:
    """What ends one play's processes leaves those of the play beside it."""
    assert processes.end(processes.part(RUN, "one")) == 1
    assert alive(sleepers, ended=1) == {"two", "other"}


def test_a_run_ends_with_all_its_parts(sleepers: dict[str, subprocess.Popen[bytes]]) -> None:
    """Reaping a run finds every part of it, and no other run's."""
    assert processes.carrying(RUN) == sorted(sleepers[name].pid for name in ("one", "two"))
    assert processes.end(RUN) == 2
    assert alive(sleepers, ended=2) == {"other"}
