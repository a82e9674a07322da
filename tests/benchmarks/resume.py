"""What freezing a lab machine saves: a machine resumed and ready, against the same one booted.

    .venv/bin/python tests/benchmarks/resume.py [--state FOLDER] [--rounds 3]

Both end when the machine answers over SSH with the right time. Exits with 1 when the median of
resuming takes more than a fifth of booting, or 5 s without KVM.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab

AT_MOST = 0.2  # of booting
SECONDS = 5.0


def main() -> int:
    """Boot and resume one machine in turns, print both, and tell whether the promise is kept."""
    options = arguments()
    lab = Lab(options.state / "lab", SteadyClock())
    if not lab.built:
        lab.build(print)

    turn(lab)  # it also finds out whether KVM works, and does not count
    booted, resumed = zip(*(turn(lab) for _ in range(options.rounds)), strict=True)
    boot, resume = statistics.median(booted), statistics.median(resumed)
    print(f"booted and frozen {boot:.1f} s, resumed {resume:.1f} s: {resume / boot:.3f}")
    return int(resume > AT_MOST * boot or resume > SECONDS)


def turn(lab: Lab) -> tuple[float, float]:
    """Return how long a machine takes to be booted and frozen, and then to be resumed."""
    machine = lab.machine("resumed")
    try:
        return seconds(lambda: machine.prepare(print)), seconds(lambda: machine.up(print))
    finally:
        machine.down()
        shutil.rmtree(machine.folder)


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="what freezing a lab machine saves")
    parser.add_argument("--state", type=Path, default=Path(tempfile.gettempdir()) / "resume")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
