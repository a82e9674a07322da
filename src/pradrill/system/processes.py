"""Find own processes by a marker in their environment, and end them.

Since ansible-core 2.19 workers leave their process group with setsid(), so a group's end is not
theirs; the environment is what they cannot leave.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import sleep

MARKER = "PRADRILL_RUN"
_GRACE = 20
_TENTH = 0.1


def part(marker: str, name: str) -> str:
    """Return the marker of one part of a run: its processes are the run's too."""
    return f"{marker}/{name}"


def carrying(marker: str, *, but: str | None = None) -> list[int]:
    """Return the ids of the processes, other than this one, started for the run `marker`.

    A part of a run, which may go on beside others, has a marker of its own: see `part`; `but` is
    one whose processes are left out.
    """
    of_run = (pid for pid, run in marked() if run != but and f"{run}/".startswith(f"{marker}/"))
    return sorted(set(of_run))


def marked() -> Iterator[tuple[int, str]]:
    """Yield each process that carries a marker, this one aside, with its marker."""
    start = f"{MARKER}=".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue

        try:
            environment = (entry / "environ").read_bytes()
            zombie = b") Z " in (entry / "stat").read_bytes()
        except OSError:  # gone, or not ours
            continue

        for line in environment.split(b"\0"):
            if line.startswith(start) and not zombie:
                yield int(entry.name), line[len(start) :].decode("utf-8", "replace")


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each; one that is gone has what it should have."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def end(marker: str, *, but: str | None = None) -> int:
    """End every process of a run, politely and then not; return how many there were.

    `but` is a part of it that goes on.
    """
    first = carrying(marker, but=but)
    send(first, signal.SIGTERM)

    for tenth in range(2 * _GRACE):
        left = carrying(marker, but=but)
        if not left:
            break

        if tenth >= _GRACE:
            send(left, signal.SIGKILL)
        sleep(_TENTH)

    return len(first)
