"""Judge what the calendar asks for: which drill is due now, which date was missed, and why.

Pure: the instants of a rule, what was attempted and the present go in. A date is kept by a run
that came to its end, began within its window, and was no rehearsal. Until then it is tried again,
within the window; after it the date is missed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pradrill.domain.declared.drill_on import DrillOn, QuietDays

_YEARS = timedelta(days=366 * 5)
RETRY = timedelta(minutes=50)
"""A timer that comes every hour tries once each hour."""

Instants = Callable[[DrillOn, datetime, datetime], Iterable[datetime]]
"""Returns when a rule is due from one instant to another, both included, in order."""


class Rule(NamedTuple):
    """What the plan says of when a service is drilled."""

    on: DrillOn
    window: timedelta
    quiet: Sequence[QuietDays] = ()


class Date(NamedTuple):
    """An instant at which a drill is due, and until when it may begin."""

    due: datetime
    end: datetime


class Trial(NamedTuple):
    """An attempt at a service."""

    began: datetime
    finished: bool
    """It went to its end by itself, whatever it proved."""
    because: str = ""
    """Why it did not, in words."""


class MissedDate(NamedTuple):
    """A date whose window has passed, and what kept the drill from it."""

    date: Date
    because: str


def dates(rule: Rule, instants: Instants, since: datetime, until: datetime) -> Iterator[Date]:
    """Return the dates due after `since` up to `until`; quiet days put them off to their end.

    Two dates that are put off to the same day are one. A window that reaches to the next date ends
    there: nothing is due twice at once.
    """
    longest = max((each.last - each.first for each in rule.quiet), default=timedelta(0))
    reach = timedelta(days=1) + sum((each.last - each.first for each in rule.quiet), longest)
    put_off = sorted(
        {
            _after_quiet(instant, rule)
            for instant in instants(rule.on, since - reach, until + rule.window)
        }
    )
    for place, due in enumerate(put_off):
        following = put_off[place + 1] if place + 1 < len(put_off) else None
        end = due + rule.window
        if since < due <= until:
            yield Date(due, end if following is None else min(end, following))


def _after_quiet(instant: datetime, rule: Rule) -> datetime:
    zone = ZoneInfo(rule.on.zone)
    local = instant.astimezone(zone)
    while (quiet := _quiet(local, rule)) is not None:
        day = quiet.last + timedelta(days=1)
        local = datetime.combine(day, local.timetz().replace(tzinfo=None), zone)
    return local.astimezone(instant.tzinfo)


def _quiet(local: datetime, rule: Rule) -> QuietDays | None:
    return next((each for each in rule.quiet if each.first <= local.date() <= each.last), None)


def is_quiet(rule: Rule, now: datetime) -> bool:
    """Tell whether no drill begins by itself now: a window may reach into quiet days."""
    return _quiet(now.astimezone(ZoneInfo(rule.on.zone)), rule) is not None


def is_kept(date: Date, finished: Sequence[datetime]) -> bool:
    """Tell whether one of the runs that went to their end, in order, began within the window."""
    place = bisect_left(finished, date.due)
    return place < len(finished) and finished[place] < date.end


def _finished(trials: Iterable[Trial]) -> list[datetime]:
    return sorted(trial.began for trial in trials if trial.finished)


def due_date(
    rule: Rule, instants: Instants, trials: Sequence[Trial], since: datetime, now: datetime
) -> Date | None:
    """Return the date for which a drill is to be begun now; None when there is none.

    `since`: from when on the rule stands.
    """
    if is_quiet(rule, now):
        return None
    finished = _finished(trials)
    start = max(since, now - rule.window - timedelta(days=2))
    for date in dates(rule, instants, start, now):
        if date.due <= now < date.end and not is_kept(date, finished):
            return None if _is_recent(date, trials, now) else date
    return None


def _is_recent(date: Date, trials: Iterable[Trial], now: datetime) -> bool:
    """Tell whether it was tried just now: then it is left for a while."""
    return any(date.due <= trial.began and now - trial.began < RETRY for trial in trials)


def missed_dates_of(
    rule: Rule,
    instants: Instants,
    trials: Sequence[Trial],
    since: datetime,
    now: datetime,
) -> Iterator[MissedDate]:
    """Return the dates after `since` whose window has passed without a run that went to its end."""
    finished = _finished(trials)
    for date in dates(rule, instants, since, now):
        if date.end <= now and not is_kept(date, finished):
            within = [trial for trial in trials if date.due <= trial.began < date.end]
            because = within[-1].because if within else ""
            yield MissedDate(date, because)


def first_after(rule: Rule, instants: Instants, since: datetime, now: datetime) -> Date | None:
    """Return the first date after an instant that is due by now: what ran then keeps none later."""
    until = min(now, since + _YEARS)
    return next(dates(rule, instants, since, until), None)


def next_date(rule: Rule, instants: Instants, now: datetime) -> datetime | None:
    """Return the first date after now, within some years; None when the rule has none."""
    for years in (1, 5, 30):
        until = now + timedelta(days=366 * years)
        for date in dates(rule, instants, now, until):
            return date.due
    return None
