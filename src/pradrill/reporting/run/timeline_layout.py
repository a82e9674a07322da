"""Lay out the timeline picture: numbers only; a template makes the drawing.

Time runs from left to right in up to three stretches: before the run (back to the disruption),
the run itself, and after it (up to the objective). A long quiet stretch is drawn short and marked
as broken, so that a run of ten minutes stays readable beside an objective of four hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.timeline import Mark
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import ngettext
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view

WIDTH = 760.0
LEFT, RIGHT = 168.0, 744.0
ROW, BAR = 20.0, 12.0
_LABEL_ROW = 14.0
_CHAR, _BOLD_CHAR = 6.7, 8.3  # generous: the reader's font is not known
_MOST_ROWS = 24
_MOST_FLAWS = 100
_BROKEN_AT = 0.3  # of the run's length
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_MOST_TICKS = 7
_DAY = 86_400.0
_PHASES = tuple(Phase)


class Bar(NamedTuple):
    """A row of the picture: one step, or a whole phase when there are too many steps."""

    label: str
    y: float
    x: float
    width: float
    plain: bool
    wait: bool
    text: str
    text_x: float
    text_anchor: str
    inside: bool
    deadline_x: float | None
    flaws: tuple[float, ...]


class Flag(NamedTuple):
    """A labelled vertical line: a mark or the objective."""

    label: str
    x: float
    label_x: float
    anchor: str
    label_y: float
    low_x: float
    high_x: float
    objective: bool


class Break(NamedTuple):
    """A stretch that is drawn shorter than it was."""

    x: float
    width: float
    text: str


class Picture(NamedTuple):
    """Everything to draw, in the units of the view box (0 0 width height)."""

    width: float
    height: float
    top: float
    bottom: float
    bars: tuple[Bar, ...]
    flags: tuple[Flag, ...]
    breaks: tuple[Break, ...]
    ticks: tuple[tuple[float, str], ...]
    by_phase: bool


class _Axis:
    """Seconds since the run began → x, piecewise linear."""

    def __init__(self, first: float, begin: float, end: float, last: float) -> None:
        self.begin, self.end = begin, max(end, begin + 1.0)
        length = self.end - self.begin
        self._knots = [min(first, begin), begin, self.end, max(last, self.end)]
        gaps = [self._knots[1] - self._knots[0], length, self._knots[3] - self._knots[2]]
        shares = [min(gap / length, _BROKEN_AT) for gap in gaps[::2]]
        total = 1.0 + sum(shares)
        widths = [share / total * (RIGHT - LEFT) for share in (shares[0], 1.0, shares[1])]
        self._xs = [LEFT, LEFT + widths[0], LEFT + widths[0] + widths[1], RIGHT]
        self.breaks = tuple(
            Break(self._xs[i], widths[i], wording.short(gaps[i]))
            for i in (0, 2)
            if gaps[i] / length > _BROKEN_AT
        )

    def x(self, seconds: float) -> float:
        """Return where an instant is; beyond the ends it stays at the end."""
        value = min(max(seconds, self._knots[0]), self._knots[3])
        for i in range(3):
            low, high = self._knots[i], self._knots[i + 1]
            if high > low and value <= high:
                part = (value - low) / (high - low)
                return self._xs[i] + part * (self._xs[i + 1] - self._xs[i])

        return RIGHT


def draw(record: RunRecord) -> Picture | None:
    """Lay out the picture; None when neither a step nor an instant is on record."""
    marks = record.recovery.marks
    if not record.steps and not marks:
        return None

    origin = record.started
    edges = [0.0, (record.ended - origin).total_seconds()]
    edges += [(step.started - origin).total_seconds() for step in record.steps]
    edges += [(step.ended - origin).total_seconds() for step in record.steps]
    instants = [(instant.at - origin).total_seconds() for instant in marks.values()]
    objective = _objective(record)
    beyond = [*instants, *([] if objective is None else [objective])]
    begin, end = min(edges), max(edges)
    axis = _Axis(min([begin, *beyond]), begin, end, max([end, *beyond]))

    flags, rows = _flags(record, axis, objective)
    top = 10.0 + rows * _LABEL_ROW
    by_phase = len(record.steps) > _MOST_ROWS
    bars = tuple(_phase_bars(record, axis, top) if by_phase else _step_bars(record, axis, top))
    bottom = top + max(len(bars), 1) * ROW + 6.0

    return Picture(
        width=WIDTH,
        height=bottom + 24.0,
        top=top,
        bottom=bottom,
        bars=bars,
        flags=flags,
        breaks=axis.breaks,
        ticks=tuple(_ticks(origin, axis)),
        by_phase=by_phase,
    )


def _objective(record: RunRecord) -> float | None:
    disruption = record.recovery.marks.get(Mark.DISRUPTION)
    if disruption is None:
        return None
    since = (disruption.at - record.started).total_seconds()
    return since + record.plan.objectives.rto.total_seconds()


def _step_bars(record: RunRecord, axis: _Axis, top: float) -> Iterator[Bar]:
    for row, step in enumerate(record.steps):
        yield _bar(record, axis, top + row * ROW, view.step_title(step), (step,))


def _phase_bars(record: RunRecord, axis: _Axis, top: float) -> Iterator[Bar]:
    ordered = sorted(record.steps, key=lambda step: _PHASES.index(step.phase))
    for row, (phase, group) in enumerate(groupby(ordered, key=lambda step: step.phase)):
        steps = tuple(group)
        count = ngettext("%(n)s step", "%(n)s steps", len(steps))
        yield _bar(record, axis, top + row * ROW, f"{word(phase)} ({count})", steps)


def _bar(record: RunRecord, axis: _Axis, y: float, label: str, steps: Sequence[StepResult]) -> Bar:
    def since(instant: datetime) -> float:
        return (instant - record.started).total_seconds()

    begin, end = min(since(s.started) for s in steps), max(since(s.ended) for s in steps)
    x, width = axis.x(begin), max(axis.x(end) - axis.x(begin), 0.0)

    red = [step for step in steps if step.outcome is not StepOutcome.PASSED]
    words = wording.short(end - begin)
    if len(steps) == 1:
        words += "" if not red else f" {word(red[0].outcome)}"
    elif red:
        words += " " + ngettext("%(n)s not passed", "%(n)s not passed", len(red))

    limit = steps[0].deadline if len(steps) == 1 else None
    inside = not red and width > len(words) * _CHAR + 8
    told_x, anchor = (x + width - 4, "end") if inside else _beside(x + width, len(words) * _CHAR)
    if anchor == "end" and not inside:
        told_x = x - 4 if x - 4 - len(words) * _CHAR > LEFT else RIGHT
    left = min(x, WIDTH - 1.5)

    return Bar(
        label=label,
        y=y,
        x=left,
        width=max(width, 1.5),
        plain=not red,
        wait=len(steps) == 1 and steps[0].kind is StepKind.MANUAL,
        text=words,
        text_x=told_x,
        text_anchor=anchor,
        inside=inside,
        deadline_x=None if limit is None else axis.x(begin + limit),
        flaws=tuple(axis.x(since(step.started)) for step in red[:_MOST_FLAWS])
        if len(steps) > 1
        else (),
    )


def _flags(record: RunRecord, axis: _Axis, objective: float | None) -> tuple[tuple[Flag, ...], int]:
    """Return the marks and the objective, and how many rows of labels they need."""
    disruption = record.recovery.marks.get(Mark.DISRUPTION)
    requests: list[tuple[float, float, float, str, bool]] = []
    for mark, instant in record.recovery.marks.items():
        at, low, high = (
            (t - record.started).total_seconds()
            for t in (instant.at, instant.earliest, instant.latest)
        )

        passed = "" if disruption is None else wording.short(instant.at - disruption.at)
        label = mark.value if mark is Mark.DISRUPTION else f"{mark} {passed}".strip()
        requests.append((at, low, high, label, False))

    if objective is not None:
        goals = record.plan.objectives
        whose = f" ({goals.rto_of})" if record.plan.apart else ""
        label = f"{view.figure_name('RTO')} {wording.short(goals.rto)}{whose}"
        requests.append((objective, objective, objective, label, True))

    def to_the_left(request: tuple[float, float, float, str, bool]) -> bool:
        """Tell whether a label stands left of its line, over the lines of others before it."""
        return _beside(axis.x(request[0]), len(request[3]) * _BOLD_CHAR + 6)[1] == "end"

    flags: list[Flag] = []
    rows: list[list[tuple[float, float]]] = []
    ordered = sorted(requests, key=lambda item: (not to_the_left(item), item[0]))
    for at, low, high, label, is_objective in ordered:
        x = axis.x(at)
        size = len(label) * _BOLD_CHAR + 6
        label_x, anchor = _beside(x, size)
        span = (label_x - size, label_x) if anchor == "end" else (label_x, label_x + size)
        row = _free_row(rows, (min(x, span[0]), max(x, span[1])))
        flags.append(
            Flag(
                label=label,
                x=x,
                label_x=label_x,
                anchor=anchor,
                label_y=10.0 + row * _LABEL_ROW,
                low_x=axis.x(low),
                high_x=axis.x(high),
                objective=is_objective,
            )
        )

    return tuple(sorted(flags, key=lambda flag: flag.x)), len(rows)


def _beside(x: float, size: float) -> tuple[float, str]:
    """Put a label to the right of x, or to its left where room is missing."""
    return (x - 4, "end") if x + 4 + size > WIDTH else (x + 4, "start")


def _free_row(rows: list[list[tuple[float, float]]], span: tuple[float, float]) -> int:
    """Return the first row in which neither a label nor a line of another one is met."""
    for row, spans in enumerate(rows):
        if all(span[1] <= low or span[0] >= high for low, high in spans):
            spans.append(span)
            return row
    rows.append([span])
    return len(rows) - 1


def _ticks(origin: datetime, axis: _Axis) -> Iterator[tuple[float, str]]:
    """Give round instants of the run."""
    length = axis.end - axis.begin
    step = next((float(size) for size in _TICKS if length / size <= _MOST_TICKS), 0.0)
    if not step:
        step = max(1.0, -(-length // (_MOST_TICKS * _DAY))) * _DAY
    midnight = origin.replace(hour=0, minute=0, second=0, microsecond=0)

    shift = (origin - midnight).total_seconds()
    count = -(-(axis.begin + shift) // step)
    while (since := count * step - shift) <= axis.end:
        yield axis.x(since), _tick_label(midnight, count * step, step)
        count += 1


def _tick_label(midnight: datetime, seconds: float, step: float) -> str:
    try:
        instant = wording.local(midnight + timedelta(seconds=seconds))
    except OverflowError:
        return ""
    if step >= _DAY:
        return wording.day(instant)
    return f"{instant:%H:%M:%S}" if step % 60 else f"{instant:%H:%M}"
