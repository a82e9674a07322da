"""Where OpenSSH keeps its shared connections: a short path, ours alone, found by every process."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from stat import S_ISDIR

from pradrill.errors import NotReadyError


def folder_for(names: str) -> Path:
    """Return the folder of the control sockets of what `names` tells apart.

    It follows from who we are and those names, so that another process finds it. Its path is
    short: a socket's path holds about 100 bytes.
    """
    short = hashlib.sha256(names.encode()).hexdigest()[:12]
    base = Path("/run" if os.geteuid() == 0 and Path("/run").is_dir() else "/tmp")  # noqa: S108 checked
    return base / f"pradrill-{os.geteuid()}-{short}"


def make_private(folder: Path) -> None:
    """Make the folder, or take it when it is there and ours. Raises NotReadyError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)


def check_private(folder: Path) -> None:
    """Raise NotReadyError unless the folder is ours alone: /tmp is everybody's."""
    status = folder.lstat()
    if not S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise NotReadyError(
            f"{folder} is not a folder that only this user can use",
            hint="Look at who made it, then remove it.",
        )
