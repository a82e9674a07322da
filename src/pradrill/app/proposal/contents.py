"""Recognise what a backup holds, by the names in it and by how a dump begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple

from pradrill.domain.run.host_answers import last_line

_FOLDER = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}")
_MOST_FOLDERS = 8
_DEPTH, _SYSTEM_DEPTH = 2, 3
_SYSTEM = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "lib",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr",
        "var",
    ]
)
_OF_PEOPLE = frozenset({"/var/www"})
_WORDPRESS = re.compile(r"(^|/)(wp-config\.php|wp-includes/version\.php|config-[\w.-]+\.php)$")
_MOODLE = re.compile(r"(^|/)lib/moodlelib\.php$")
_DUMP = re.compile(r"\.(sql(\.(gz|zst|xz|bz2))?|dump)$")
_OF_MARIADB = re.compile(rb"-- (?:MariaDB|MySQL) dump|/\*M?!999999|mydumper")
_DATABASE = re.compile(rb"(?m)^-- Host: .*?Database: ([\w-]+)$")
_PG_DATABASE = re.compile(
    rb"\x00([\x01-\x40])\x00\x00\x00([\w-]{1,63})\x00[\x01-\x40]\x00\x00\x00\d+\.?\d*"
)
_TABLE = re.compile(
    r"^CREATE TABLE [`\"]?([\w.]+)[`\"]? \(((?:(?!\nCREATE TABLE ).)*?)\n\)",
    re.DOTALL | re.MULTILINE,
)
_INSTANT = re.compile(r"^[ \t]*[`\"]?(\w+)[`\"]? (timestamp|datetime)\b([^,]*)", re.MULTILINE)
_BEST = ("heartbeat", "updated", "modified", "changed", "created", "date", "time", "at")


class Software(StrEnum):
    """What comes back."""

    FILES = "files"
    WORDPRESS = "WordPress"
    MOODLE = "Moodle"
    MARIADB = "MariaDB"
    POSTGRESQL = "PostgreSQL"


class InstantColumn(NamedTuple):
    """A column whose newest value says how far the data reaches."""

    table: str
    column: str
    with_zone: bool


class Contents(NamedTuple):
    """What the newest backup holds, as far as it could be told."""

    kind: Software
    folders: tuple[str, ...] = ()
    database: str | None = None
    newest: InstantColumn | None = None
    archive: bool = False
    """It is one archive of files in a folder of dumps."""
    dumps: tuple[str, ...] = ()
    """Files that look like dumps of databases: a restore of files loads none of them."""


def of_listing(paths: Sequence[str], tops: Sequence[str] = ()) -> Contents:
    """Tell by the names of files what they are; `tops`: the folders that were backed up."""
    folders = tuple(top for top in tops if may_be_emptied(top)) or folders_of(paths)
    if any(_MOODLE.search(path) for path in paths):
        return Contents(Software.MOODLE, folders)
    if any(_WORDPRESS.search(path) for path in paths) and any("wp-" in path for path in paths):
        return Contents(Software.WORDPRESS, folders)
    dumps = tuple(last_line(path) for path in paths if _DUMP.search(path))
    return Contents(Software.FILES, folders, dumps=dumps)


def folders_of(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the few folders that hold all files; none when these are a whole machine's."""
    tops: set[str] = set()
    for path in paths:
        parts = PurePosixPath("/", path.lstrip("/")).parent.parts[1:]
        depth = _SYSTEM_DEPTH if parts[:1] and parts[0] in _SYSTEM else _DEPTH
        tops.add("/" + "/".join(parts[:depth]))
    folders = sorted(top for top in tops if may_be_emptied(top))
    return tuple(folders) if len(folders) <= _MOST_FOLDERS else ()


def may_be_emptied(folder: str) -> bool:
    """Tell whether a restore may take a folder's place, and a teardown remove it: no system's."""
    parts = PurePosixPath(folder).parts[1:]
    of_system = parts[:1] and parts[0] in _SYSTEM
    deep = len(parts) >= _SYSTEM_DEPTH or folder in _OF_PEOPLE
    return bool(_FOLDER.fullmatch(folder)) and bool(deep or not of_system)


def of_dump(head: bytes) -> Contents | None:
    """Tell by how it begins which database a dump is of; None when it is no dump of one."""
    text = head.decode("utf-8", "replace")
    if head.startswith(b"PGDMP"):
        match = _PG_DATABASE.search(head[:2000])
        return Contents(Software.POSTGRESQL, database=match[2].decode() if match else None)
    if b"-- PostgreSQL database dump" in head[:400]:
        match = re.search(rb"\n\\connect (?:-reuse-previous=\w+ )?\"?(\w+)", head)
        database = match[1].decode() if match else None
        return Contents(Software.POSTGRESQL, database=database, newest=instant_column(text))
    if _OF_MARIADB.search(head[:400]):
        match = _DATABASE.search(head[:2000])
        database = match[1].decode() if match else None
        return Contents(Software.MARIADB, database=database, newest=instant_column(text))
    return None


def instant_column(schema: str) -> InstantColumn | None:
    """Return the column that most likely dates the newest row."""
    columns: list[InstantColumn] = []
    for table, body in _TABLE.findall(schema):
        of_mariadb = "`" in body  # whose timestamps are instants
        for name, kind, rest in _INSTANT.findall(body):
            zoned = "with time zone" in rest or (kind == "timestamp" and of_mariadb)
            columns.append(InstantColumn(table, name, zoned))
    return min(columns, key=_rank, default=None)


def _rank(column: InstantColumn) -> int:
    words = f"{column.table} {column.column}".lower()
    return next((place for place, word in enumerate(_BEST) if word in words), len(_BEST))
