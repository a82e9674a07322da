"""Judge what a dump holds: a database's archive, a tar archive, SQLite's file, the text of SQL."""

from __future__ import annotations

import re
from typing import NamedTuple

from pradrill.adapters.backups.dumps.unpacking import Unpacked
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds
from pradrill.system.command import CompletedCommand, run

_BOM = b"\xef\xbb\xbf"
_WITH_A_WORD = 4  # the last marks that nothing else ends with
_MAKER = rb"(?:mysqldump|mariadb-dump|pg_dump|pg_dumpall): "
_WARNED = re.compile(rb"\A" + _MAKER)
_HARMLESS = rb"[^\r\n]*when trying to dump tablespaces"  # MySQL 8's, and the dump goes on
_FAILED = re.compile(
    _MAKER + rb"(?:Got error|Error|error|Couldn't)(?!" + _HARMLESS + rb")[^\r\n]*+\s*\Z"
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""No text has it. Where it stands before the first words, they show through a packing's own."""
_FIRST = 16  # bytes: no packing's head is longer, and no row begins before
_STATEMENT = re.compile(rb"(?m)^(?:/\*!|(?:ALTER|COPY|CREATE|DROP|INSERT|LOCK|SET|USE) )")
# The first line of the next may stand behind half a line; its fourth is of no other maker's form.
_OF_MARIADB = (b"\n-- Server version\t", b"\n-- Dump completed")
_OF_POSTGRESQL = (b"\n-- PostgreSQL database dump", b"\n-- PostgreSQL database dump complete")
_BEHIND = re.compile(
    rb"[^\n]*+(?:\s|--[^\n]*+|\\unrestrict [^\n]*+|/\*!(?:[^*\n]|\*(?!/;))*+\*/;|SET [^\n;]*+;"
    rb"|COMMIT;)*+\Z"
)
"""What may follow on the words that end a dump: no statement of a dump's own.

Each is taken whole or not at all: a text that could be parted in many ways would be tried in each.
"""
_SQLITE = b"SQLite format 3\0"
_SQLITE_HEADER = 100
_LARGEST_PAGE = 65_536
_SQL_MARKS = (
    (re.compile(rb"(?m)^-- (MariaDB|MySQL) dump "), re.compile(rb"(?m)^-- Dump completed"), None),
    (
        re.compile(rb"(?m)^-- Dump created by MySQL pump utility"),
        re.compile(rb"(?m)^-- Dump end time:"),
        None,
    ),
    (
        re.compile(rb"(?m)^-- PostgreSQL database cluster dump\s*$"),  # it holds whole dumps
        re.compile(rb"(?m)^-- PostgreSQL database cluster dump complete"),
        None,
    ),
    (
        re.compile(rb"(?m)^-- PostgreSQL database dump\s*$"),
        re.compile(rb"(?m)^-- PostgreSQL database dump complete"),
        None,
    ),
    (
        # sqlite's .dump; since 3.46 it may warn before it.
        re.compile(rb"\A(?:/\*[^\n]*\*/\s+)?PRAGMA foreign_keys=OFF;\s+BEGIN TRANSACTION;"),
        re.compile(rb"(COMMIT|ROLLBACK);\s*\Z"),
        re.compile(rb"ROLLBACK; -- due to errors\s*\Z"),
    ),
)
"""How a maker's dump begins, how it ends, and how it ends when it failed."""
_TAR = 257
_BLOCK = 1024  # a tar archive ends with two blocks of zeros


class Content(NamedTuple):
    """What reading a dump's content has shown."""

    damage: str = ""
    """Why nothing, or not all, can be restored from it; empty: nothing was seen."""

    is_complete: bool = False
    """It ends as its maker ends."""

    doubt: str = ""
    """What no checksum makes good: it was so when it was written."""


def judge(unpacked: Unpacked, bounds: Bounds) -> Content:
    """Judge a dump by what it is."""
    head = unpacked.head
    if not head or unpacked.closed:  # what is closed may show through
        unpacked.exhaust()
        return Content("" if head else "it is empty")

    if head.startswith(b"PGDMP"):
        reply = run(["pg_restore", "-f", "/dev/null"], bounds, extra={},
                   package="postgresql-client", fed=unpacked.rest())  # fmt: skip
        unpacked.raise_failure()
        return archive_of(reply, bounds)

    if head[_TAR : _TAR + 5] == b"ustar":
        reply = run(["tar", "--list", "--file=-"], bounds, extra={}, package="tar",
                   fed=unpacked.rest())  # fmt: skip
        unpacked.exhaust()
        unpacked.raise_failure()
        if reply.code != 0:
            return Content(_in_time(reply, bounds))

        return _ended("the tar archive", ends=not any(unpacked.tail[-_BLOCK:]))

    if head.startswith(_SQLITE):
        unpacked.exhaust()
        return _database(head, unpacked.size)

    marks = _count_marks(unpacked)
    return _text(head.removeprefix(_BOM), unpacked.tail, marks)


def archive_of(reply: CompletedCommand, bounds: Bounds) -> Content:
    """Judge an archive of pg_dump's by what pg_restore says of it, which may be too old for it."""
    if reply.code == 0:
        return Content(is_complete=True)
    words = _in_time(reply, bounds)
    if re.search(r"unsupported version|does not support compression", reply.err):
        raise NotReadyError(
            f"the dump is in a format that this pg_restore does not read: {words}",
            hint="Install the postgresql-client of the server's version.",
        )
    return Content(words)


def _in_time(reply: CompletedCommand, bounds: Bounds) -> str:
    """Return what a tool said that failed; one that was ended for being late has found nothing."""
    if reply.code is None:
        raise NotReadyError(f"the dump was not read in {bounds.deadline:g} s")
    return last_line(reply.err)


def _ended(what: str, *, ends: bool) -> Content:
    return Content("" if ends else f"{what} is cut off", is_complete=ends)


def _database(head: bytes, size: int) -> Content:
    """Judge a file of SQLite's by the size that its header tells, where that is up to date."""
    page, pages = int.from_bytes(head[16:18]) or 1, int.from_bytes(head[28:32])
    page = _LARGEST_PAGE if page == 1 else page
    is_headed = len(head) >= _SQLITE_HEADER
    if is_headed and (pages == 0 or head[24:28] != head[92:96]):
        return Content()
    return _ended("the SQLite database", ends=is_headed and size >= page * pages)


class _Marks(NamedTuple):
    """What the whole of a text has shown; a job may write several dumps, one behind the other."""

    unfinished: int
    """Dumps that begin in it and do not come to their end."""

    ended: int
    has_zeros: bool
    is_all_zeros: bool
    """As a file is whose data a crash has kept from the disk."""


def _count_marks(unpacked: Unpacked) -> _Marks:
    """Read to the end, and count the beginnings and the ends of dumps."""
    marks = (*_OF_MARIADB, *_OF_POSTGRESQL)
    counts = dict.fromkeys(marks, 0)
    before, has_zeros, is_all_zeros = b"\n", False, True
    for piece in unpacked.rest():
        window = before + piece
        for mark in marks:
            counts[mark] += window.count(mark, max(0, len(before) - len(mark) + 1))
        before = window[-len(_OF_POSTGRESQL[1]) :]
        has_zeros = has_zeros or b"\0" in piece
        is_all_zeros = is_all_zeros and not piece.strip(b"\0")

    beginnings, endings, both, ended = (counts[each] for each in marks)
    unfinished = max(0, beginnings - endings, both - 2 * ended)
    return _Marks(unfinished, endings + ended, has_zeros, is_all_zeros)


def is_text(head: bytes) -> bool:
    """Tell whether something begins as a text does; zeros of a crash may stand before it."""
    return not _BINARY.search(head.lstrip(b"\0")[:_FIRST])


def _beginning_of(head: bytes) -> bytes:
    """Return a text's first part: what comes behind zeros may lie in an archive of a form of old.

    Zeros of a crash may stand before it; tar of 1979 and cpio have them behind a file's name.
    """
    return head.lstrip(b"\0").partition(b"\0")[0]


def is_sql(head: bytes) -> bool:
    """Tell whether a text begins as SQL does."""
    head = _beginning_of(head)
    return bool(_STATEMENT.search(head)) or any(first.search(head) for first, *_ in _SQL_MARKS)


def _text(head: bytes, tail: bytes, marks: _Marks) -> Content:
    """Judge what may be a text; of another form nothing is known, whatever shows through it."""
    if marks.is_all_zeros:
        return Content("nothing but zeros is in it")
    return _sql(_beginning_of(head), tail, marks) if is_text(head) else Content()


def _sql(head: bytes, tail: bytes, marks: _Marks) -> Content:
    """Judge a dump's text by its maker's marks: a first one without its last one is cut off.

    A maker that writes neither (--skip-comments, phpMyAdmin) says nothing of its end.
    """
    failed_at_last = _FAILED.search(tail)
    if failed_at_last and (is_sql(head) or _WARNED.match(head)):  # no log of other words
        words = last_line(failed_at_last[0].decode("utf-8", "replace"))
        return Content(f"what made it ended with an error: {words}")
    if marks.has_zeros and is_sql(head):
        return Content("zeros stand in it, which no SQL has")

    doubt = _doubt(head, marks)
    for first, last, failed in _SQL_MARKS:
        if first.search(head):
            if failed and failed.search(tail):
                return Content("the SQL dump says that it was not finished")
            ends = [*last.finditer(tail)]
            if not ends and not (marks.ended and not marks.unfinished):
                return Content("the SQL dump has no end: it is cut off")
            if not ends or not _BEHIND.match(tail, ends[-1].end()):
                doubt = doubt or "more stands behind its end than its maker writes"
            return Content(is_complete=True, doubt=doubt)

    is_complete = any(last.search(tail) for _, last, _ in _SQL_MARKS[:_WITH_A_WORD])
    return Content(is_complete=is_complete, doubt=doubt)


def _doubt(head: bytes, marks: _Marks) -> str:
    """Return what no checksum makes good of a text; empty: nothing."""
    if _WARNED.match(head):
        return "its first line is a word of the tool's that made it, and no SQL: write 2> apart"
    if marks.unfinished:
        return f"dumps that begin in it do not come to their end: {marks.unfinished}"
    return ""
