"""Tell who holds a run: by the lock on its file `alive`, and by the process named in that file.

The lock alone would do, were it never lost: a file replaced by hand, or a file system that forgets
it, must not let a second process loose on a run whose first one lives.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from pradrill.domain.run.owner import Doing, Owner
from pradrill.register.runs.draft import ALIVE
from pradrill.system.durable_files import content_of
from pradrill.system.ownership import lives, this_process


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
