"""Recognise what lies in a folder of dumps: kinds of dump folders, checksum files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from pradrill.adapters.backups.dumps import checksums
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Folder, FolderEntry

_MANIFEST = ".manifest.json"
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

    names: frozenset[str]
    """Those, and those that have a manifest."""


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
        if any(early.search(name) for name in members):
            return DumpKind(maker, f"{maker} did not come to its end: no {min(last)} is there")

    return DumpKind("", gap, is_marked=bool(sums))


def walk(folder: Folder, top: str) -> Iterator[tuple[str, FolderEntry]]:
    """Return every file under a folder with its path from there; none twice by links."""
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
            elif not (entry.is_link and _leads_back(folder, top, path, here, targets)):
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
    for name, its in checksums.beside(entries).items():
        titles[name] = _title("sha256" if any("256" in each.name for each in its) else "")
    manifests = {
        entry.name.removesuffix(_MANIFEST) for entry in entries if entry.name.endswith(_MANIFEST)
    }
    return Marked(titles, frozenset({*titles, *manifests}))


def _title(algorithm: str) -> str:
    return "a SHA-256 beside it" if algorithm == "sha256" else "a checksum beside it"
