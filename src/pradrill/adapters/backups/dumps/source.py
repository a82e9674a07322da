"""List plain folders of dumps by their names, sizes and neighbours, and check that they are whole.

Read through the port Folder: a folder of this machine, or one behind SFTP.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pradrill.adapters.backups.dumps import checksums, kinds, soundness
from pradrill.adapters.backups.dumps.bounded_folder import BoundedFolder
from pradrill.adapters.backups.dumps.checksums import Sum
from pradrill.domain.declared.backup_source import DumpsSource, within
from pradrill.domain.run.backup_catalogue import AHEAD, Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.values.dated_text import has_hour, read_date
from pradrill.domain.values.duration import format_duration
from pradrill.domain.values.instant_text import parse_instant
from pradrill.domain.values.month_names import AmbiguousMonthError
from pradrill.domain.values.ssh_place import ssh_place
from pradrill.errors import ClosedPathError, NotReadyError, PradrillError
from pradrill.ports import Bounds, Clock, Folder, FolderEntry

_LONGEST_ID = 400


class _Level(NamedTuple):
    """A folder in which dumps lie: the declared one, or one of those in it that bear a date."""

    folder: str
    """Its name below the declared one; empty: that one itself."""

    form: str
    """What the dumps' ids look like."""

    entries: Sequence[FolderEntry]

    problem: str = ""
    """Why what lies in it is not known; empty: it is."""

    def name_of(self, entry: FolderEntry) -> str:
        """Return where something of it lies below the declared folder."""
        return f"{self.folder}/{entry.name}" if self.folder else entry.name

    def holds(self, entry: FolderEntry) -> bool:
        """Tell whether an entry bears a name of the declared form."""
        try:
            return _date(self.name_of(entry), self.form) is not None
        except AmbiguousMonthError:
            return True  # it is named, and dated by nothing


class Dumps:
    """A folder as `DumpsSource` declares it."""

    def __init__(self, declared: DumpsSource, folder: Folder, clock: Clock) -> None:
        self._declared = declared
        self._folder = folder
        self._clock = clock
        place = ssh_place(declared.folder)
        self._top = (place.path if place else declared.folder).rstrip("/") or "/"

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return what bears a name of the declared form; its neighbours are left out."""
        with self._within(bounds) as folder:
            return self._read(folder)

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Read the dump from its first byte to its last."""
        del part  # all of it is read
        with self._within(bounds) as folder:
            return self._check(folder, point, bounds)

    def _within(self, bounds: Bounds) -> AbstractContextManager[Folder]:
        return BoundedFolder(self._folder, bounds, self._declared.folder).watched()

    def _read(self, folder: Folder) -> Catalogue:
        now = self._clock.now()
        points = []
        for level in self._levels(folder):
            if level.problem:
                points.append(self._closed(level, now))
                continue

            marked = kinds.marked(folder, self._path(level.folder), level.entries)
            names = {entry.name for entry in level.entries}
            points += [
                self._point(folder, level, entry, marked, kinds.lock_of(names, entry.name), now)
                for entry in level.entries
                if level.holds(entry)
            ]

        return Catalogue(
            source=self._declared.name,
            location=self._declared.folder,
            read_at=now,
            points=tuple(_without_times_of_copies(points)),
        )

    def _levels(self, folder: Folder) -> Iterator[_Level]:
        """Return the folders in which dumps lie."""
        entries = folder.entries(self._top)
        folders, _, name = self._declared.names.rpartition("/")
        if not folders:
            yield _Level("", name, entries)
            return

        for entry in entries:
            try:
                at = _date(entry.name, folders) if entry.is_folder else None
            except AmbiguousMonthError as error:
                yield _Level(entry.name, folders, (), str(error))
                continue
            if at is None:
                continue
            try:
                below = folder.entries(self._path(entry.name))
            except ClosedPathError as error:
                yield _Level(entry.name, folders, (), error.message)
            else:
                title = _composed(entry.name)
                form = within(_composed(folders), _composed(name), at, title)
                yield _Level(entry.name, form, below)

    def _check(self, folder: Folder, point: RecoveryPoint, bounds: Bounds) -> Checked:
        above, its = self._places(folder, point)
        if len(its) != 1:  # a rotation may have come meanwhile
            why = "is not there any more" if not its else "is how several of its names are written"
            return Checked(Soundness.UNPROVEN, "reading the dump", f"{point.id} {why}")

        (entry,) = its
        name = f"{above}/{entry.name}" if above else entry.name
        sums = checksums.all_sums(
            folder, self._path(above), folder.entries(self._path(above)), {entry.name}
        )
        if entry.is_folder:
            return soundness.check_folder(folder, self._path(name), sums, bounds)

        names = {each.name for each in folder.entries(self._path(above))}
        is_part = kinds.is_part(entry.name, names)
        its_sum = sums.get(entry.name)
        return soundness.check_file(folder, self._path(name), its_sum, bounds, is_part=is_part)

    def _path(self, below: str) -> str:
        return f"{self._top.rstrip('/')}/{below}" if below else self._top

    def _instant(self, name: str, form: str) -> datetime:
        """Return when the date in a name was. Raises PradrillError."""
        try:
            at = read_date(_composed(name), _composed(form))
        except AmbiguousMonthError as error:
            raise NotReadyError(str(error)) from error
        zone = self._declared.timezone
        if zone and at.tzinfo is None and not has_hour(form):
            at = at.replace(tzinfo=ZoneInfo(zone))  # where midnight is skipped, what follows it
        return parse_instant(at.isoformat(" "), "iso", zone)

    def _places(self, folder: Folder, point: RecoveryPoint) -> tuple[str, list[FolderEntry]]:
        """Return the folder in which a point lies, and what bears its name there.

        An id holds nothing that cannot be written; a name may.
        """
        above, _, last = point.id.rpartition("/")
        entries = folder.entries(self._top)
        folders = [each.name for each in entries if above and _id(each.name) == above] or [above]
        if above:
            entries = folder.entries(self._path(folders[0]))
        return folders[0], [each for each in entries if _id(each.name) == last]

    def _closed(self, level: _Level, now: datetime) -> RecoveryPoint:
        """Return a dated folder of which nothing is known as a dump that cannot be restored."""
        try:
            at = self._instant(level.folder, level.form)
        except PradrillError:
            at = now
        return RecoveryPoint(id=_id(level.folder), data_time=at, problem=level.problem)

    def _point(  # noqa: PLR0913, PLR0917 what tells of a dump
        self,
        folder: Folder,
        level: _Level,
        entry: FolderEntry,
        marked: kinds.Marked,
        lock: str,
        now: datetime,
    ) -> RecoveryPoint:
        """Return a dump; a name without a time of day is dated at the day's beginning.

        It holds nothing newer than its last write, whatever its name says: one that was named anew,
        linked or dated in another zone. Of a folder that no job has marked that is not known: it
        may be a tree in which nothing had changed.
        """
        problem, size, end, name = "", entry.size, entry.modified, level.name_of(entry)
        try:
            at = self._instant(name, level.form)
        except PradrillError as error:
            at, problem = entry.modified, error.message

        integrity = marked.sum_titles.get(entry.name, "none beside it")
        is_marked, is_dump = False, not entry.is_folder
        if entry.is_folder:
            below: dict[str, FolderEntry] = {}
            try:
                files = dict(kinds.walk(folder, self._path(name), below))
            except ClosedPathError as error:
                files, problem = {}, problem or error.message
            members = kinds.by_path(files)
            size = sum(each.size for each in members)
            end = max((each.modified for each in members), default=end)
            sums = checksums.all_sums(folder, self._path(name), members)
            kind = kinds.of_folder(files, sums)
            problem = problem or kind.problem
            problem = problem or kinds.holland_sign(folder, self._path(name), files)
            is_dump = kind.is_marked
            is_marked = is_dump and (kind.maker != "" or kinds.is_listed_last(members))
            integrity = _of_each(files, sums) or integrity
            lock = lock or kinds.unfinished_sign(files, below)

        if is_dump and kinds.KEPT_SINCE < end < at - AHEAD <= now:
            at = end
        is_marked = is_marked or marked.follows(entry.name, end)
        if not problem and size == 0:
            problem = "it is empty"
        problem = problem or kinds.nothing_in(folder, self._path(name), entry)
        if not problem and not is_marked and lock:
            problem = f"{last_line(lock)} says that it is being written"
        # A date further in the future is told as one; a copy's time may be anything, but it is no
        # older than its name.
        last = max(end, at)
        is_recent = last <= now + AHEAD and now < last + self._declared.quiet
        if not problem and not is_marked and is_recent:
            quiet = format_duration(self._declared.quiet)
            problem = f"it was written to less than {quiet} ago: it may be unfinished"

        return RecoveryPoint(
            id=_id(name),
            data_time=at,
            end_time=end,
            size=size,
            integrity=integrity,
            problem=problem,
        )


