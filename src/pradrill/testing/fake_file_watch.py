"""Fake what watches files: it tells what it is told, or fails."""

from __future__ import annotations

from collections.abc import Sequence

from pradrill.domain.run.file_map import FileMap
from pradrill.domain.run.host import Host, Site
from pradrill.errors import PradrillError


class FakeFileWatch:
    """Watches nothing; `file_map` is what it has seen, `fails` is raised by `watch`."""

    def __init__(
        self,
        file_map: FileMap | PradrillError | None = None,
        *,
        fails: PradrillError | None = None,
    ) -> None:
        self.calls: list[str] = []
        self.roots: tuple[str, ...] = ()
        self._file_map = file_map or FileMap(watched=True, complete=True)
        self._fails = fails

    def watch(self, host: Host, site: Site) -> None:
        """Begin, or fail."""
        del host, site
        self.calls.append("watch")
        if self._fails is not None:
            raise self._fails

    def read(self, host: Host, site: Site, roots: Sequence[str]) -> FileMap:
        """Return what it was told, or raise it."""
        del host, site
        self.calls.append("read")
        self.roots = tuple(roots)
        if isinstance(self._file_map, PradrillError):
            raise self._file_map
        return self._file_map
