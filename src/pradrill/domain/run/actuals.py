"""Compute the actuals: what was reached, from marks with their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pradrill.domain.run.resumption import Resumption
from pradrill.domain.values.timeline import ClockStep, Elapsed, Instant, Mark, Provenance


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
    measures = [point for point in points if point is not None]
    if not measures or len(measures) < len(points):
        return None
    return Instant(
        at=min(point.at for point in measures),
        earliest=min(point.earliest for point in measures),
        latest=min(point.latest for point in measures),
        provenance=_weakest(measures),
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


def with_clock_set(
    actual: Elapsed | None, steps: Sequence[ClockStep], *, both: bool = False
) -> Elapsed | None:
    """Return an actual, widened by what is not known once the system's clock was set.

    The steady clock does not follow it. But a jump ahead may be time in which the whole machine
    stood still, and its steady clock too. What is compared with instants of other machines, or
    with what a person entered, is off by it in either direction (`both`).
    """
    if actual is None or not steps:
        return actual
    if both or actual.provenance is not Provenance.MEASURED:
        off = sum(abs(step.seconds) for step in steps)
        return actual.widened(low=off, high=off)

    return actual.widened(low=0.0, high=sum(max(0.0, step.seconds) for step in steps))


def with_outages(actual: Elapsed | None, resumptions: Sequence[Resumption]) -> Elapsed | None:
    """Return an actual, widened by what is not known of the time across a restart."""
    within = sum(each.within for each in resumptions)
    return actual.widened(low=within, high=within) if actual is not None and within else actual


def _between(marks: dict[Mark, Instant], start: Mark, end: Mark) -> Elapsed | None:
    if start not in marks or end not in marks:
        return None
    return Elapsed.between(marks[start], marks[end])
