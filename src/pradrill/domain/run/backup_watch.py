"""Tell from a catalogue alone when a newest backup is not like those before it, or is late.

Backups are compared with their own kind: of the same host, with the same tags, and of pgBackRest
full with full. The middle of some earlier ones is what they are like: one that was odd before
moves it little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from pradrill.domain.declared.backup_source import Promised
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.values.duration import approximate

_EARLIER, _FEWEST = 10, 3
"""How many before it are looked at, and how few say nothing."""
_SHORTEST = timedelta(minutes=1)
"""A backup that takes seconds takes twice as long for any reason."""


class ShrunkBackup(NamedTuple):
    """The newest is less than half as large as those before."""

    backup_id: str
    size: int
    usual: float


class SlowBackup(NamedTuple):
    """The newest took more than twice as long as those before."""

    backup_id: str
    length: timedelta
    usual: timedelta


class LateBackup(NamedTuple):
    """None followed on the newest when it was due."""

    backup_id: str
    due: datetime
    is_promised: bool
    """The plan says when; else the backups before it do."""


Suspicion = ShrunkBackup | SlowBackup | LateBackup


def suspicions(catalogue: Catalogue, promised: Promised | None) -> Iterator[Suspicion]:
    """Return what is odd about the newest backups; too short a history says nothing."""
    series: dict[tuple[str, tuple[str, ...], str], list[RecoveryPoint]] = {}
    for point in catalogue.usable():
        series.setdefault((point.host, point.tags, _kind(catalogue, point)), []).append(point)
    for points in series.values():
        # what was given up long ago is not compared with anything
        if points[-1].data_time >= catalogue.read_at - timedelta(days=31):
            yield from _odd(points)

    usable = catalogue.usable()
    if usable and (late := _late(usable, catalogue, promised)) is not None:
        yield late


def _kind(catalogue: Catalogue, point: RecoveryPoint) -> str:
    return point.id[-1:] if catalogue.source == "pgbackrest" else ""


def _odd(points: Sequence[RecoveryPoint]) -> Iterator[Suspicion]:
    newest, earlier = points[-1], points[-1 - _EARLIER : -1]
    sizes = [point.size for point in earlier if point.size is not None]
    if newest.size is not None and len(sizes) >= _FEWEST and newest.size < median(sizes) / 2:
        yield ShrunkBackup(newest.id, newest.size, median(sizes))

    lengths = [_length(point) for point in earlier]
    seconds = [each.total_seconds() for each in lengths if each is not None]
    length = _length(newest)
    if length is not None and len(seconds) >= _FEWEST:
        usual = timedelta(seconds=median(seconds))
        if length > 2 * usual and length - usual > _SHORTEST:
            yield SlowBackup(newest.id, length, usual)


def _length(point: RecoveryPoint) -> timedelta | None:
    """Return how long a backup took; None where only one of its times is told."""
    if point.end_time is None or point.end_time <= point.data_time:
        return None
    return point.end_time - point.data_time


def _late(
    points: Sequence[RecoveryPoint], catalogue: Catalogue, promised: Promised | None
) -> LateBackup | None:
    newest, now = points[-1], catalogue.read_at
    if promised is not None and promised.every is not None:
        due = newest.data_time + promised.every
        is_late = due + promised.tolerance < now
        return LateBackup(newest.id, due, is_promised=True) if is_late else None
    if promised is not None:
        tolerance = promised.tolerance
        due_since = [at for at in catalogue.due if newest.data_time + tolerance < at]
        late = [at for at in due_since if at + tolerance < now]
        return LateBackup(newest.id, late[0], is_promised=True) if late else None

    times = [point.data_time for point in points[-1 - _EARLIER :]]
    gaps = [(second - first).total_seconds() for first, second in pairwise(times)]
    if len(gaps) < _FEWEST:
        return None
    usual = timedelta(seconds=max(_usual(gaps), _SHORTEST.total_seconds()))
    due = newest.data_time + usual
    return LateBackup(newest.id, due, is_promised=False) if now > due + usual else None


def _usual(gaps: Sequence[float]) -> float:
    """Return the gap in which half of the time lies: several backups of one night are one."""
    half, total = sum(gaps) / 2, 0.0
    for gap in sorted(gaps):
        total += gap
        if total >= half:
            return gap
    return max(gaps)


def suspicion_text(suspicion: Suspicion) -> str:
    """Write the figures of a suspicion as a sentence."""
    match suspicion:
        case ShrunkBackup(_, size, usual):
            return f"{size} bytes, where those before had {usual:.0f}"
        case SlowBackup(_, length, usual_time):
            return f"{approximate(length)}, where those before took {approximate(usual_time)}"
        case LateBackup(_, due, is_promised):
            who = "recovery_point.promised says so" if is_promised else "as those before it came"
            return f"the next was due at {due:%Y-%m-%d %H:%M:%S} UTC: {who}"
