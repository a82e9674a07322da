"""Keep the lines of a list of runs in `STATE/runs.index`: thousands of records are not read then.

It proves nothing, and nothing but the list reads it. A line is taken from it only while the
record's file is the one that it was made from, and while the register holds that record with the
same verdict; all else is read from the records, and the index is made anew. It may be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from pradrill.domain.register.entry import EntryKind
from pradrill.domain.run.run_line import RunLine
from pradrill.errors import RecordError
from pradrill.register.chain.register import Register
from pradrill.register.runs.derived_file import (
    FileStamp,
    is_settled,
    read_derived,
    stamp_of,
    write_derived,
)
from pradrill.register.runs.entries import changed, hashes_at_hand
from pradrill.register.runs.folders import RECORD

INDEX = "runs.index"
_FORMAT = "runs 1"


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
        stamp = stamp_of(f"{folder}/{RECORD}")
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
        if _is_entered(row, folder.name, entered) and is_settled(row.stamp, now):
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


def _read(path: Path, version: str) -> dict[str, Kept]:
    """Return what the index holds; nothing when it is missing, damaged, or another version's."""
    try:
        rows = read_derived(path, _FORMAT, version)
        return {} if rows is None else _ROWS.validate_json(rows, strict=True)
    except ValidationError:
        return {}


def _write(path: Path, rows: Mapping[str, Kept], version: str) -> None:
    write_derived(path, _ROWS.dump_json(dict(rows)), _FORMAT, version)
