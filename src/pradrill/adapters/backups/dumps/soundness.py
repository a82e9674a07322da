"""Check that a dump is whole: its checksum, its compression's, its format's end.

Sound is only what a checksum covers: without one, a changed byte may look like any other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pradrill.adapters.backups.dumps import checksums, kinds
from pradrill.adapters.backups.dumps.checksums import Sum
from pradrill.adapters.backups.dumps.unpacking import Unpacked, UnpackError
from pradrill.domain.run.backup_integrity import Checked, Soundness
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, Folder
from pradrill.system.command import run

_UNSURE = "it is complete, but nothing would tell a changed byte"
_BOM = b"\xef\xbb\xbf"
_WITH_A_WORD = 3  # the last marks that nothing else ends with
_MAKER = rb"(?:mysqldump|mariadb-dump|pg_dump|pg_dumpall): "
_WARNED = re.compile(rb"\A" + _MAKER)
_HARMLESS = rb"[^\r\n]*when trying to dump tablespaces"  # MySQL 8's, and the dump goes on
_FAILED = re.compile(
    _MAKER + rb"(?:Got error|Error|error|Couldn't)(?!" + _HARMLESS + rb")[^\r\n]*\s*\Z"
)
_STATEMENT = re.compile(rb"(?m)^(?:/\*!|(?:ALTER|COPY|CREATE|DROP|INSERT|LOCK|SET|USE) )")
# The first line of the next may stand behind half a line; its fourth is of no other maker's form.
_OF_MARIADB = (b"\n-- Server version\t", b"\n-- Dump completed")
_OF_POSTGRESQL = (b"\n-- PostgreSQL database dump", b"\n-- PostgreSQL database dump complete")
_SQLITE = b"SQLite format 3\0"
_SQLITE_HEADER = 100
_LARGEST_PAGE = 65_536
_SQL_MARKS = (
    (re.compile(rb"(?m)^-- (MariaDB|MySQL) dump "), re.compile(rb"(?m)^-- Dump completed"), None),
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
        re.compile(rb"\APRAGMA foreign_keys=OFF;\s+BEGIN TRANSACTION;"),  # sqlite's .dump
        re.compile(rb"(COMMIT|ROLLBACK);\s*\Z"),
        re.compile(rb"ROLLBACK; -- due to errors\s*\Z"),
    ),
)
"""How a maker's dump begins, how it ends, and how it ends when it failed."""
_TAR = 257
_BLOCK = 1024  # a tar archive ends with two blocks of zeros
_METHOD = "reading the whole dump"


class Content(NamedTuple):
    """What reading a dump's content has shown."""

    damage: str = ""
    """Why nothing, or not all, can be restored from it; empty: nothing was seen."""

    is_complete: bool = False
    """It ends as its maker ends."""

    doubt: str = ""
    """What no checksum makes good: it was so when it was written."""


_Judge = Callable[[Unpacked, Bounds], Content]


def check_file(folder: Folder, path: str, its: Sum | None, bounds: Bounds) -> Checked:
    """Read one file: its checksum if there is one, what it is packed in, what it is."""
    return _check(folder, path, its, bounds, judge=_content)


def _check(folder: Folder, path: str, its: Sum | None, bounds: Bounds, *, judge: _Judge) -> Checked:
    digest = (its or checksums.UNREAD).new()
    with folder.read(path) as pieces:
        unpacked = Unpacked(_digested(pieces, digest, bounds))
        try:
            unpacked.raise_failure()
            content = judge(unpacked, bounds)
            unpacked.raise_failure()
        except UnpackError as error:
            content = Content(str(error))

        unpacked.exhaust()  # so that the digest covers what a tool did not want to read
    if its and its.algorithm and digest.hexdigest() != its.digest:
        others = (each for each in its.others() if _adds_up(folder, path, each, bounds))
        other = next(others, None)
        if other is None:
            return Checked(Soundness.DAMAGED, _METHOD, f"its {its.title} is not the one beside it")
        its = other

    if content.damage:
        return Checked(Soundness.DAMAGED, _METHOD, content.damage)
    return _proven(content, unpacked, its)