def _id(name: str) -> str:
    """Return a name as it can be written; what no playbook could be given is told by its id."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)[:_LONGEST_ID]


def _of_each(files: Iterable[str], sums: Mapping[str, Sum]) -> str:
    """Tell which of a folder's files have a checksum in it; empty: none."""
    data = [each for each in files if not checksums.is_sums(each)]
    algorithms = {sums[each].algorithm if each in sums else "" for each in data}
    if algorithms <= {""}:
        return ""
    if "" in algorithms:
        return "a checksum of some of its files"
    return "a SHA-256 of each file" if algorithms == {"sha256"} else "a checksum of each file"


def _without_times_of_copies(points: Sequence[RecoveryPoint]) -> Iterator[RecoveryPoint]:
    """Return the points; a file's time that a copy has made says nothing of when it was complete.

    Files that were copied without their times are closer together than their names' dates, and
    each is younger than the next one's date.
    """
    ends = {each.id: each.end_time or each.data_time for each in points}
    in_order = sorted(points, key=lambda each: (each.data_time, ends[each.id]))
    copies: set[str] = set()
    for one, following in itertools.pairwise(in_order):
        apart = abs(ends[following.id] - ends[one.id])
        is_late = ends[one.id] > following.data_time
        if is_late and apart < (following.data_time - one.data_time) / 2:
            copies |= {one.id, following.id}

    for point in points:
        yield point.model_copy(update={"end_time": None}) if point.id in copies else point


def _date(name: str, form: str) -> datetime | None:
    """Return what a name's date reads as; None when it is not of that form."""
    try:
        return read_date(_composed(name), _composed(form))
    except AmbiguousMonthError:
        raise
    except ValueError:
        return None


def _composed(name: str) -> str:
    """Return a name in one form: macOS takes letters apart, and old systems wrote Latin-1."""
    with suppress(UnicodeEncodeError):
        name.encode()
        return unicodedata.normalize("NFC", name)
    return name.encode("utf-8", "surrogateescape").decode("latin-1")
