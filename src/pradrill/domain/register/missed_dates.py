"""Derive which drills the schedule asked for and nobody attempted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from pradrill.domain.register.entry import Entry, EntryKind, ScheduleMissed
from pradrill.domain.register.schedule_history import trials_of
from pradrill.domain.values.duration import Cadence, due_after

GRACE = timedelta(days=7)
"""A weekly cron gets one more try after a drill is due; a shorter cadence has its own length."""


def missed(
    cadences: Mapping[str, Cadence], entries: Iterable[Entry], now: datetime
) -> list[ScheduleMissed]:
    """Return the due dates that passed without an attempt, and are not in the register yet.

    `cadences`: service → `drill_every`. A service is due one cadence after its last finished run,
    and again each cadence after that. Any attempt counts that began between the due date and the
    end of its grace, a refused one too: the schedule did what it should. A service that was never
    drilled has no due date; it is listed as never drilled instead.
    """
    finished: dict[str, datetime] = {}
    attempts: dict[str, list[datetime]] = {}
    dates: set[tuple[str, datetime]] = set()
    for entry in entries:
        if entry.kind is EntryKind.SCHEDULE_MISSED:
            date = ScheduleMissed.model_validate(entry.body)
            dates.add((date.service, date.due))

        # A rehearsal is no trial, or rehearsing would keep a due drill from being missed.
        for service, trial in trials_of(entry):
            attempts.setdefault(service, []).append(trial.began)
            if trial.finished:
                finished[service] = max(trial.began, finished.get(service, trial.began))

    return [
        ScheduleMissed(service=service, due=due, last=finished[service])
        for service, cadence in cadences.items()
        if service in finished
        for due, end in _dues(cadence, finished[service], now)
        if (service, due) not in dates
        and not any(due <= start <= end for start in attempts[service])
    ]


def _dues(cadence: Cadence, last: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return each due date whose grace is over, and when it was over."""
    due = due_after(cadence, last)
    while True:
        following = due_after(cadence, due)
        end = min(due + GRACE, following)
        if end > now:
            return

        yield due, end
        due = following
