"""Plain folders of dumps: what their names, sizes and neighbours say, and whether they are whole.

Read through the port Folder: a folder of this machine, or one behind SFTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from urllib.parse import urlsplit

from pradrill.adapters.backups.dumps import kinds, soundness
from pradrill.domain.declared.backup_source import DumpsSource
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, Part, Soundness
from pradrill.domain.values.instant_text import parse_instant
from pradrill.errors import PradrillError
from pradrill.ports import Bounds, Clock, Folder, FolderEntry


class Dumps:
    """A folder as `DumpsSource` declares it."""

    def __init__(self, declared: DumpsSource, folder: Folder, clock: Clock) -> None:
        self._declared = declared
        self._folder = folder
        self._clock = clock
        sftp = declared.folder.startswith("sftp://")
        self._top = urlsplit(declared.folder).path if sftp else declared.folder

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return what bears a name of the declared form; its neighbours are left out."""
        del bounds  # each of the folder's answers has its own deadline
        with closing(self._folder):
            return self._read()

    def _read(self) -> Catalogue:
        entries = self._folder.entries(self._top)
        summed = kinds.summed(self._folder, self._top, entries)
        return Catalogue(
            source=self._declared.name,
            location=self._declared.folder,
            read_at=self._clock.now(),
            points=tuple(
                self._point(entry, summed) for entry in entries if self._is_named(entry.name)
            ),
        )

    def check(self, point: RecoveryPoint, part: Part, bounds: Bounds) -> Checked:
        """Read the dump from its first byte to its last."""
        del part  # all of it is read
        with closing(self._folder):
            return self._check(point, bounds)

    def _check(self, point: RecoveryPoint, bounds: Bounds) -> Checked:
        entries = self._folder.entries(self._top)
        entry = next((entry for entry in entries if entry.name == point.id), None)
        if entry is None:
            return Checked(Soundness.DAMAGED, "reading the dump", f"{point.id} is gone")
        sums = kinds.sums(self._folder, self._top, entries)
        path = f"{self._top.rstrip('/')}/{entry.name}"
        if entry.is_folder:
            return soundness.check_folder(self._folder, path, sums, bounds)
        return soundness.check_file(self._folder, path, sums.get(entry.name), bounds)

    def _is_named(self, name: str) -> bool:
        try:
            datetime.strptime(name, self._declared.names)  # noqa: DTZ007 only whether it fits
        except ValueError:
            return False
        return True

    def _point(self, entry: FolderEntry, summed: frozenset[str]) -> RecoveryPoint:
        """Return a dump; a name without a time of day is dated at the day's beginning."""
        problem, size, end = "", entry.size, entry.modified
        try:
            at = parse_instant(entry.name, self._declared.names, self._declared.timezone)
        except PradrillError as error:
            at, problem = entry.modified, error.message
        told = "a SHA-256 beside it" if entry.name in summed else "none beside it"
        if entry.is_folder:
            held = list(self._held(entry.name))
            size = sum(each.size for each in held)
            end = max((each.modified for each in held), default=end)
            found = kinds.of_folder({each.name for each in held})
            problem = problem or found.problem
            told = "a SHA-256 of each file" if kinds.SUMS & {e.name for e in held} else told
        problem = problem or ("it is empty" if size == 0 else "")
        return RecoveryPoint(
            id=entry.name,
            data_time=at,
            end_time=end,
            size=size,
            integrity=told,
            problem=problem,
        )

    def _held(self, name: str) -> Iterator[FolderEntry]:
        for path, entry in kinds.walk(self._folder, f"{self._top.rstrip('/')}/{name}"):
            yield entry._replace(name=path)
