"""The actuals: what was reached, computed from marks with their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pradrill.domain.timeline import Elapsed, Instant, Mark, Provenance


def service_verified(
    first_green: datetime, last_red: datetime | None, data_restored: Instant
) -> Instant:
    """Return T5 from when the last mandatory check was first seen green.

    It turned green after the latest red answer was asked for, or, never seen red, after the
    data was there. The value is the late bound: a service counts from when it is proved.
    """
    earliest = min(last_red or data_restored.earliest, first_green)
    return Instant(
        at=first_green, earliest=earliest, latest=first_green, provenance=Provenance.MEASURED
    )


def last(branches: Sequence[dict[Mark, Instant]]) -> dict[Mark, Instant]:
    """Return the marks of the whole: each when the last branch reached it, none before that."""
    return {
        mark: Instant(
            at=max(instant.at for instant in reached),
            earliest=max(instant.earliest for instant in reached),
            latest=max(instant.latest for instant in reached),
            provenance=_weakest(reached),
        )
        for mark in Mark
        if len(reached := [marks[mark] for marks in branches if mark in marks]) == len(branches)
    }


def worst(points: Sequence[Instant | None]) -> Instant | None:
    """Return the recovery point of the whole, the oldest one; None unless each is known."""
    known = [point for point in points if point is not None]
    if not known or len(known) < len(points):
        return None
    return Instant(
        at=min(point.at for point in known),
        earliest=min(point.earliest for point in known),
        latest=min(point.latest for point in known),
        provenance=_weakest(known),
    )


def _weakest(instants: Sequence[Instant]) -> Provenance:
    return max((instant.provenance for instant in instants), key=list(Provenance).index)


def rta(marks: dict[Mark, Instant]) -> Elapsed | None:
    """Return T5 - T0, or None while either is missing."""
    return _between(marks, Mark.DISRUPTION, Mark.SERVICE_VERIFIED)


def technical_rta(marks: dict[Mark, Instant]) -> Elapsed | None:
    """Return T5 - T3, or None while either is missing."""
    return _between(marks, Mark.RECOVERY_STARTS, Mark.SERVICE_VERIFIED)


def rpa(marks: dict[Mark, Instant], point: Instant | None) -> Elapsed | None:
    """Return T0 - recovery point, or None while either is missing."""
    disruption = marks.get(Mark.DISRUPTION)
    if disruption is None or point is None:
        return None
    return Elapsed.between(point, disruption)


def _between(marks: dict[Mark, Instant], start: Mark, end: Mark) -> Elapsed | None:
    if start not in marks or end not in marks:
        return None
    return Elapsed.between(marks[start], marks[end])
