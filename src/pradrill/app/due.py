"""Find which services are due: by the calendar, or since their last finished run."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.app.composition import App
from pradrill.app.schedule import Calendar
from pradrill.config.project import Project
from pradrill.domain.dossier.register_facts import has_finished
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.schedule_history import trials_of
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.duration import due_after

_A_DAY = timedelta(hours=20)
"""Between two trials of what no window bounds; less than a day: a late one moves no other."""


class Due(NamedTuple):
    """A service whose drill is due, the drills that cover it, and its last finished run."""

    service: str
    drills: tuple[str, ...]
    last: datetime | None
    since: datetime | None
    end: datetime | None = None
    """Until when it may begin, by the calendar; none: until it was run."""

    def may_begin(self, now: datetime) -> bool:
        """Tell whether its drill may begin now: those before it may have taken hours."""
        return self.end is None or now < self.end


def find_due(app: App, project: Project) -> list[Due]:
    """Return the services that are due now: by the calendar, or since their last finished run.

    A line of the register that is no entry puts no drill off. Raises RecordError.
    """
    now = app.clock.now()
    last = _last_finished(app.store.last_finished())
    by_calendar = dict(Calendar(app, project.plan, app.register.legible()).due(now))

    due = []
    for name, service in project.plan.services.items():
        before, date = last.get(name), by_calendar.get(name)
        drills = _drills_of(project, name)
        if date is not None:
            due.append(Due(name, drills, before, date.due, date.end))
        elif service.drill_on is None and service.drill_every is not None:
            since = due_after(service.drill_every, before) if before else None
            if since is None or since <= now:
                due.append(Due(name, drills, before, since))

    return due


def left_for_today(app: App, due: Iterable[Due]) -> list[Due]:
    """Leave out what is due by drill_every and was tried within a day. Raises RecordError."""
    last: dict[str, datetime] = {}
    for entry in app.register.legible():
        with suppress(ValidationError):
            last.update((service, trial.began) for service, trial in trials_of(entry))

    now = app.clock.now()
    today = {name for name, at in last.items() if now - _A_DAY < at <= now}  # or by a wrong clock
    return [item for item in due if item.end or item.service not in today]


def ran_meanwhile(app: App, drill: str, since: datetime) -> bool:
    """Tell whether somebody's run of a drill has come to its end since. Raises RecordError."""
    return any(
        entry.kind is EntryKind.RUN
        and entry.at >= since
        and entry.body.get("drill") == drill
        and has_finished(entry.body)
        and not entry.body.get("rehearsal")
        for entry in app.register.legible()
    )


def _last_finished(records: Iterable[RunRecord]) -> dict[str, datetime]:
    last: dict[str, datetime] = {}
    for record in records:
        if record.finished and not record.launch.rehearsal:
            for name in record.plan.services:
                last[name] = max(record.started, last.get(name, record.started))
    return last


def _drills_of(project: Project, service: str) -> tuple[str, ...]:
    return tuple(
        name
        for name, loaded in project.drills.items()
        if service in loaded.drill.services and loaded.drill.unattended
    )
