"""A folder of this machine, behind the port Folder."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pradrill.errors import NotReadyError
from pradrill.ports import FolderEntry

_PIECE = 1 << 18


class LocalFolder:
    """Reads the file system."""

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what a folder holds."""
        try:
            return [entry for each in sorted(Path(path).iterdir()) if (entry := _entry(each))]
        except OSError as error:
            raise NotReadyError(
                f"the folder of dumps {path} cannot be read: {error.strerror}",
                hint="Check that it is mounted, and that this user may read it.",
            ) from error

    @contextmanager
    def read(self, path: str) -> Iterator[Iterator[bytes]]:
        """Return a file's bytes."""
        try:
            with Path(path).open("rb") as file:
                yield iter(lambda: file.read(_PIECE), b"")
        except OSError as error:
            raise NotReadyError(f"the dump {path} cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """There is nothing to let go of."""

    def local(self, path: str) -> Path | None:
        """Return the path itself."""
        return Path(path)


def _entry(path: Path) -> FolderEntry | None:
    try:
        seen = path.stat()
    except OSError:  # a dangling link, or gone since
        return None
    if not (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode)):
        return None
    modified = datetime.fromtimestamp(int(seen.st_mtime), UTC)  # as SFTP tells it
    return FolderEntry(path.name, stat.S_ISDIR(seen.st_mode), seen.st_size, modified)
