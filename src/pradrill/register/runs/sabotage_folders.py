"""Keep a folder for each sabotage under way, so that what a kill leaves of it is found.

`STATE/sabotages/<id>/` holds what it works with until it is over; then only its entry is left.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import TextIO

from pradrill.errors import UNREADABLE
from pradrill.register.runs.draft import ALIVE, alone
from pradrill.register.runs.ownership import try_lock
from pradrill.system.durable_files import unwritten

_FOLDER = "sabotages"
_LOCK = "sabotages"
_MACHINES = "machines.json"


class SabotageFolder:
    """One sabotage's folder. Its lock is held by its process and freed by its death."""

    def __init__(self, path: Path, lock: TextIO) -> None:
        self.path = path
        self._lock = lock

    @property
    def sabotage_id(self) -> str:
        """Return what marks all that the sabotage starts."""
        return self.path.name

    @property
    def machines(self) -> tuple[str, ...]:
        """Return the machines that it may have started; none when that cannot be read."""
        with suppress(OSError, *UNREADABLE):
            return tuple(map(str, json.loads((self.path / _MACHINES).read_bytes())))
        return ()

    def leave(self) -> None:
        """Let go of it as it is: the next command looks again."""
        self._lock.close()

    def drop(self) -> None:
        """Remove the folder, and let go of it."""
        rmtree(self.path, ignore_errors=True)
        self._lock.close()


def make_sabotage_folder(
    state: Path, drill: str, machines: Sequence[str], now: datetime
) -> SabotageFolder:
    """Make the folder of a sabotage that begins. Raises RecordError."""
    path = state / _FOLDER / f"{now:%Y%m%dT%H%M%SZ}-{drill}-{secrets.token_hex(3)}"
    locks = state / "locks"
    try:
        for part in (state, path.parent, locks):
            part.mkdir(mode=0o700, parents=part == state, exist_ok=True)

        with alone(locks / _LOCK):
            path.mkdir(mode=0o700)
            (path / _MACHINES).write_text(json.dumps(list(machines)), encoding="utf-8")
            lock = try_lock(path / ALIVE)
    except OSError as error:
        raise unwritten(path, error) from error

    assert lock is not None  # noqa: S101 nobody else has looked at it
    return SabotageFolder(path, lock)


def killed_sabotages(state: Path) -> list[SabotageFolder]:
    """Return the folders of sabotages whose process is gone; they are this process's now."""
    parent = state / _FOLDER
    if not has_sabotages(state) or not os.access(parent, os.W_OK):
        return []

    killed = []
    with suppress(OSError), alone(state / "locks" / _LOCK):
        for path in sorted(parent.iterdir()):
            lock = try_lock(path / ALIVE)
            if lock is not None:
                killed.append(SabotageFolder(path, lock))

    return killed


def has_sabotages(state: Path) -> bool:
    """Tell whether a sabotage goes on, or was killed."""
    try:
        with os.scandir(state / _FOLDER) as entries:
            return next(iter(entries), None) is not None
    except OSError:
        return False
