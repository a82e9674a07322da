"""Write one run's journal as its facts happen, and read it back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from pradrill.domain.run.event import Event
from pradrill.domain.run.owner import Doing
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import FileHash
from pradrill.errors import RecordError
from pradrill.register.chain.register import Register
from pradrill.register.runs.draft import JOURNAL, has_begun
from pradrill.register.runs.enter import seal_run
from pradrill.register.runs.folders import is_sealed
from pradrill.register.runs.genuine import events_of, evidence_of
from pradrill.register.runs.ownership import sign, unsign
from pradrill.register.runs.vouched import BARE, ENDS, VOUCHED, has_ended, line_of, with_signature
from pradrill.system.durable_files import open_lines, unwritten, write_line


class RunJournal:
    """One run's folder. Its lock is held by the run's process and freed by its death."""

    def __init__(self, folder: Path, lock: TextIO | None, register: Register) -> None:
        self.run_id = folder.name
        self.folder = folder
        self._register = register
        self._lock = lock
        self._file: int | None = None
        self._signed = False
        self._signs_each: bool | None = None

    def claim_as(self, doing: Doing) -> None:
        """Say whose the run is, where a command that wants it finds that."""
        if self._lock is not None and not self._signed and self.has_facts():
            sign(self._lock, doing)
            self._signed = True

    def has_facts(self) -> bool:
        """Tell whether the run has begun: before, `alive` holds what is known of the attempt."""
        try:
            return has_begun(self.folder)
        except OSError:  # something is there, and no file: reading it tells
            return True

    def append(self, event: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Write one fact as a JSON line and see it on the disk; raises RecordError."""
        fact = {"at": at.isoformat(), "event": event, **facts}
        try:
            if self._file is None:
                self._file = open_lines(self.folder / JOURNAL)
            write_line(self._file, line_of(self._vouched(fact)))
        except OSError as error:
            raise unwritten(self.folder / JOURNAL, error) from error
        self.claim_as(Doing.RUN)

    def _vouched(self, fact: dict[str, Any]) -> dict[str, Any]:
        """Return a fact as it is written: signed, where it must be and can be.

        Between the first and the last a key that asks somebody is not used, nor one that failed.
        """
        event = fact["event"]
        if event in BARE:
            return fact

        if event not in ENDS and self._signs_each is None:
            self._signs_each = self._register.signs_unattended()
        if event not in ENDS and not self._signs_each:
            return fact

        signed = with_signature(self.folder, fact, self._register.signature)
        if VOUCHED not in signed:
            self._signs_each = False
        return signed

    def events(self) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
        """Read back every whole fact, without a last one that a crash cut off.

        Without a record, that the run has ended counts only if its own process says so. Raises
        RecordError at a line that is not an event.
        """
        for event, at, facts in events_of(self.folder):
            if event != Event.ENDED or self._has_ended():
                yield event, at, facts

    def _has_ended(self) -> bool:
        try:
            sealed = is_sealed(self.folder)
            return sealed or has_ended(self.folder, self._register.public_key())
        except OSError as error:
            raise RecordError(f"cannot read {error.filename}: {error.strerror}") from error

    def evidence(self) -> tuple[FileHash, ...]:
        """Return the journal and every evidence file with its SHA-256; raises RecordError."""
        try:
            return evidence_of(self.folder)
        except OSError as error:
            raise RecordError(f"cannot read {error.filename}: {error.strerror}") from error

    def seal(self, record: RunRecord) -> None:
        """Write the record under its name only when all of it is on the disk, and enter it."""
        seal_run(self._register, self.folder, record)
        self.close()

    def close(self) -> None:
        """Let go of the journal and its lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

        if self._lock is not None:
            if self._signed:
                unsign(self._lock)
            self._lock.close()
            self._lock = None
