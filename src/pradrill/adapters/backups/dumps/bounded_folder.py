"""Bound all that is asked of a folder together: a server may answer slowly for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, Folder, FolderEntry

_TICK = 0.05


class BoundedFolder:
    """A folder that answers within bounds or not at all; then it says that it was late."""

    def __init__(self, folder: Folder, bounds: Bounds, what: str) -> None:
        self._folder = folder
        self._bounds = bounds
        self._what = what
        self._refusal = ""
        self._over = Event()

    @contextmanager
    def watched(self) -> Iterator[Folder]:
        """Give it, bounded; at the end the folder behind it is closed."""
        thread = Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            self._folder.close()

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what a folder holds."""
        with self._in_time():
            return self._folder.entries(path)

    @contextmanager
    def read(self, path: str) -> Iterator[Iterator[bytes]]:
        """Return a file's bytes."""
        with self._in_time(), self._folder.read(path) as pieces:
            yield self._pieces(pieces)

    def real(self, path: str) -> str:
        """Return where a path leads in the end."""
        with self._in_time():
            return self._folder.real(path)

    def local(self, path: str) -> Path | None:
        """Return where it is on this machine, if it is."""
        return self._folder.local(path)

    def cut(self) -> None:
        """Have what is asked now fail."""
        self._folder.cut()

    def close(self) -> None:
        """Let go of connections."""
        self._folder.close()

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._refusal:
                break
            yield piece

    def _watch(self) -> None:
        for _ in range(max(1, round(self._bounds.deadline / _TICK))):
            if self._over.wait(_TICK):
                return
            if self._bounds.cancelled():
                self._refuse("was stopped before its end")
                return
        self._refuse(f"did not end within {self._bounds.deadline:g} s")

    def _refuse(self, why: str) -> None:
        self._refusal = f"reading {self._what} {why}"
        self._folder.cut()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except NotReadyError as error:
            raise self._late() if self._refusal else error from error
        if self._refusal:
            raise self._late()

    def _late(self) -> NotReadyError:
        return NotReadyError(
            self._refusal,
            hint="Give it a longer deadline, or see what holds it up.",
        )
