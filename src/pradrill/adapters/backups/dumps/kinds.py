"""Recognise what lies in a folder of dumps: kinds of dump folders, checksum files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pradrill.adapters.backups.dumps import checksums
from pradrill.adapters.backups.dumps.unpacking import Unpacked, UnpackError
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Folder, FolderEntry

_MANIFEST = ".manifest.json"
_MOST_FILES = 200_000
_DEEPEST = 12
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_LARGEST_NOTHING = 512  # bytes of a packing with nothing in it, its file's name included
_BLANK = b"\0 \t\r\n"

KEPT_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it lie the times of file systems that keep none."""
_UNFINISHED = re.compile(
    r"(?i)\.(?:part|partial|filepart|inprogress|incomplete|crdownload|opdownload|aria2)$"
    r"|\.lftp-pget-status$|(?:^|/)\.in\.[^/]+$"
    r"|(?-i:(?:^|/)\.[^/]+\.(?![a-z]{6}$|[0-9]{6}$)[A-Za-z0-9]{6}$)"
)
"""What tools call a file until it is there, wherever it lies.

The last one is rsync's: six signs by chance, and no word (.htaccess.backup) or date.
"""
_PASSING = re.compile(r"(?i)\.(?:tmp|temp)$|(?:^|[/.])(?:lock|lck)$")
"""What a tree may hold as well, of any program's: it says something where a job writes."""
_LOCKS = (".lock", ".lck", ".aria2", ".lftp-pget-status")
_DUMP = re.compile(
    r"(?i)\.(?:sql|pgsql|psql|mysql|dump|dmp|pgdump|backup|bak|bson|rdb|ldif|db|sqlite3?|tar"
    r"|t[gx]z|tbz2?|tzst|gz|xz|bz2|zst|lz4|lzo|z|zip|7z|rar|gpg|pgp|age|enc)$"
)
_LARGEST_LOCK = 256
"""Bytes: a lock is empty, or tells whose it is; composer.lock and its like hold more."""

_OF_HOLLAND, _SIZE_OF_HOLLAND = "backup.conf", re.compile(rb"(?m)^on-disk-size[ \t]*=[ \t]*[1-9]")
_LARGEST_CONFIGURATION = 1 << 16

_NOTE = re.compile(
    r"(?i)\.(?:err|errors?|stderr|log|out|txt|ok|done|success|completed?|finished|ready)$"
    r"|(?:^|/)(?:\.[^/]*|_?(?:done|ok|success|completed?|finished|ready))$"
)
"""What a job notes beside its dumps: such a file is often empty when all went well."""
_PART = re.compile(
    r"(?is)(.*\.(?:(?:sql|dump|tar|t[gx]z|gz|xz|bz2|zst|lz4|zip|7z|gpg|age|enc)[._-]|part)"
    r"(?:part)?[._-]?)((?-i:[a-z]{2,4})|[0-9]{2,4})"
)
"""What split(1) and others call each part of one file; a night's name has figures, too."""
_OF_SERVER = {
    *("auto.cnf", "ddl_recovery.log", "tc.log"),
    *("mariadb_upgrade_info", "mysql_upgrade_info"),
}
"""What lies in a server's own folder, and mariabackup does not copy: another way was taken."""

# What each maker writes last, and what it writes before.
_MAKERS = (
    ("pg_dump", {"toc.dat"}, re.compile(r"^[0-9]+\.dat(\.gz|\.lz4|\.zst)?$")),
    ("mydumper", {"metadata"}, re.compile(r"^metadata\.partial$")),
    ("MySQL Shell", {"@.done.json"}, re.compile(r"^@\.(json|sql|post\.sql|users\.sql)$")),
    (
        "mariabackup",
        {"xtrabackup_info", "mariadb_backup_info"},
        re.compile(r"^(xtrabackup|mariadb_backup)_(checkpoints|logfile)$|^ibdata1$"),
    ),
)


class DumpKind(NamedTuple):
    """What made a folder, and why nothing can be restored from it (empty: it can)."""

    maker: str
    problem: str = ""
    is_marked: bool = False
    """What is written last is there, so that it is complete."""


