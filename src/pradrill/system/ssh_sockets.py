"""Choose where OpenSSH keeps shared connections: a short path, ours, known to all processes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from pradrill.domain.values.run_names import short
from pradrill.errors import NotReadyError

_TRIES = 100


def folder_for(names: str) -> Path:
    """Return the folder of the control sockets of what `names` tells apart: a run, a machine.

    It follows from who we are and those names, so that another process finds it. Whoever else has
    made a folder of that name does not stop us: another name is taken then.
    """
    first = _base() / f"pradrill-{os.geteuid()}-{short(names)}"
    paths = [first, *(first.with_name(f"{first.name}-{number}") for number in range(1, _TRIES))]
    ours = (path for path in paths if _is_private(path))
    free = (path for path in paths if not os.path.lexists(path))

    return next(ours, None) or next(free, first)


def _base() -> Path:
    """Return the first place that can be written to; a hardened service sees most read-only."""
    places = [*(["/run"] if os.geteuid() == 0 else []), "/tmp", "/dev/shm"]  # noqa: S108 checked
    return Path(next((place for place in places if os.access(place, os.W_OK)), places[0]))


def make_private(folder: Path) -> None:
    """Make the folder, or take it when it is there and ours. Raises NotReadyError."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    check_private(folder)


def check_private(folder: Path) -> None:
    """Raise NotReadyError unless the folder is ours alone: /tmp is everybody's."""
    folder.lstat()
    if not _is_private(folder):
        raise NotReadyError(
            f"{folder} is not a folder that only this user can use",
            hint="Look at who made it, then remove it.",
        )


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
