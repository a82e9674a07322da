"""Read a run's journal while the run goes on, or after it was killed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pradrill.app.reading import StateReader
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts, fold
from pradrill.domain.run.outcome import Phase, StepKey
from pradrill.errors import UNREADABLE, RecordError


class JournalReading(NamedTuple):
    """What a journal has told up to now."""

    facts: Facts
    beginnings: dict[StepKey, datetime]
    """When each step began."""
    last: datetime
    """When the last fact was noted."""


def read_journal(app: StateReader, run_id: str) -> JournalReading | None:
    """Return what a run has noted; None before its first fact. Raises RecordError."""
    beginnings: dict[StepKey, datetime] = {}
    events = list(app.store.journal(run_id).events())
    try:
        for name, at, payload in events:
            if name == Event.STEP_STARTED:
                key = Phase(payload["phase"]), payload["name"], payload.get("service")
                beginnings[key] = at
        facts = fold(events)
    except UNREADABLE as error:
        raise RecordError(
            f"the journal of the run {run_id} cannot be understood: {error}",
            hint="It may be another version's: read it with the one that runs the drill.",
        ) from error
    return None if facts is None else JournalReading(facts, beginnings, events[-1][1])