class Marked(NamedTuple):
    """The names in a folder that something beside them says is complete."""

    sum_titles: Mapping[str, str]
    """Those that have a checksum → what it is called, whether or not it can be read."""

    times: Mapping[str, datetime]
    """Those, and those that have a manifest → when the last of these was written."""

    def follows(self, name: str, end: datetime) -> bool:
        """Tell whether a dump that ended then is marked; an older mark is of what stood there."""
        return name in self.times and end <= self.times[name]


def of_folder(names: Collection[str], sums: Collection[str] = ()) -> DumpKind:
    """Tell by its files what made a dump folder, and whether its maker came to its end.

    `sums` are the files that its own checksums name. Without a mark of any kind nothing is known.
    """
    members = set(names)
    missing = checksums.missing_of(sums, members)
    gap = f"{last_line(missing[0])} is missing" if missing else ""
    for maker, last, early in _MAKERS:
        if members & last:
            return DumpKind(maker, gap, is_marked=True)
        if any(early.search(name) for name in members) and not members & _OF_SERVER:
            return DumpKind(maker, f"{maker} did not come to its end: no {min(last)} is there")

    return DumpKind("", gap, is_marked=bool(sums))


def nothing_in(folder: Folder, path: str, entry: FolderEntry) -> str:
    """Say why a small file holds nothing: what a dump that failed leaves in a pipe; empty: it does.

    A packing that breaks before its first byte is no empty one.
    """
    if entry.is_folder or entry.size > _LARGEST_NOTHING:
        return ""
    try:
        with folder.read(path) as pieces:
            unpacked = Unpacked(pieces)
            if unpacked.closed or unpacked.head.strip(_BLANK):
                return ""
            unpacked.raise_failure()
    except NotReadyError:
        return ""
    except UnpackError as error:
        return str(error)
    return "it is empty"


def walk(
    folder: Folder, top: str, folders: dict[str, FolderEntry] | None = None
) -> Iterator[tuple[str, FolderEntry]]:
    """Return every file under a folder with its path from there; none twice by links.

    The folders on the way are noted in `folders`: one may be a job's lock.
    """
    waiting = [("", 0)]
    targets: set[str] = set()
    count = 0
    while waiting:
        path, depth = waiting.pop()
        for entry in folder.entries(f"{top}/{path}" if path else top):
            here = f"{path}/{entry.name}" if path else entry.name
            count += 1
            if count > _MOST_FILES or depth > _DEEPEST:
                raise NotReadyError(f"{top} holds more than any dump: it is not one")

            if not entry.is_folder:
                yield here, entry
                continue
            if folders is not None:
                folders[here] = entry
            if not (entry.is_link and _leads_back(folder, top, path, here, targets)):
                waiting.append((here, depth + 1))


def _leads_back(folder: Folder, top: str, above: str, path: str, targets: set[str]) -> bool:
    """Tell whether a link leads to where it lies, above that, or where one before it has led."""
    home, target = (folder.real(f"{top}/{each}" if each else top) for each in (above, path))
    if f"{home}/".startswith(f"{target.rstrip('/')}/") or target in targets:
        return True
    targets.add(target)
    return False


def by_path(files: Mapping[str, FolderEntry]) -> Sequence[FolderEntry]:
    """Return the files of a walk, each called by its path."""
    return [entry._replace(name=path) for path, entry in files.items()]


def marked(folder: Folder, top: str, entries: Sequence[FolderEntry]) -> Marked:
    """Return the names that have a checksum or a manifest beside them; their own are not read."""
    lists = checksums.listed(folder, top, entries)
    titles = {name.partition("/")[0]: _title(one.algorithm) for name, one in lists.items()}
    times = dict.fromkeys(titles, last_list(entries) or _LONG_AGO)
    for name, its in checksums.beside(entries).items():
        titles[name] = _title("sha256" if any("256" in each.name for each in its) else "")
        times[name] = max(each.modified for each in its)
    for entry in entries:
        if entry.name.endswith(_MANIFEST):
            name = entry.name.removesuffix(_MANIFEST)
            times[name] = max(times.get(name, _LONG_AGO), entry.modified)
    return Marked(titles, times)


def is_note(path: str) -> bool:
    """Tell whether a file is a job's note or flag by its name, which may be empty."""
    return _NOTE.search(path) is not None


