"""Keep beside the runs what was derived from files, until one of these files is another.

It proves nothing and may be lost: whoever reads it falls back on what it was derived from.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pradrill.system.durable_files import content_of, opened

_LARGEST = 100_000_000
_UNSETTLED = timedelta(seconds=2)
"""A file that changed so lately could change again and keep its time: disks have coarse clocks."""


class FileStamp(NamedTuple):
    """What tells a file from any that took its place, or was written over it."""

    inode: int
    size: int
    modified: int
    changed: int
    """In nanoseconds, as `modified`. No program can set it."""


def stamp_of(path: str) -> FileStamp | None:
    """Return a file's stamp; None when there is no such file."""
    try:
        status = os.stat(path)  # noqa: PTH116 of thousands: pathlib costs thrice that
    except OSError:
        return None
    return FileStamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def is_settled(stamp: FileStamp, now: datetime) -> bool:
    """Tell whether a stamp would be another one, were the file changed from now on."""
    return 0 < stamp.changed < (now - _UNSETTLED).timestamp() * 1e9


def read_derived(path: Path, form: str, version: str) -> bytes | None:
    """Return what a file holds; None when it is missing, damaged, or another version's."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        header, feed, content = content_of(path).partition(b"\n")
    except OSError:
        return None
    return content if header + feed == _header(content, form, version) else None


def write_derived(path: Path, content: bytes, form: str, version: str) -> None:
    """Put a file in the place of the one before, whole.

    Where that cannot be, as on a full disk or in a state that is read-only, nothing is lost: the
    next reader derives it again. So it is when another reader writes it now.
    """
    draft = path.with_name(f".{path.name}.draft")
    with suppress(OSError):
        file = opened(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        with os.fdopen(file, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if draft.stat().st_ino != os.fstat(file).st_ino:
                return  # it was another reader's, and is the index now
            try:
                stream.truncate(0)
                stream.write(_header(content, form, version) + content)
                stream.flush()
                draft.rename(path)
            except OSError:
                draft.unlink()


def _header(content: bytes, form: str, version: str) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    return f"pradrill {version} {form} {digest}\n".encode()