def _proven(content: Content, unpacked: Unpacked, its: Sum | None) -> Checked:
    """Return how far something would tell a changed byte in what shows no damage."""
    if content.doubt:
        return Checked(Soundness.UNPROVEN, _METHOD, content.doubt)
    if its and its.algorithm:
        return Checked(Soundness.SOUND, f"{_METHOD}, {its.title}")
    if its:
        return Checked(Soundness.UNPROVEN, _METHOD, "what is beside it is no checksum of it")
    if content.is_complete and unpacked.checksummed:
        return Checked(Soundness.SOUND, f"{_METHOD}, {unpacked.packing}'s checksum")

    why = _UNSURE if content.is_complete else "nothing in it marks its end, and it has no checksum"
    if unpacked.closed:
        why = f"it is {unpacked.closed}, which is not read here, and it has no checksum"
    return Checked(Soundness.UNPROVEN, _METHOD, f"{why}; write its SHA-256 beside it")


def _adds_up(folder: Folder, path: str, its: Sum, bounds: Bounds) -> bool:
    """Tell whether a file has that sum; it is read once more."""
    digest = its.new()
    with folder.read(path) as pieces:
        for _ in _digested(pieces, digest, bounds):
            pass
    return digest.hexdigest() == its.digest


def check_folder(folder: Folder, path: str, beside: Mapping[str, Sum], bounds: Bounds) -> Checked:
    """Read every file of a dump folder; all of them must be among its checksums."""
    files = dict(kinds.walk(folder, path))
    data = sorted(each for each in files if not checksums.is_sums(each))
    kind = kinds.of_folder(files)
    if kind.problem or not data:
        return Checked(Soundness.DAMAGED, _METHOD, kind.problem or "it is empty")

    name = path.rpartition("/")[2]
    sums = dict(checksums.all_sums(folder, path, kinds.by_path(files)))
    sums |= {
        each.removeprefix(f"{name}/"): digest
        for each, digest in beside.items()
        if each.startswith(f"{name}/")
    }
    if missing := checksums.missing_of(sums, files):
        return Checked(Soundness.DAMAGED, _METHOD, f"{last_line(missing[0])} is missing")

    judge = _unpacks if kind.maker else _part  # of no maker: a job's own dumps and archives
    unsummed, doubts = 0, []
    for each in data:
        is_summed = each in sums and sums[each].algorithm != ""
        unsummed += not is_summed
        checked = _check(folder, f"{path}/{each}", sums.get(each), bounds, judge=judge)
        if checked.soundness is Soundness.DAMAGED:
            return Checked(Soundness.DAMAGED, _METHOD, f"{last_line(each)}: {checked.detail}")
        if checked.soundness is Soundness.UNPROVEN and is_summed:
            doubts.append(f"{last_line(each)}: {checked.detail}")

    here = folder.local(path)
    if kind.maker == "pg_dump" and here is not None:
        answer = run(["pg_restore", "-f", "/dev/null", str(here)], bounds, extra={},
                   package="postgresql-client")  # fmt: skip
        if answer.code != 0:
            return Checked(Soundness.DAMAGED, _METHOD, last_line(answer.err))
    if unsummed:
        doubts.insert(0, f"{unsummed} files have no checksum; write SHA256SUMS into the folder")
    if doubts:
        return Checked(Soundness.UNPROVEN, _METHOD, doubts[0])

    titles = sorted({sums[each].title for each in data})
    return Checked(Soundness.SOUND, f"{_METHOD}, {' or '.join(titles)} of each of its files")


def _unpacks(unpacked: Unpacked, _bounds: Bounds) -> Content:
    """See that a part of a dump unpacks; what it means only the whole tells."""
    unpacked.exhaust()
    return Content(is_complete=True)


def _part(unpacked: Unpacked, bounds: Bounds) -> Content:
    """Judge what lies in a job's own folder; a log there may hold a tool's words."""
    content = _content(unpacked, bounds)
    return content if _is_sql(unpacked.head) else content._replace(doubt="")


