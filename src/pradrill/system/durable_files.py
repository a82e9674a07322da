"""Write files that must survive a crash: written whole, appended whole, seen on the disk."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pradrill.errors import RecordError


def opened(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a regular file, and nothing else: a pipe would hold a reader up without end.

    What is written goes through no link: it could lead to any file of ours. Raises OSError.
    """
    safe = os.O_NOFOLLOW if flags & os.O_ACCMODE else 0
    file = os.open(path, flags | safe | os.O_NONBLOCK, mode)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def content_of(path: Path) -> bytes:
    """Return the content of a regular file. Raises OSError."""
    with os.fdopen(opened(path, os.O_RDONLY), "rb") as file:
        return file.read()


def open_lines(path: Path) -> int:
    """Open a file of lines for appending; what a crash left of a line is dropped."""
    file = opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    os.ftruncate(file, path.read_bytes().rfind(b"\n") + 1)
    sync_folder(path.parent)
    return file


def write_line(file: int, line: bytes) -> None:
    """Write a line and see it on the disk, or leave nothing of it."""
    size = os.fstat(file).st_size
    try:
        while line:
            line = line[os.write(file, line) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise


def write_whole(path: Path, content: bytes, mode: int = 0o400) -> None:
    """Write a file under its name only when all of it is on the disk."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)  # a kill may have left one that cannot be written to

    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())

    draft.rename(path)
    sync_folder(path.parent)


@contextmanager
def opened_lock(path: Path) -> Iterator[int]:
    """Give a file that processes lock against each other, its folder made. Raises RecordError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = opened(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise unwritten(path, error) from error
    try:
        yield lock
    finally:
        os.close(lock)


@contextmanager
def unchanging(lock: Path) -> Iterator[None]:
    """Wait for whoever holds a lock, and keep others off; without a lock, or without leave, go on.

    Nothing is written: reading must be possible for those who may only read.
    """
    try:
        file = opened(lock, os.O_RDONLY)
    except OSError:
        yield
        return

    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
    finally:
        os.close(file)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with os.fdopen(opened(path, os.O_RDONLY), "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """See a folder's names on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unwritten(path: Path, error: OSError) -> RecordError:
    """Return the error for a file that could not be written."""
    return RecordError(
        f"cannot write {path}: {error.strerror}",
        hint="Free space or mend the permissions of the state directory, then run again.",
    )
