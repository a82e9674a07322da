"""When an actual will cross its objective, as far as the runs so far allow to say.

The method is the regression of `regression.py`, on the runs that recovered: on the size of what
was restored where the runs tell it, because growth of the data is what makes a restore slower,
and on time otherwise. A run that failed has no recovery time and cannot take part: a forecast
says how slow recoveries become, never whether they work. Nothing is said on fewer than six runs,
nor of a time further ahead than the runs reach back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.dossier.regression import Crossing, FittedLine, fit
from pradrill.domain.values.model import Model, Utc

FEWEST = 6
_DAY = 86_400.0
_LONGEST = 100 * 366 * _DAY
_MONTH = 30.0


class Outlook(StrEnum):
    """What can be said of an actual's future."""

    NOT_ENOUGH = "not_enough"  # too few runs, or all at the same time
    NO_GROWTH = "no_growth"  # the slope's interval does not lie above zero
    LATER = "later"  # it grows, and stays below the objective as far as can be said
    CROSSES = "crosses"
    CROSSED = "crossed"  # the line is above the objective now


class Basis(StrEnum):
    """What the line is drawn on."""

    TIME = "time"
    SIZE = "size"


class RecoveredRun(NamedTuple):
    """A run that recovered: when, the actual's upper bound in seconds, and how much came back."""

    at: datetime
    seconds: float
    size: float | None


class Forecast(Model):
    """What to expect of one actual. Intervals hold with 95 %, under the line's assumptions."""

    outlook: Outlook
    runs: int = Field(description="the runs that the forecast rests on")
    basis: Basis = Basis.TIME
    monthly: float | None = Field(default=None, description="growth in 30 days, seconds")
    monthly_margin: float | None = Field(default=None, description="plus or minus, seconds")
    next_low: float | None = Field(default=None, description="a run now: between this")
    next_high: float | None = Field(default=None, description="and this")
    earliest: Utc | None = Field(default=None, description="a single run may exceed it from here")
    expected: Utc | None = Field(default=None, description="the line reaches the objective")
    latest: Utc | None = Field(default=None, description="any run exceeds it from here")
    horizon: Utc | None = Field(default=None, description="nothing is said of what comes after")
    gigabyte: float | None = Field(default=None, description="seconds that a further GB costs")
    size_limit: float | None = Field(default=None, description="bytes at the objective")
    line: tuple[tuple[Utc, float], ...] = Field(
        default=(), description="the line over time at its two ends, to be drawn"
    )


def forecast(runs: Sequence[RecoveredRun], objective: timedelta, now: datetime) -> Forecast:
    """Say when the objective will be crossed, or why that cannot be said."""
    usable = [run for run in runs if 0 <= run.seconds < _LONGEST]
    if len(usable) < FEWEST:
        return Forecast(outlook=Outlook.NOT_ENOUGH, runs=len(usable))
    origin = min(run.at for run in usable)
    times = [(_days(run.at - origin), run.seconds) for run in usable]
    over_time = fit(times)
    if over_time is None:
        return Forecast(outlook=Outlook.NOT_ENOUGH, runs=len(usable))
    span = max(x for x, _ in times)
    today = max(_days(now - origin), span)
    scope = _Scope(objective.total_seconds(), origin, today, ends=today + span)
    return _by_size(usable, scope) or _by_time(over_time, scope)


class _Scope(NamedTuple):
    """The objective in seconds, and how far one may look: days since the first run ↔ instants."""

    objective: float
    origin: datetime
    today: float
    ends: float

    def instant(self, day: float) -> datetime | None:
        """Return when a day is; None when it is past the end, or past the calendar."""
        try:
            return self.origin + timedelta(days=day) if day <= self.ends else None
        except OverflowError:
            return None


class _Next(NamedTuple):
    """What one more run today would give."""

    expected: float
    margin: float


def _by_time(line: FittedLine, scope: _Scope) -> Forecast:
    crossing = line.crossing(scope.objective, after=scope.today) if line.rises else None
    return _told(line, _Next(line.at(scope.today), line.margin(scope.today)), crossing, scope)


def _by_size(runs: Sequence[RecoveredRun], scope: _Scope) -> Forecast | None:
    """Go through the size: seconds by bytes, bytes by days; None when either tells nothing."""
    sized = [(_days(run.at - scope.origin), run.size, run) for run in runs if run.size is not None]
    if len(sized) < FEWEST:
        return None
    cost = fit([(size, run.seconds) for _, size, run in sized])
    growth = fit([(day, size) for day, size, _ in sized])
    over_time = fit([(day, run.seconds) for day, _, run in sized])
    if cost is None or growth is None or over_time is None or not (cost.rises and growth.rises):
        return None
    limits = cost.crossing(scope.objective, after=float("-inf"))
    crossing = Crossing(
        growth.crossing(limits.earliest, after=scope.today).earliest,
        growth.crossing(limits.expected, after=scope.today).expected,
        growth.crossing(limits.latest, after=scope.today).latest,
    )
    size = growth.at(scope.today)
    told = _told(over_time, _Next(cost.at(size), cost.margin(size)), crossing, scope)
    return told.model_copy(
        update={
            "basis": Basis.SIZE,
            "gigabyte": cost.slope * 1e9,
            "size_limit": max(0.0, limits.expected),
        }
    )


def _told(line: FittedLine, now: _Next, crossing: Crossing | None, scope: _Scope) -> Forecast:
    if crossing is None:
        outlook = Outlook.NO_GROWTH
    elif now.expected > scope.objective:
        outlook = Outlook.CROSSED
    else:
        outlook = Outlook.CROSSES if crossing.earliest <= scope.ends else Outlook.LATER
    shown = crossing if outlook is Outlook.CROSSES else None
    return Forecast(
        outlook=outlook,
        runs=line.size,
        monthly=line.slope * _MONTH,
        monthly_margin=line.slope_margin * _MONTH,
        next_low=max(0.0, now.expected - now.margin),
        next_high=now.expected + now.margin,
        earliest=scope.instant(shown.earliest) if shown else None,
        expected=scope.instant(shown.expected) if shown else None,
        latest=scope.instant(shown.latest) if shown else None,
        horizon=scope.instant(scope.ends),
        line=tuple(
            (at, line.at(day))
            for day in (0.0, scope.today)
            if (at := scope.instant(day)) is not None
        ),
    )


def _days(length: timedelta) -> float:
    return length.total_seconds() / _DAY
