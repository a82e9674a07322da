"""Read a folder of this machine, behind the port Folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pradrill.domain.run.backup_catalogue import LATEST
from pradrill.errors import ClosedPathError, NotReadyError
from pradrill.ports import FolderEntry

_PIECE = 1 << 18
_CLOSED = {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM}


class LocalFolder:
    """Reads the file system."""

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what a folder holds."""
        try:
            with os.scandir(path) as scan:
                entries = [entry for each in scan if (entry := _entry(each))]
        except OSError as error:
            raise _refusal(f"the folder of dumps {path}", error) from error
        return sorted(entries)

    @contextmanager
    def read(self, path: str) -> Iterator[Iterator[bytes]]:
        """Return a file's bytes."""
        try:
            with Path(path).open("rb") as file:
                yield iter(lambda: file.read(_PIECE), b"")
        except OSError as error:
            raise _refusal(f"the dump {path}", error) from error

    def real(self, path: str) -> str:
        """Return the path without links in it."""
        return os.path.realpath(path)

    def local(self, path: str) -> Path | None:
        """Return the path itself."""
        return Path(path)

    def cut(self) -> None:
        """Do nothing: a file system that hangs lets nobody go."""

    def close(self) -> None:
        """Let go of nothing."""


def _entry(item: os.DirEntry[str]) -> FolderEntry | None:
    try:
        status = item.stat()
    except FileNotFoundError:  # a dangling link, or gone since
        return None
    except OSError:
        if item.is_symlink():  # it leads in a circle, or too far
            return None
        raise
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return None

    # In whole seconds, as SFTP tells it; a file may be dated at any time, also after the year 9999.
    modified = datetime.fromtimestamp(min(max(0, int(status.st_mtime)), LATEST), UTC)
    is_folder = stat.S_ISDIR(status.st_mode)
    return FolderEntry(item.name, is_folder, status.st_size, modified, item.is_symlink())


def _refusal(what: str, error: OSError) -> NotReadyError:
    kind = ClosedPathError if error.errno in _CLOSED else NotReadyError
    return kind(
        f"{what} cannot be read: {error.strerror}",
        hint="Check that it is mounted, and that this user may read it.",
    )
