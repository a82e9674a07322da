"""Judge by the calendar what a status tells of services with drill_on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from pradrill.domain.dossier.project_facts import DeclaredService
from pradrill.domain.register.entry import Entry
from pradrill.domain.register.schedule import (
    Instants,
    MissedDate,
    Rule,
    due_date,
    first_after,
    missed_dates_of,
    next_date,
)
from pradrill.domain.register.schedule_history import ScheduleHistory


class CalendarView(NamedTuple):
    """How a service stands by its rule."""

    due: datetime | None
    """The date that is to be kept now, or the next one."""
    is_due: bool
    missed: tuple[MissedDate, ...]
    """Since the last run that went to its end, entered or not."""
    is_watched: bool
    """A schedule has entered the rule: before, nobody runs anything by it."""


class StatusCalendar:
    """The rules of a plan, with what became of them."""

    def __init__(
        self,
        services: Mapping[str, DeclaredService],
        entries: Iterable[Entry],
        instants: Instants | None,
        now: datetime,
    ) -> None:
        self._instants = instants
        self._now = now
        self._rules = {
            name: Rule(each.on, each.window, each.quiet)
            for name, each in services.items()
            if each.on is not None
        }
        self._history = ScheduleHistory(entries if self._rules else ())

    def of(self, service: str) -> CalendarView | None:
        """Return how a service stands; None when it is not drilled by the calendar."""
        rule = self._rules.get(service)
        if rule is None or self._instants is None:
            return None
        standing = self._history.rules.get(service)
        following = next_date(rule, self._instants, self._now)
        if standing is None or standing.text != rule.on.text:
            return CalendarView(following, False, (), False)

        trials = self._history.trials.get(service, [])
        last = max((t.began for t in trials if t.finished), default=standing.since)
        given = (rule, self._instants, trials)
        date = due_date(*given, standing.since, self._now)
        since = max(standing.since, last)
        late = tuple(missed_dates_of(*given, since, self._now))
        return CalendarView(date.due if date else following, date is not None, late, True)

    def outdates(self, service: str, proof: datetime) -> bool:
        """Tell whether a date was due after a proof, and its window is over."""
        rule = self._rules.get(service)
        if rule is None or self._instants is None:
            return False
        first = first_after(rule, self._instants, proof, self._now)
        return first is not None and first.end <= self._now
