"""A folder behind SFTP: pinned host keys only, a deadline on every answer."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko

from pradrill.adapters.ssh.sessions import LOST, Connection, connect
from pradrill.domain.run.host import Host
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError, UnreachableError
from pradrill.ports import FolderEntry

_ANSWER = 30.0  # seconds for each answer of the server
_PIECE = 1 << 18
_AT_ONCE = 64  # requests under way


class SftpFolder:
    """Reads one host's files. It connects when it is first asked; `close` ends that."""

    def __init__(
        self, host: Host, known_hosts: Path, password: Callable[[], str] | None = None
    ) -> None:
        self._host = host
        self._known_hosts = known_hosts
        self._password = password
        self._connection: Connection | None = None
        self._sftp: paramiko.SFTPClient | None = None

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what a folder holds."""
        with self._telling(path):
            sftp = self._open()
            found = []
            for each in sorted(sftp.listdir_attr(path), key=lambda each: each.filename):
                seen = each
                if stat.S_ISLNK(each.st_mode or 0):
                    try:
                        seen = sftp.stat(f"{path}/{each.filename}")
                    except FileNotFoundError:  # a dangling link
                        continue
                if entry := _entry(each.filename, seen):
                    found.append(entry)
            return found

    @contextmanager
    def read(self, path: str) -> Iterator[Iterator[bytes]]:
        """Return a file's bytes; one that ends before its size is told."""
        with self._telling(path), self._open().open(path, "rb") as file:
            size = file.stat().st_size or 0
            # The reader meets a lost connection itself; paramiko's thread would print it, too.
            file._prefetch_thread = _quiet(file._prefetch_thread)  # type: ignore[attr-defined] # noqa: SLF001
            file.prefetch(size, _AT_ONCE)
            yield self._pieces(file, path, size)

    def local(self, path: str) -> Path | None:
        """Return nothing: it is elsewhere."""
        del path
        return None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.client.close()
        self._connection = self._sftp = None

    def _pieces(self, file: paramiko.SFTPFile, path: str, size: int) -> Iterator[bytes]:
        read = 0
        with self._telling(path):
            while piece := file.read(_PIECE):
                read += len(piece)
                yield piece
        if read < size:
            raise NotReadyError(f"{path} on {self._host.name} ended after {read} of {size} bytes")

    def _open(self) -> paramiko.SFTPClient:
        if self._sftp is None:
            password = self._password() if self._password else None
            self._connection = connect(self._host, self._known_hosts, password)
            self._sftp = self._connection.client.open_sftp()
            if channel := self._sftp.get_channel():
                channel.settimeout(_ANSWER)
        return self._sftp

    @contextmanager
    def _telling(self, path: str) -> Iterator[None]:
        where = f"{path} on {self._host.name}"
        try:
            yield
        except UnreachableError as error:
            raise NotReadyError(error.message, hint=error.hint) from error
        except FileNotFoundError as error:
            raise NotReadyError(f"{where} does not exist") from error
        except PermissionError as error:
            raise NotReadyError(f"{where} may not be read by this login") from error
        except LOST as error:
            self.close()
            reason = last_line(str(error) or type(error).__name__)
            raise NotReadyError(f"{where} cannot be read: {reason}") from error


def _quiet(work: Callable[..., None]) -> Callable[..., None]:
    def quietly(*args: Any) -> None:
        with suppress(*LOST):
            work(*args)

    return quietly


def _entry(name: str, seen: paramiko.SFTPAttributes) -> FolderEntry | None:
    mode = seen.st_mode or 0
    if "/" in name or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return None
    modified = datetime.fromtimestamp(seen.st_mtime or 0, UTC)
    return FolderEntry(name, stat.S_ISDIR(mode), seen.st_size or 0, modified)
