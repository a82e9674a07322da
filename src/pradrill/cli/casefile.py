"""What is known of a run today: its sealed record, and what the register adds to it."""

from __future__ import annotations

from pradrill.cli.workplace import Workplace
from pradrill.domain.casefile import CaseFile
from pradrill.domain.findings import all_findings, annotations_of, findings_for
from pradrill.domain.record import RunRecord, RunState
from pradrill.errors import RecordError
from pradrill.register.standing import standing

RECORD = "record.json"


def casefile(place: Workplace, run_id: str) -> CaseFile:
    """Gather what a report on a run may draw from. Raises RecordError."""
    record = place.store.read(run_id)
    entries = list(place.register.entries())
    return CaseFile(
        record=record,
        annotations=annotations_of(entries, run_id),
        findings=findings_for(all_findings(entries), tuple(record.plan.services), run_id),
        previous=_previous(place, record),
        integrity=standing(place.register, run_id),
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
