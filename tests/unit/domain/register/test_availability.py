"""Availability: months, overlaps, incidents that go on, and those whose end nobody has entered."""

from __future__ import annotations

from datetime import UTC, datetime

from pradrill.domain.register.availability import availability
from pradrill.domain.register.incident import Incident, IncidentStage, IncidentStep
from pradrill.domain.values.timeline import Provenance

FIRST, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
HOUR = 3_600.0


def at(month: int, day: int, hour: int = 0) -> datetime:
    """Return an instant of 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def an_incident(
    began: datetime, restored: datetime | None, *, closed: datetime | None = None
) -> Incident:
    """Return one of moodle."""
    facts = {"provenance": Provenance.ENTERED, "entered": END, "by": "root"}
    steps = [
        IncidentStep(
            stage=IncidentStage.DETECTED,
            at=began,
            services=("moodle",),
            restored=restored,
            **facts,
        )
    ]
    if closed is not None:
        steps.append(IncidentStep(stage=IncidentStage.CLOSED, at=closed, **facts))
    return Incident(incident="I-1", steps=tuple(steps))


def test_a_month_loses_what_its_incidents_took() -> None:
    """Two that overlap count once; a month without one is not told; other services neither."""
    incidents = [
        an_incident(at(1, 10, 0), at(1, 10, 4)),
        an_incident(at(1, 10, 2), at(1, 10, 6)),
        an_incident(at(1, 10, 3), at(1, 10, 4)),
    ]
    (january,) = availability("moodle", incidents, FIRST, END)
    assert (january.year, january.month, january.incidents) == (2026, 1, 3)
    assert january.down == 6 * HOUR
    assert round(january.percent, 3) == round(100 * (1 - 6 / (31 * 24)), 3)
    assert availability("ldap", incidents, FIRST, END) == []


def test_one_over_the_end_of_a_month_counts_in_both() -> None:
    """Each month loses its own part."""
    months = availability("moodle", [an_incident(at(1, 31, 23), at(2, 1, 2))], FIRST, END)
    assert [(each.month, each.down) for each in months] == [(1, HOUR), (2, 2 * HOUR)]


def test_one_that_goes_on_counts_until_now() -> None:
    """The month that is not over is as long as it has come."""
    (march,) = availability("moodle", [an_incident(at(3, 1, 12), None)], FIRST, at(3, 2))
    assert (march.seconds, march.down, march.percent) == (24 * HOUR, 12 * HOUR, 50.0)


def test_of_one_without_its_end_nothing_is_counted_and_it_is_told() -> None:
    """Closed without an end: nobody knows how long it was down."""
    (month,) = availability("moodle", [an_incident(at(1, 5), None, closed=at(1, 6))], FIRST, END)
    assert (month.down, month.incidents, month.endless) == (0.0, 1, 1)