def is_part(path: str, names: Collection[str]) -> bool:
    """Tell whether a file is one of several parts: the one before it or behind it is there, too."""
    match = _PART.fullmatch(path)
    if match is None:
        return False
    stem, sign = match.groups()
    return any(f"{stem}{each}" in names for each in _neighbours(sign))


def _neighbours(sign: str) -> Iterator[str]:
    """Yield what comes before and behind a part's sign: ab of aa, 02 of 01."""
    base, first = (10, "0") if sign.isdigit() else (26, "a")
    number = 0
    for each in sign:
        number = number * base + ord(each) - ord(first)
    for other in (number - 1, number + 1):
        if 0 <= other < base ** len(sign):
            places = (other // base**place % base for place in reversed(range(len(sign))))
            yield "".join(chr(ord(first) + place) for place in places)


def last_list(entries: Sequence[FolderEntry]) -> datetime | None:
    """Return when the last of a folder's lists of checksums was written."""
    lists = (each for each in entries if checksums.is_sums(each.name) and not each.is_folder)
    return max((each.modified for each in lists), default=None)


def is_listed_last(members: Sequence[FolderEntry]) -> bool:
    """Tell whether a folder's checksums were written after all of its data."""
    data = [each.modified for each in members if not checksums.is_sums(each.name)]
    listed = last_list(members)
    return listed is not None and listed >= max(data, default=listed)


def lock_of(names: Collection[str], name: str) -> str:
    """Return what says beside a dump that it is being written; empty: there is nothing.

    aria2 and lftp write to the name itself, and what is missing into a file beside it.
    """
    locks = (f"{dot}{name}{end}" for dot in ("", ".") for end in _LOCKS)
    return next((each for each in locks if each in names), "")


def unfinished_sign(files: Mapping[str, FolderEntry], folders: Mapping[str, FolderEntry]) -> str:
    """Return what says that a folder is being filled; empty: nothing.

    A file or folder that passes counts where a job writes, or by the name of a dump.
    """
    places, members = places_of_jobs(files), {**folders, **files}
    for path in sorted(members):
        if _UNFINISHED.search(path):
            return path
        passing = _PASSING.search(path)
        if passing is None:
            continue
        is_of_job = posixpath.dirname(path) in places or _DUMP.search(path[: passing.start()])
        if is_of_job and _passes(path, members):
            return path
    return ""


def holland_sign(folder: Folder, top: str, files: Mapping[str, FolderEntry]) -> str:
    """Return what says that holland did not come to its end; empty: nothing, or it is another's.

    It notes the size in its own file once the backup has succeeded, and before that a zero.
    """
    its = files.get(_OF_HOLLAND)
    if its is None or its.size > _LARGEST_CONFIGURATION:
        return ""
    try:
        with folder.read(f"{top}/{_OF_HOLLAND}") as pieces:
            text = b"".join(pieces)
    except NotReadyError:
        return ""
    is_ended = b"[holland:backup]" not in text or _SIZE_OF_HOLLAND.search(text)
    return "" if is_ended else f"{_OF_HOLLAND} has no size: holland did not come to its end"


def _passes(path: str, members: Mapping[str, FolderEntry]) -> bool:
    """Tell whether what has such a name may be a job's, and no other thing that is called so.

    A lock holds nothing, or tells whose it is; a tree has folders that are called .tmp.
    """
    entry, name = members[path], posixpath.basename(path).lower()
    is_temporary = name.endswith((".tmp", ".temp"))
    if not entry.is_folder:
        return is_temporary or entry.size <= _LARGEST_LOCK
    if is_temporary:
        return not entry.is_link and name not in {".tmp", ".temp"}

    inside = [each for name, each in members.items() if name.startswith(f"{path}/")]
    is_large = any(each.is_folder or each.size > _LARGEST_LOCK for each in inside)
    return not (entry.is_link or is_large or len(inside) > 1)


def places_of_jobs(files: Iterable[str]) -> Collection[str]:
    """Return the folders in which a job writes: its own, and those that hold dumps or archives."""
    return {"", *(posixpath.dirname(each) for each in files if _DUMP.search(each))}


def _title(algorithm: str) -> str:
    return "a SHA-256 beside it" if algorithm == "sha256" else "a checksum beside it"
