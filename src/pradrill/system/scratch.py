"""Choose where a run's throw-away folders go: the first place that has room for them.

Whoever fills /tmp, or a run whose disk is full, must not keep a standby from being torn down.
"""

from __future__ import annotations

import os
import tempfile

from pradrill.domain.values.run_names import folder_prefix

_ROOM = 512 * 1024
"""What a folder must take to be used: it is tried, because a quota cannot be asked for."""


def base() -> str:
    """Return a folder with room; the usual one when none has."""
    return next((place for place in places() if has_room(place)), tempfile.gettempdir())


def prefix(marker: str) -> str:
    """Return how the names of a run's folders begin; those of its parts are the run's.

    The next command finds by it what a kill has left. Without a run nobody can look for it.
    """
    return folder_prefix(marker.partition("/")[0]) if marker else "pradrill-"


def places() -> list[str]:
    """Return every folder that throw-away folders may lie in, the usual one first."""
    usual = tempfile.gettempdir()
    runtime_folder = os.environ.get("XDG_RUNTIME_DIR")
    run = ["/run"] if os.geteuid() == 0 else []
    others = [*run, *([runtime_folder] if runtime_folder else []), "/dev/shm", "/var/tmp", "/tmp"]  # noqa: S108 made 0700 there
    return list(dict.fromkeys([usual, *others]))


def has_room(place: str) -> bool:
    """Tell whether a folder takes what a run throws away; it is tried."""
    try:
        with tempfile.TemporaryFile(dir=place, buffering=0) as file:
            return file.write(bytes(_ROOM)) == _ROOM
    except OSError:
        return False
