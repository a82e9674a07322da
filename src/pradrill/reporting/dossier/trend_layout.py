"""Lay out the picture of a trend: numbers only; a template makes the drawing.

Two panels side by side, RTA and RPA over the days of the period, from zero up to the objective
at least. Attempts without a figure have their sign in a strip above. A figure of more than twice
the objective is drawn at the top edge with its value, so that the rest stays readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pradrill.domain.dossier.attempt import Attempt, Ending
from pradrill.domain.dossier.dossier import Trend
from pradrill.domain.dossier.forecast import Forecast, Outlook
from pradrill.domain.dossier.period import Period
from pradrill.domain.values.timeline import Elapsed
from pradrill.reporting.language import formats as wording

WIDTH, HEIGHT = 760.0, 172.0
_PANEL, _GAP = 366.0, 28.0
_LEFT, _RIGHT = 52.0, 14.0
_STRIP, _TOP, _BOTTOM = 30.0, 44.0, 150.0
_HEADROOM = 1.12
_MOST = 2.0  # of the objective
_MOST_TICKS = 6
_GROWING = {Outlook.LATER, Outlook.CROSSES, Outlook.CROSSED}
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600)
_DAY = 86_400.0


class Point(NamedTuple):
    """An attempt that has a figure."""

    x: float
    y: float
    low_y: float
    high_y: float
    met: bool
    above: str | None
    """The value, when it is beyond the top."""


class Sign(NamedTuple):
    """An attempt without a figure."""

    x: float
    ending: Ending


class Panel(NamedTuple):
    """One actual: everything to draw, in the units of the view box."""

    name: str
    goal: str
    left: float
    right: float
    top: float
    bottom: float
    strip: float
    points: tuple[Point, ...]
    signs: tuple[Sign, ...]
    objective: tuple[tuple[float, float], ...]
    objective_text: str
    objective_y: float
    line: tuple[float, float, float, float] | None
    coming: tuple[float, float, float] | None
    """Where one more run is expected: x, and y from and to."""
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


class _Frame(NamedTuple):
    """Instants and seconds → x and y."""

    period: Period
    left: float
    right: float
    most: float

    def x(self, instant: datetime) -> float:
        """Return where an instant is; beyond the ends it stays at the end."""
        whole = (self.period.end - self.period.begin).total_seconds()
        part = (instant - self.period.begin).total_seconds() / whole
        return self.left + min(max(part, 0.0), 1.0) * (self.right - self.left)

    def y(self, seconds: float) -> float:
        """Return where a figure is; beyond the top it stays there."""
        part = min(max(seconds / self.most, 0.0), 1.0)
        return _BOTTOM - part * (_BOTTOM - _TOP)


def draw(trend: Trend, attempts: Sequence[Attempt], period: Period) -> tuple[Panel, Panel]:
    """Lay out both panels from the period's attempts at this service in this setting."""
    goals = trend.objectives
    return (
        _panel(
            ("RTA", "RTO"),
            [(a, a.rta, _goal(a, trend.service, rta=True)) for a in attempts],
            (trend.rta_forecast, goals.rto if goals else None),
            _Frame(period, _LEFT, _PANEL - _RIGHT, 1.0),
        ),
        _panel(
            ("RPA", "RPO"),
            [(a, a.rpa, _goal(a, trend.service, rta=False)) for a in attempts],
            (trend.rpa_forecast, goals.rpo if goals else None),
            _Frame(period, _PANEL + _GAP + _LEFT, WIDTH - _RIGHT, 1.0),
        ),
    )


def _goal(attempt: Attempt, service: str, *, rta: bool) -> timedelta | None:
    goals = attempt.goals.get(service)
    return None if goals is None else goals.rto if rta else goals.rpo


