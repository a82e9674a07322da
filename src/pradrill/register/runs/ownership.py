"""Tell who holds a run: by the lock on its file `alive`, and by the process named in that file.

The lock alone would do, were it never lost: a file replaced by hand, or a file system that forgets
it, must not let a second process loose on a run whose first one lives.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from pradrill.domain.run.owner import Doing, Owner
from pradrill.register.runs.draft import ALIVE
from pradrill.system.durable_files import content_of, opened, unwritten
from pradrill.system.ownership import lives, this_process


def try_lock(path: Path) -> TextIO | None:
    """Lock a file; None when another process holds it. A disk that is read-only is no obstacle.

    Raises OSError.
    """
    try:
        handle = opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        file = os.fdopen(opened(path, os.O_RDONLY), encoding="utf-8")
    else:
        file = os.fdopen(handle, "a+", encoding="utf-8")
        path.chmod(0o600)

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None

    return file


def lock_free_run(folder: Path) -> TextIO | None:
    """Lock a run's folder; None when its process is alive, or the folder has just gone.

    Raises RecordError when it cannot be locked.
    """
    try:
        lock = try_lock(folder / ALIVE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritten(folder / ALIVE, error) from error
    if lock is not None and owner(folder) is not None:  # which has lost its lock, and goes on
        lock.close()
        return None
    return lock


def sign(lock: TextIO, doing: Doing) -> None:
    """Write this process into the file whose lock it holds; a full disk changes nothing."""
    with suppress(OSError):
        os.ftruncate(lock.fileno(), 0)
        os.write(lock.fileno(), this_process(doing).model_dump_json().encode())


def unsign(lock: TextIO) -> None:
    """Take this process out of it: it lives on, and lets go of the run."""
    with suppress(OSError):
        os.ftruncate(lock.fileno(), 0)


def owner(folder: Path) -> Owner | None:
    """Return the living process, other than this one, whose the run in a folder is."""
    with suppress(OSError, ValidationError):
        signed = Owner.model_validate_json(content_of(folder / ALIVE))
        return signed if lives(signed) else None
    return None


def lease_of(state: Path, run_id: str) -> Path:
    """Return the file whose time is when a run has renewed its leases last."""
    return state / "locks" / f"{run_id}.lease"
