"""Read a folder of this machine, behind the port Folder."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pradrill.domain.run.backup_catalogue import LATEST
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
        """Let go of nothing."""

    def local(self, path: str) -> Path | None:
        """Return the path itself."""
        return Path(path)


def _entry(path: Path) -> FolderEntry | None:
    try:
        status = path.stat()
    except OSError:  # a dangling link, or gone since
        return None
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return None

    # In whole seconds, as SFTP tells it; a file may be dated at any time, also after the year 9999.
    modified = datetime.fromtimestamp(min(max(0, int(status.st_mtime)), LATEST), UTC)
    return FolderEntry(path.name, stat.S_ISDIR(status.st_mode), status.st_size, modified)
