"""Compare the calendar with the register: which drills are due, and which dates were missed."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from pradrill.app.reading import StateReader
from pradrill.config.cron import instants
from pradrill.domain.declared.plan import Plan, Service
from pradrill.domain.register.entry import Entry, EntryKind, ScheduleMissed, ScheduleRule
from pradrill.domain.register.missed_dates import missed
from pradrill.domain.register.schedule import (
    Date,
    Rule,
    Trial,
    due_date,
    missed_dates_of,
    next_date,
)
from pradrill.domain.register.schedule_history import ScheduleHistory
from pradrill.system.durable_files import opened_lock


class Calendar:
    """The rules of a plan, and what has become of them by some entries of the register."""

    def __init__(self, app: StateReader, plan: Plan, entries: Iterable[Entry]) -> None:
        self._app = app
        self._services = plan.services
        self._rules = rules_of(plan.services)
        self._entries = [*entries]
        self._history = ScheduleHistory(self._entries)

    def enter_changes(self) -> None:
        """Enter from when on which rule stands: no date before that was ever missed."""
        changed = False
        for name in sorted({*self._services, *self._history.rules}):
            rule = self._rules.get(name)
            text = rule.on.text if rule else ""
            before = self._history.rules.get(name)
            if text != (before.text if before else ""):
                body = ScheduleRule(service=name, rule=text)
                self._app.register.append(EntryKind.SCHEDULE, body, self._app.clock.now())
                changed = True
        if changed:
            self._history = ScheduleHistory(self._app.register.legible())

    def due(self, now: datetime) -> Iterator[tuple[str, Date]]:
        """Return the services whose drill is to be begun now."""
        for name, rule, since, trials in self._standing():
            date = due_date(rule, instants, trials, since, now)
            if date is not None:
                yield name, date

    def missed(self, now: datetime) -> list[ScheduleMissed]:
        """Return the dates that were missed, by `drill_every` or `drill_on`, and are not entered.

        Raises ValidationError when an entry of the register is not what its kind says.
        """
        cadences = {
            name: service.drill_every
            for name, service in self._services.items()
            if service.drill_every and not service.drill_on
        }
        return [*missed(cadences, self._entries, now), *self._missed_by_rule(now)]

    def _missed_by_rule(self, now: datetime) -> Iterator[ScheduleMissed]:
        for name, rule, since, trials in self._standing():
            last = max((t.began for t in trials if t.finished), default=None)
            # What was before the last run was judged by the quiet days and the window of then.
            for each in missed_dates_of(rule, instants, trials, max(since, last or since), now):
                if (name, each.date.due) not in self._history.missed:
                    yield ScheduleMissed(
                        service=name, due=each.date.due, last=last, because=each.because
                    )

    def following(self, now: datetime) -> Iterator[tuple[str, Rule, datetime | None]]:
        """Return each rule with its next date."""
        for name, rule in self._rules.items():
            yield name, rule, next_date(rule, instants, now)

    def _standing(self) -> Iterator[tuple[str, Rule, datetime, list[Trial]]]:
        for name, rule in self._rules.items():
            standing = self._history.rules.get(name)
            if standing is not None and standing.text == rule.on.text:
                yield name, rule, standing.since, self._history.trials.get(name, [])


def rules_of(services: Mapping[str, Service]) -> dict[str, Rule]:
    """Return the services that are drilled by the calendar."""
    return {
        name: Rule(service.drill_on, service.drill_window, service.no_drills)
        for name, service in services.items()
        if service.drill_on is not None
    }


@contextmanager
def alone_at_the_schedule(app: StateReader) -> Iterator[bool]:
    """Keep other calls of the schedule out; False when another one is at work. Raises RecordError.

    Two of them would both find the same drill due.
    """
    with opened_lock(app.state / "locks" / "schedule") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
