"""What is known of a run today: its sealed record, and the run before it."""

from __future__ import annotations

import hashlib

from pradrill.cli.workplace import Workplace
from pradrill.domain.casefile import CaseFile, Integrity
from pradrill.domain.record import RunRecord, RunState
from pradrill.errors import RecordError

RECORD = "record.json"


def casefile(place: Workplace, run_id: str) -> CaseFile:
    """Gather what a report on a run may draw from. Raises RecordError."""
    record = place.store.read(run_id)
    return CaseFile(
        record=record,
        previous=_previous(place, record),
        integrity=Integrity(record_sha256=hashlib.sha256(sealed(place, run_id)).hexdigest()),
    )


def sealed(place: Workplace, run_id: str) -> bytes:
    """Return a record's bytes, as they were sealed. Raises RecordError."""
    path = place.store.runs / run_id / RECORD
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error


def _previous(place: Workplace, record: RunRecord) -> RunRecord | None:
    """Return the last finished run of the same drill before this one; damaged ones are no such."""
    drill = record.plan.drill.drill
    names = sorted(path.parent.name for path in place.store.runs.glob(f"2*Z-{drill}-*/{RECORD}"))
    for name in reversed([name for name in names if name < record.run_id]):
        try:
            other = place.store.read(name)
        except RecordError:
            continue
        finished = other.state is RunState.FINISHED and other.refusal is None
        if finished and other.plan.drill.drill == drill:
            return other
    return None
