"""Keep the lines of a list of runs in `STATE/runs.index`: thousands of records are not read then.

It proves nothing, and nothing but the list reads it. A line is taken from it only while the
record's file is the one that it was made from, and while the register holds that record with the
same verdict; all else is read from the records, and the index is made anew. It may be lost.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from pradrill.domain.register.entry import EntryKind
from pradrill.domain.run.run_line import RunLine
from pradrill.errors import RecordError
from pradrill.register.chain.register import Register
from pradrill.register.runs.entries import changed, hashes_at_hand
from pradrill.register.runs.folders import RECORD
from pradrill.system.durable_files import content_of, opened

INDEX = "runs.index"
_FORMAT = 1
_LARGEST = 100_000_000
_UNSETTLED = timedelta(seconds=2)
"""A file that changed so lately could change again and keep its time: disks have coarse clocks."""


class FileStamp(NamedTuple):
    """What tells a file from any that took its place, or was written over it."""

    inode: int
    size: int
    modified: int
    changed: int
    """In nanoseconds, as `modified`. No program can set it."""


class Kept(NamedTuple):
    """A line, the file that it was made from, and the SHA-256 of what that file held."""

    stamp: FileStamp
    sha256: str
    line: RunLine


_ROWS = TypeAdapter(dict[str, Kept])


def run_lines(
    register: Register,
    folders: list[Path],
    derived: Callable[[Path], tuple[RunLine, str]],
    now: datetime,
    version: str,
) -> tuple[list[RunLine], list[RecordError]]:
    """Return the line of each sealed run, and an error for each damaged record.

    `derived` reads a record that is not in the index, or is another now: its line, and the SHA-256
    of its file. Raises RecordError. `version`: of the program, which words the lines.
    """
    path = register.state / INDEX
    rows, entered = _read(path, version), _entered(register)
    registered = cache(partial(hashes_at_hand, register))  # few rows need it
    lines: list[RunLine] = []
    damaged: list[RecordError] = []
    fresh: dict[str, Kept] = {}
    for folder in folders:
        stamp = _stamp(f"{folder}/{RECORD}")
        row = rows.get(folder.name)
        if row is None or row.stamp != stamp or not _is_entered(row, folder.name, entered):
            try:
                line, sha256 = derived(folder / RECORD)
            except RecordError as error:
                damaged.append(error)
                continue
            row = Kept(stamp or FileStamp(0, 0, 0, 0), sha256, line)
            if row.sha256 not in registered().get(folder.name, {row.sha256}):
                damaged.append(changed(folder.name))
        lines.append(row.line)
        if _is_entered(row, folder.name, entered) and _is_settled(row.stamp, now):
            fresh[folder.name] = row
    if fresh != rows:
        _write(path, fresh, version)
    return lines, damaged


def _is_entered(row: Kept, run_id: str, entered: Mapping[str, tuple[str, str]]) -> bool:
    """Tell whether the register holds the record that a line was made of, with its verdict.

    Whoever edits the index can write its checksum anew: they shall not turn a verdict by it.
    """
    line = row.line
    consistent = line.run_id == run_id and line.headline.partition(" ")[0] == line.verdict
    return consistent and entered.get(run_id) == (row.sha256, line.verdict)


def _entered(register: Register) -> Mapping[str, tuple[str, str]]:
    """Return run → hash of its record, and verdict; none when the register cannot be read."""
    hashes: dict[str, tuple[str, str]] = {}
    with suppress(RecordError):
        for entry in register.entries():
            if entry.kind is EntryKind.RUN:
                body = entry.body
                hashes[str(body.get("run_id"))] = (
                    str(body.get("record_sha256")),
                    str(body.get("verdict")),
                )
    return hashes


def _stamp(path: str) -> FileStamp | None:
    try:
        status = os.stat(path)  # noqa: PTH116 of thousands: pathlib costs thrice that
    except OSError:
        return None
    return FileStamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_settled(stamp: FileStamp, now: datetime) -> bool:
    return 0 < stamp.changed < (now - _UNSETTLED).timestamp() * 1e9


def _header(rows: bytes, version: str) -> bytes:
    digest = hashlib.sha256(rows).hexdigest()
    return f"pradrill {version} runs {_FORMAT} {digest}\n".encode()


def _read(path: Path, version: str) -> dict[str, Kept]:
    """Return what the index holds; nothing when it is missing, damaged, or another version's."""
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        header, feed, rows = content_of(path).partition(b"\n")
        if header + feed != _header(rows, version):
            return {}
        return _ROWS.validate_json(rows, strict=True)
    except (OSError, ValidationError):
        return {}


def _write(path: Path, rows: Mapping[str, Kept], version: str) -> None:
    """Put an index in the place of the one before, whole.

    Where that cannot be, as on a full disk or in a state that is read-only, the list is right all
    the same: the next one reads the records again. So it is when another reader writes it now.
    """
    content = _ROWS.dump_json(dict(rows))
    draft = path.with_name(f".{path.name}.draft")
    with suppress(OSError):
        file = opened(draft, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        with os.fdopen(file, "wb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if draft.stat().st_ino != os.fstat(file).st_ino:
                return  # it was another reader's, and is the index now
            try:
                stream.truncate(0)
                stream.write(_header(content, version) + content)
                stream.flush()
                draft.rename(path)
            except OSError:
                draft.unlink()
