"""Read a run's journal while it is written: from another process, and without a trace."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pradrill.errors import RecordError
from pradrill.register.runs.draft import JOURNAL
from pradrill.register.runs.genuine import JournalLine
from pradrill.register.runs.vouched import VOUCHED
from pradrill.system.durable_files import opened

_PIECE = 1_000_000
_LONGEST = 64 * _PIECE
"""A longer line is nothing that a run has written: its checks may tell half of that."""


class JournalTail:
    """Reads each fact once, as soon as its line is whole; a line that is no fact is left out."""

    def __init__(self, folder: Path) -> None:
        """Open the journal; raises RecordError."""
        path = folder / JOURNAL
        try:
            self._file = opened(path, os.O_RDONLY)
        except OSError as error:
            raise RecordError(
                f"cannot read {path}: {error.strerror}", hint="Read it as its owner."
            ) from error
        self._pieces: list[bytes] = []
        self._size = 0
        self._skips = False
        self.left_out = 0
        """How many lines were no facts."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def facts(self) -> Iterator[JournalLine]:
        """Yield what has been written since the last call, but for a line that is half there."""
        while piece := self._read():
            *ends, rest = piece.split(b"\n")
            for end in ends:
                line, is_whole = b"".join([*self._pieces, end]), not self._skips
                self._pieces, self._size, self._skips = [], 0, False
                fact = _fact(line) if is_whole else None
                if fact is None:
                    self.left_out += 1
                else:
                    yield fact

            self._keep(rest)

    def _read(self) -> bytes:
        try:
            return os.read(self._file, _PIECE)
        except OSError as error:
            raise RecordError(f"cannot read the journal: {error.strerror}") from error

    def _keep(self, rest: bytes) -> None:
        """Keep the beginning of a line, unless it has become too long."""
        self._size += len(rest)
        self._skips = self._skips or self._size > _LONGEST
        self._pieces = [] if self._skips else [*self._pieces, rest]


def _fact(line: bytes) -> JournalLine | None:
    try:
        facts: dict[str, Any] = json.loads(line)
        facts.pop(VOUCHED, None)
        event, at = facts.pop("event"), datetime.fromisoformat(facts.pop("at"))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    if not isinstance(event, str):
        return None
    return event, at if at.tzinfo else at.replace(tzinfo=UTC), facts
