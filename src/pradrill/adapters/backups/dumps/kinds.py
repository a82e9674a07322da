"""What lies in a folder of dumps: kinds of dump folders, checksum files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from pradrill.errors import NotReadyError
from pradrill.ports import Folder, FolderEntry

SUMS = frozenset({"SHA256SUMS", "sha256sums", "sha256sum.txt", "SHA256SUMS.txt"})
_OWN = ".sha256"
_LINE = re.compile(r"([0-9a-fA-F]{64})(?: [ *]?(.+))?")
_MOST_SUMS = 16 << 20
_MOST_FILES = 200_000
_DEEPEST = 12


# What each maker writes last, and what it writes before.
_MAKERS = (
    ("pg_dump", {"toc.dat"}, re.compile(r"^[0-9]+\.dat(\.gz|\.lz4|\.zst)?$")),
    ("mydumper", {"metadata"}, re.compile(r"^metadata\.partial$")),
    (
        "mariabackup",
        {"xtrabackup_info", "mariadb_backup_info"},
        re.compile(r"^(xtrabackup|mariadb_backup)_(checkpoints|logfile)$|^ibdata1$"),
    ),
)


class FolderKind(NamedTuple):
    """What made a folder, and why nothing can be restored from it (empty: it can)."""

    maker: str
    problem: str = ""


def of_folder(names: Collection[str]) -> FolderKind:
    """Tell by its files what made a dump folder, and whether its maker came to its end."""
    held = set(names)
    for maker, last, early in _MAKERS:
        if held & last:
            return FolderKind(maker)
        if any(early.search(name) for name in held):
            return FolderKind(maker, f"{maker} did not come to its end: no {min(last)} is there")
    return FolderKind("", "it is a folder of no known kind of dump, or an unfinished one")


def walk(folder: Folder, top: str) -> Iterator[tuple[str, FolderEntry]]:
    """Return every file under a folder with its path from there."""
    waiting = [("", 0)]
    count = 0
    while waiting:
        path, depth = waiting.pop()
        for entry in folder.entries(f"{top}/{path}" if path else top):
            here = f"{path}/{entry.name}" if path else entry.name
            count += 1
            if count > _MOST_FILES or depth > _DEEPEST:
                raise NotReadyError(f"{top} holds more than any dump: it is not one")
            if entry.is_folder:
                waiting.append((here, depth + 1))
            else:
                yield here, entry


def summed(folder: Folder, top: str, entries: Sequence[FolderEntry]) -> frozenset[str]:
    """Return the names that have a checksum beside them; the files of their own are not read."""
    own = {entry.name.removesuffix(_OWN) for entry in entries if entry.name.endswith(_OWN)}
    return frozenset(own | set(_listed(folder, top, entries)))


def sums(folder: Folder, top: str, entries: Sequence[FolderEntry]) -> Mapping[str, str]:
    """Return name → SHA-256 of everything that has one beside it; a name's own file governs."""
    found = _listed(folder, top, entries)
    for entry in entries:
        if entry.name.endswith(_OWN):
            name = entry.name.removesuffix(_OWN)
            read = _LINE.match(_text(folder, f"{top.rstrip('/')}/{entry.name}", entry))
            found[name] = read[1].lower() if read else "unreadable"
    return found


def _listed(folder: Folder, top: str, entries: Sequence[FolderEntry]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        if entry.name in SUMS:
            for line in _text(folder, f"{top.rstrip('/')}/{entry.name}", entry).splitlines():
                read = _LINE.fullmatch(line.strip())
                if read and read[2]:
                    found[read[2].removeprefix("./")] = read[1].lower()
    return found


def _text(folder: Folder, path: str, entry: FolderEntry) -> str:
    if entry.size > _MOST_SUMS:
        raise NotReadyError(f"{path} is too large for a file of checksums")
    with folder.read(path) as pieces:
        return b"".join(pieces).decode("utf-8", "replace")