def _panel(
    names: tuple[str, str],
    rows: Sequence[tuple[Attempt, Elapsed | None, timedelta | None]],
    future: tuple[Forecast | None, timedelta | None],
    frame: _Frame,
) -> Panel:
    forecast, today = future
    figures = [
        (attempt, actual, goal)
        for attempt, actual, goal in rows
        if actual is not None and attempt.ending in {Ending.PASSED, Ending.MISSED}
    ]

    objectives = [goal.total_seconds() for _, _, goal in rows if goal is not None]
    objectives += [today.total_seconds()] if today is not None else []
    highest = max((actual.high for _, actual, _ in figures), default=0.0)
    limit = max(objectives, default=highest or 1.0)
    frame = frame._replace(most=min(max(limit, highest), limit * _MOST) * _HEADROOM)
    steps = tuple(_objective(rows, today, frame))
    drawn = {id(attempt) for attempt, _, _ in figures}

    return Panel(
        name=names[0],
        goal=names[1],
        left=frame.left,
        right=frame.right,
        top=_TOP,
        bottom=_BOTTOM,
        strip=_STRIP,
        points=tuple(_point(frame, *figure) for figure in figures),
        signs=tuple(Sign(frame.x(a.at), a.ending) for a, _, _ in rows if id(a) not in drawn),
        objective=steps,
        objective_text="" if today is None else wording.short(today),
        objective_y=steps[-1][1] if steps else _TOP,
        line=_line(forecast, frame),
        coming=_coming(forecast, frame),
        x_ticks=tuple(_days(frame)),
        y_ticks=tuple(_seconds(frame)),
    )


def _point(frame: _Frame, attempt: Attempt, actual: Elapsed, goal: timedelta | None) -> Point:
    beyond = actual.seconds > frame.most
    return Point(
        x=frame.x(attempt.at),
        y=frame.y(actual.seconds),
        low_y=frame.y(actual.low),
        high_y=frame.y(actual.high),
        met=goal is None or actual.meets(goal),
        above=wording.short(actual.seconds) if beyond else None,
    )


def _objective(
    rows: Sequence[tuple[Attempt, Elapsed | None, timedelta | None]],
    today: timedelta | None,
    frame: _Frame,
) -> Iterator[tuple[float, float]]:
    """Give the corners of the objective's line: that of each attempt's time, then today's."""
    points = [(frame.x(a.at), goal.total_seconds()) for a, _, goal in rows if goal is not None]
    if today is not None:
        points.append((frame.right, today.total_seconds()))
    if not points:
        return

    height = points[0][1]
    yield frame.left, frame.y(height)

    for x, seconds in points:
        if seconds != height:
            yield x, frame.y(height)
            yield x, frame.y(seconds)
            height = seconds

    yield frame.right, frame.y(height)


def _line(forecast: Forecast | None, frame: _Frame) -> tuple[float, float, float, float] | None:
    """Cut the forecast's line to the panel."""
    if forecast is None or len(forecast.line) < 2 or forecast.outlook not in _GROWING:  # noqa: PLR2004
        return None

    (begin, low), (end, high) = forecast.line
    length = (end - begin).total_seconds()
    if length <= 0:
        return None

    first = max(begin, frame.period.begin)
    at_first = low + (high - low) * (first - begin).total_seconds() / length

    return frame.x(first), frame.y(at_first), frame.x(end), frame.y(high)


def _coming(forecast: Forecast | None, frame: _Frame) -> tuple[float, float, float] | None:
    if forecast is None or forecast.next_low is None or forecast.next_high is None:
        return None
    now = forecast.line[-1][0] if forecast.line else frame.period.end
    return frame.x(now), frame.y(forecast.next_low), frame.y(forecast.next_high)


def _days(frame: _Frame) -> Iterator[tuple[float, str]]:
    columns = frame.period.columns()
    step = -(-len(columns) // _MOST_TICKS)
    for column in columns[::step]:
        try:
            begin = datetime(max(column.year, 1), column.month, 1, tzinfo=frame.period.begin.tzinfo)
        except ValueError:  # past the last year of the calendar
            continue

        if begin >= frame.period.begin:
            yield frame.x(begin), wording.month(begin.year, begin.month)


def _seconds(frame: _Frame) -> Iterator[tuple[float, str]]:
    least = frame.most / 4
    step = next((float(size) for size in _STEPS if size >= least), 0.0)
    if not step:
        step = -(-least // _DAY) * _DAY
        step = step if step > 0 else _DAY

    count = 0
    while count * step <= frame.most and count <= _MOST_TICKS:
        words = wording.exact if count * step < _DAY else wording.short
        yield frame.y(count * step), words(count * step) if count else "0"
        count += 1