def _content(unpacked: Unpacked, bounds: Bounds) -> Content:
    """Judge a dump by what it is."""
    head = unpacked.head
    if not head or unpacked.closed:  # what is closed may show through
        unpacked.exhaust()
        return Content("" if head else "it is empty")

    if head.startswith(b"PGDMP"):
        reply = run(["pg_restore", "-f", "/dev/null"], bounds, extra={},
                   package="postgresql-client", fed=unpacked.rest())  # fmt: skip
        unpacked.raise_failure()
        if reply.code is None:
            raise NotReadyError(f"the dump was not read in {bounds.deadline:g} s")
        if "unsupported version" in reply.err:
            raise NotReadyError(
                f"the dump is in a newer format than this pg_restore reads: {last_line(reply.err)}",
                hint="Install the postgresql-client of the server's version.",
            )

        is_read = reply.code == 0
        return Content("" if is_read else last_line(reply.err), is_complete=is_read)

    if head[_TAR : _TAR + 5] == b"ustar":
        reply = run(["tar", "--list", "--file=-"], bounds, extra={}, package="tar",
                   fed=unpacked.rest())  # fmt: skip
        unpacked.exhaust()
        unpacked.raise_failure()
        if reply.code != 0:
            return Content(last_line(reply.err))

        return _ended("the tar archive", ends=not any(unpacked.tail[-_BLOCK:]))

    if head.startswith(_SQLITE):
        unpacked.exhaust()
        return _database(head, unpacked.size)

    unfinished = _unfinished(unpacked)
    return _sql(head.removeprefix(_BOM), unpacked.tail, unfinished)


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


def _unfinished(unpacked: Unpacked) -> int:
    """Read to the end, and return how many of the dumps that begin in it do not come to theirs.

    A job may write several, one behind the other.
    """
    marks = (*_OF_MARIADB, *_OF_POSTGRESQL)
    counts = dict.fromkeys(marks, 0)
    before = b"\n"
    for piece in unpacked.rest():
        window = before + piece
        for mark in marks:
            counts[mark] += window.count(mark, max(0, len(before) - len(mark) + 1))
        before = window[-len(_OF_POSTGRESQL[1]) :]

    beginnings, endings, both, ended = (counts[each] for each in marks)
    return max(0, beginnings - endings, both - 2 * ended)


def _is_sql(head: bytes) -> bool:
    return bool(_STATEMENT.search(head)) or any(first.search(head) for first, *_ in _SQL_MARKS)


def _sql(head: bytes, tail: bytes, unfinished: int) -> Content:
    """Judge a dump's text by its maker's marks: a first one without its last one is cut off.

    A maker that writes neither (--skip-comments, phpMyAdmin) says nothing of its end.
    """
    failed_at_last = _FAILED.search(tail)
    if failed_at_last and (_is_sql(head) or _WARNED.match(head)):  # no log of other words
        words = last_line(failed_at_last[0].decode("utf-8", "replace"))
        return Content(f"what made it ended with an error: {words}")

    doubt = ""
    if _WARNED.match(head):
        doubt = "its first line is a word of the tool's that made it, and no SQL: write 2> apart"
    elif unfinished:
        doubt = f"dumps that begin in it do not come to their end: {unfinished}"
    for first, last, failed in _SQL_MARKS:
        if first.search(head):
            if failed and failed.search(tail):
                return Content("the SQL dump says that it was not finished")
            if not last.search(tail):
                return Content("the SQL dump has no end: it is cut off")
            return Content(is_complete=True, doubt=doubt)

    is_complete = any(last.search(tail) for _, last, _ in _SQL_MARKS[:_WITH_A_WORD])
    return Content(is_complete=is_complete, doubt=doubt)


def _digested(pieces: Iterator[bytes], digest: hashlib._Hash, bounds: Bounds) -> Iterator[bytes]:
    for piece in pieces:
        if bounds.cancelled():
            raise NotReadyError("reading the dump was stopped before its end")
        digest.update(piece)
        yield piece
